//! The registry of evaluation protocols.

use serde::{Deserialize, Serialize};

use crate::{Error, Features, FoldScores, KnnReport, KnnSettings, LinearReport, LinearSettings};
use crate::{Result, Score, TrainedReport, classes_of, knn, linear};

/// A way to measure frozen features by their labels.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Protocol {
    /// Multinomial logistic regression on standardized features.
    Linear(LinearSettings),
    /// Weighted nearest neighbors by cosine.
    Knn(KnnSettings),
}

impl Protocol {
    /// The names of all protocols, as [`named`](Self::named) knows them.
    pub const NAMES: [&'static str; 2] = ["linear", "knn"];

    /// The protocol of that name with its default settings.
    pub fn named(name: &str) -> Option<Self> {
        match name {
            "linear" => Some(Self::Linear(LinearSettings::default())),
            "knn" => Some(Self::Knn(KnnSettings::default())),
            _ => None,
        }
    }

    /// The protocol's name.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Linear(_) => "linear",
            Self::Knn(_) => "knn",
        }
    }

    /// What this protocol finds with `train`, a part of the training images; all of them have
    /// `classes`.
    pub(crate) fn on_subset(
        &self,
        train: &Features,
        test: &Features,
        classes: usize,
    ) -> Result<OnSubset> {
        match self {
            Self::Linear(settings) => linear::on_subset(train, test, classes, settings),
            Self::Knn(settings) => knn::on_subset(train, test, classes, settings),
        }
    }
}

/// What a classifier that learned from a part of the training images is worth.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct OnSubset {
    /// On all of the test split.
    pub accuracy: f64,
    /// What was chosen, where there is a choice.
    pub chosen: Option<f64>,
    /// Whether every regression reached its tolerance.
    pub converged: bool,
}

/// What a protocol found.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Report {
    /// Of [`Protocol::Linear`].
    Linear(LinearReport),
    /// Of [`Protocol::Knn`].
    Knn(KnnReport),
    /// Of a linear classifier that was trained by gradient steps on features of augmented images.
    Sgd(TrainedReport),
    /// Of a copy of the encoder that was trained together with a linear classifier.
    Finetune(TrainedReport),
}

impl Report {
    /// Accuracy on the test split in 0..=1.
    pub fn accuracy(&self) -> f64 {
        self.test().accuracy
    }

    /// The score on the test split.
    pub fn test(&self) -> &Score {
        match self {
            Self::Linear(report) => &report.test,
            Self::Knn(report) => &report.test,
            Self::Sgd(report) | Self::Finetune(report) => &report.test,
        }
    }

    /// The scores of predefined subsets of train, where there are such.
    pub fn folds(&self) -> Option<&FoldScores> {
        match self {
            Self::Linear(report) => report.folds.as_ref(),
            Self::Knn(report) => report.folds.as_ref(),
            Self::Sgd(_) | Self::Finetune(_) => None,
        }
    }
}

/// Measures features by one protocol: learns from `train` only, scores `test` once.
///
/// `folds` are predefined subsets of `train` (0-based rows) to report mean and deviation over;
/// empty where the data set has none.
///
/// # Errors
/// Where `train` or `test` is empty, their features differ in number, a setting is out of range, a
/// fold names an image that is not there, or the labels leave nothing to learn.
pub fn evaluate(
    protocol: &Protocol,
    train: &Features,
    test: &Features,
    folds: &[Vec<u32>],
) -> Result<Report> {
    let classes = check(train, test)?;
    if folds.iter().any(Vec::is_empty) {
        return Err(Error::Empty { split: "fold" });
    }
    match protocol {
        Protocol::Linear(settings) => {
            linear::evaluate(train, test, folds, classes, settings).map(Report::Linear)
        }
        Protocol::Knn(settings) => {
            knn::evaluate(train, test, folds, classes, settings).map(Report::Knn)
        }
    }
}

/// Whether there is something to learn from and to measure on; the number of classes, up to the
/// largest label.
pub(crate) fn check(train: &Features, test: &Features) -> Result<usize> {
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
