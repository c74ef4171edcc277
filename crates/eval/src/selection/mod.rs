//! Which images to label next.

mod k_center;
mod nearest;
mod typicality;

pub use self::nearest::Coverage;
pub use self::typicality::TypicalitySettings;

/// An image that is worth a label.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Pick {
    /// Row of the gallery.
    pub row: usize,
    /// By k-center: cosine distance to the nearest image that is labeled or was picked before;
    /// `None` for the first where none is labeled. By typicality: density, the mean cosine of the
    /// nearest images of its cluster.
    pub value: Option<f64>,
    /// Its cluster, from 0; `None` by k-center.
    pub cluster: Option<usize>,
}

/// Images to label, the most important first.
#[derive(Clone, Debug, PartialEq)]
pub struct Selection {
    /// The images, each once.
    pub picks: Vec<Pick>,
    /// How well the labeled images stand for all.
    pub coverage: Coverage,
    /// Images that were left out because they are copies of labeled ones.
    pub copies: usize,
}
