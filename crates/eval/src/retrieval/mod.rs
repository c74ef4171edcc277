//! Exact search among the features of images: neighbors, near-duplicates and outliers.

mod duplicates;
mod gallery;
mod neighbors;
mod outliers;

pub use self::duplicates::{Duplicates, Pair};
pub(crate) use self::gallery::ROWS;
pub use self::gallery::{Gallery, Neighbor, Neighbors};
pub use self::neighbors::nearest;
pub use self::outliers::Outlier;
