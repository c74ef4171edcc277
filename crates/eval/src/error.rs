//! What can be wrong with a request to evaluate.

/// Why an evaluation could not be done.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum Error {
    /// The data set has no split of that name.
    #[error("expected a labeled {split} split, found none")]
    NoSplit {
        /// "train" or "test".
        split: &'static str,
    },
    /// The split has images but no labels.
    #[error(
        "expected labels of the {split} split, found {images} image{} without",
        if *images == 1 { "" } else { "s" }
    )]
    NoLabels {
        /// "train" or "test".
        split: &'static str,
        /// Number of images in the split.
        images: usize,
    },
    /// There is nothing to learn from or to measure on.
    #[error("expected images in the {split} split, found none")]
    Empty {
        /// "train" or "test".
        split: &'static str,
    },
    /// A classifier needs a choice.
    #[error("expected training images of at least 2 classes, found {found}")]
    TooFewClasses {
        /// Number of different labels among the training images.
        found: usize,
    },
    /// There is no test split, and no class has an image to spare.
    #[error(
        "expected a labeled test split, or two images of some class to score folds of train, \
         found none and one of each of {images} classes"
    )]
    TooFewToValidate {
        /// Training images.
        images: usize,
    },
    /// The protocol can't do without a test split.
    #[error("{protocol}: expected a labeled test split, found none")]
    NeedsTest {
        /// The protocol's name.
        protocol: &'static str,
    },
    /// There is no test split, and all training images are learned from.
    #[error(
        "expected a labeled test split or training images to score, found none besides the {images} learned from"
    )]
    NothingLeft {
        /// Images that are learned from.
        images: usize,
    },
    /// A class has fewer images than are to be drawn of it.
    #[error(
        "expected at least {expected} labeled training images of every class, found {found} of class {class}"
    )]
    TooFewOfClass {
        /// Its label.
        class: usize,
        /// Images to draw of every class.
        expected: usize,
        /// Images of this one.
        found: usize,
    },
    /// The encoder gave infinities or not-a-numbers.
    #[error(
        "expected finite features, found infinities or not-a-numbers in those of {bad} of {images} \
         images: the encoder has diverged"
    )]
    NonFinite {
        /// Images with at least one such feature.
        bad: usize,
        /// All images.
        images: usize,
    },
    /// The protocol trains on augmented views.
    #[error("{protocol}: expected an encoder and images, found features alone")]
    NeedsImages {
        /// The protocol's name.
        protocol: &'static str,
    },
    /// Images can't be read any more.
    #[error(transparent)]
    Loader(#[from] loader::Error),
    /// Cached features that were whole a moment ago can't be read.
    #[error("{path}: cannot read: {found}")]
    Cache {
        /// The file.
        path: String,
        /// What the system said.
        found: String,
    },
    /// The processes that encode images together lost each other.
    #[error(transparent)]
    Group(#[from] group::Error),
    /// This process can't have the encoder of rank 0.
    #[error("{0}")]
    Encoder(String),
    /// The system gave no thread.
    #[error("no thread to work with: {0}")]
    Threads(String),
    /// Whoever watched the work ended it.
    #[error("interrupted")]
    Interrupted,
    /// Features and labels, or the features of two sets, do not belong together.
    #[error("{what}: expected {expected}, found {found}")]
    Mismatch {
        /// What was compared.
        what: &'static str,
        /// The value that was needed.
        expected: String,
        /// The value that was given.
        found: String,
    },
    /// A setting is outside its range.
    #[error("{name} must be {expected}, found {found}")]
    BadSetting {
        /// The setting's name in the configuration.
        name: &'static str,
        /// The allowed range in words.
        expected: &'static str,
        /// The value that was given.
        found: String,
    },
}

/// Shorthand for results of this crate.
pub type Result<T> = std::result::Result<T, Error>;
