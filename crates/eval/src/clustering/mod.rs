//! Groups of images with similar features.

mod k_means;

pub use self::k_means::{Clusters, KMeansSettings};
