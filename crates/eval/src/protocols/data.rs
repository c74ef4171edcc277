//! What protocols learn from and are scored on.

use dataset::{Dataset, Split};

use crate::classifiers::few_shot::labels_of;
use crate::on_progress::GO_ON;
use crate::{Error, Features, FrozenEncoder, Result, labeled_splits};

/// The features of the labeled splits of a data set.
#[derive(Debug)]
pub struct LabeledFeatures {
    /// Of the training images.
    pub train: Features,
    /// Of the test images.
    pub test: Features,
}

impl LabeledFeatures {
    /// Extracts the features of the train and the test split of `set`, `batch` images at a time.
    ///
    /// # Errors
    /// Those of [`labeled_splits`] and [`FrozenEncoder::extract_labeled`].
    pub fn extract(encoder: &FrozenEncoder, set: &Dataset, batch: usize) -> Result<Self> {
        let (train, test) = labeled_splits(set)?;
        let extract = |split, name| encoder.extract_labeled(split, name, batch, GO_ON);
        Ok(Self { train: extract(train, "train")?, test: extract(test, "test")? })
    }
}

/// Labeled training and test images: their features and, for protocols that train on augmented
/// views, the images themselves.
#[derive(Clone, Copy, Debug)]
pub struct LabeledData<'a> {
    /// Features of the training images.
    pub train: &'a Features,
    /// Features of the test images.
    pub test: &'a Features,
    /// Predefined subsets of train (0-based rows) to report mean and deviation over; empty where
    /// the data set has none.
    pub folds: &'a [Vec<u32>],
    /// The images that the features are of.
    pub images: Option<EncodedImages<'a>>,
}

/// Images with the encoder that is measured on them.
#[derive(Clone, Copy, Debug)]
pub struct EncodedImages<'a> {
    /// The encoder.
    pub encoder: &'a FrozenEncoder,
    /// Training images, in the order of their features.
    pub train: &'a Split,
    /// Test images, in the order of their features.
    pub test: &'a Split,
}

impl<'a> LabeledData<'a> {
    /// The labeled splits of `set` with their features by `encoder`.
    ///
    /// # Errors
    /// Those of [`labeled_splits`].
    pub fn new(
        features: &'a LabeledFeatures,
        encoder: &'a FrozenEncoder,
        set: &'a Dataset,
    ) -> Result<Self> {
        let (train, test) = labeled_splits(set)?;
        Ok(Self {
            train: &features.train,
            test: &features.test,
            folds: &set.folds,
            images: Some(EncodedImages { encoder, train, test }),
        })
    }

    /// Whether there is something to learn from and to measure on; the number of classes, up to the
    /// largest label.
    pub(super) fn check(&self) -> Result<usize> {
        let (train, test) = (self.train, self.test);
        train.check_not_empty("train")?;
        test.check_not_empty("test")?;
        if train.dim() != test.dim() {
            return Err(Error::Mismatch {
                what: "number of features of the test images",
                expected: train.dim().to_string(),
                found: test.dim().to_string(),
            });
        }
        classes_of(&train.label_vec(), &test.label_vec())
    }

    /// The images, for `protocol`.
    pub(super) fn images(&self, protocol: &super::Protocol) -> Result<EncodedImages<'a>> {
        self.images.ok_or(Error::NeedsImages { protocol: protocol.name() })
    }
}

/// The number of classes of two sets of labels, up to the largest.
///
/// # Errors
/// [`Error::Empty`] for no training or test images, [`Error::TooFewClasses`] for fewer than two in
/// training.
pub(super) fn classes_of(train: &[i64], test: &[i64]) -> Result<usize> {
    for (split, labels) in [("train", train), ("test", test)] {
        if labels.is_empty() {
            return Err(Error::Empty { split });
        }
    }
    let found = labels_of(train);
    if found < 2 {
        return Err(Error::TooFewClasses { found });
    }
    let largest = train.iter().chain(test).max().copied().unwrap_or(0);
    Ok(largest as usize + 1)
}
