//! Features of images as points of a plane.

mod pca;
mod tsne;

pub use self::pca::{Plane, principal_plane};
pub use self::tsne::{tsne, usual_perplexity};
