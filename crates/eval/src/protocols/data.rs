//! What protocols learn from and are scored on.

use dataset::{Dataset, Split};

use crate::classifiers::few_shot::labels_of;
use crate::on_progress::GO_ON;
use crate::{Error, Features, FrozenEncoder, Result, evaluation_splits};

/// The features of the labeled splits of a data set.
#[derive(Debug)]
pub struct LabeledFeatures {
    /// Of the training images.
    pub train: Features,
    /// Of the test images; `None` where there is no labeled test split.
    pub test: Option<Features>,
}

impl LabeledFeatures {
    /// Extracts the features of the train and the test split of `set`, `batch` images at a time.
    ///
    /// # Errors
    /// Those of [`evaluation_splits`] and [`FrozenEncoder::extract_labeled`].
    pub fn extract(encoder: &FrozenEncoder, set: &Dataset, batch: usize) -> Result<Self> {
        let (train, test) = evaluation_splits(set)?;
        let extract = |split, name| encoder.extract_labeled(split, name, batch, GO_ON);
        let test = test.map(|test| extract(test, "test")).transpose()?;
        Ok(Self { train: extract(train, "train")?, test })
    }
}

/// Labeled training and test images: their features and, for protocols that train on augmented
/// views, the images themselves.
#[derive(Clone, Copy, Debug)]
pub struct LabeledData<'a> {
    /// Features of the training images.
    pub train: &'a Features,
    /// Features of the test images; without them folds of the training images are scored.
    pub test: Option<&'a Features>,
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
    /// Test images, in the order of their features, where there are features of them.
    pub test: Option<&'a Split>,
}

impl<'a> LabeledData<'a> {
    /// The labeled splits of `set` with their features by `encoder`.
    ///
    /// # Errors
    /// Those of [`evaluation_splits`].
    pub fn new(
        features: &'a LabeledFeatures,
        encoder: &'a FrozenEncoder,
        set: &'a Dataset,
    ) -> Result<Self> {
        let (train, test) = evaluation_splits(set)?;
        Ok(Self {
            train: &features.train,
            test: features.test.as_ref(),
            folds: &set.folds,
            images: Some(EncodedImages { encoder, train, test }),
        })
    }

    /// Whether there is something to learn from and to measure on; the number of classes, up to the
    /// largest label.
    pub(super) fn check(&self) -> Result<usize> {
        let train = self.train;
        train.check_not_empty("train")?;
        let Some(test) = self.test else {
            return classes_of(&train.label_vec(), &[]);
        };
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

    /// The test images, for `protocol`, which can't do without.
    pub(super) fn test(&self, protocol: &super::Protocol) -> Result<&'a Features> {
        self.test.ok_or(Error::NeedsTest { protocol: protocol.name() })
    }

    /// What is scored after learning from the images at `rows` of train: the test split or, without
    /// one, the other images of train.
    pub(super) fn scored(&self, rows: &[u32]) -> Result<Features> {
        if let Some(test) = self.test {
            return Ok(test.share());
        }
        let mut learned = vec![false; self.train.len()];
        rows.iter().for_each(|&row| learned[row as usize] = true);
        let others = (0u32..).zip(learned).filter(|(_, learned)| !learned);
        let others: Vec<u32> = others.map(|(row, _)| row).collect();
        if others.is_empty() {
            return Err(Error::NothingLeft { images: rows.len() });
        }
        self.train.select(&others)
    }
}

/// The number of classes of two sets of labels, up to the largest.
///
/// # Errors
/// [`Error::Empty`] for no training images, [`Error::TooFewClasses`] for fewer than two classes of
/// them.
pub(super) fn classes_of(train: &[i64], test: &[i64]) -> Result<usize> {
    if train.is_empty() {
        return Err(Error::Empty { split: "train" });
    }
    let found = labels_of(train);
    if found < 2 {
        return Err(Error::TooFewClasses { found });
    }
    let largest = train.iter().chain(test).max().copied().unwrap_or(0);
    Ok(largest as usize + 1)
}
