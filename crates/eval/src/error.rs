//! What can be wrong with a request to evaluate.

/// Why an evaluation could not be done.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum Error {
    /// The data set has no split of that name.
    #[error("evaluation needs a labelled {split} split, but this data set has none")]
    NoSplit {
        /// "train" or "test".
        split: &'static str,
    },
    /// The split has images but no labels.
    #[error("evaluation needs labels, but the {split} split has {images} images without labels")]
    NoLabels {
        /// "train" or "test".
        split: &'static str,
        /// Number of images in the split.
        images: usize,
    },
    /// There is nothing to learn from or to measure on.
    #[error("evaluation needs at least one image, but the {split} split is empty")]
    Empty {
        /// "train" or "test".
        split: &'static str,
    },
    /// A classifier needs a choice.
    #[error("a classifier needs images of at least 2 classes, found {found}")]
    TooFewClasses {
        /// Number of different labels among the training images.
        found: usize,
    },
    /// No class has an image to spare for validation.
    #[error(
        "choosing the penalty needs at least 2 training images of some class, \
         but each of the {classes} classes has 1"
    )]
    TooFewToValidate {
        /// Number of different labels among the training images.
        classes: usize,
    },
    /// The encoder gave infinities or not-a-numbers.
    #[error(
        "features must be finite, but {bad} of {images} images have infinite or not-a-number \
         features: the encoder has diverged"
    )]
    NonFinite {
        /// Images with at least one such feature.
        bad: usize,
        /// All images.
        images: usize,
    },
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
