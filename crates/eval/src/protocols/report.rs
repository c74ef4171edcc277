//! What protocols report.

use run::ProtocolRecord;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::protocols::{CrossValidation, GridEdge, KnnReport, LinearReport};
use crate::{FewShotScores, FoldScores, Protocol, Score};

/// Accuracy on the validation part of train for one learning rate.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RateScore {
    /// The learning rate at the first step.
    pub lr: f64,
    /// Validation accuracy in 0..=1.
    pub accuracy: f64,
}

/// Result of a protocol that trains by gradient steps.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SgdReport {
    /// Score on the test split.
    pub test: Score,
    /// Accuracy on all of train, not augmented, of the same classifier.
    pub train_accuracy: f64,
    /// The chosen learning rate.
    pub lr: f64,
    /// A warning: the chosen rate lies at this end of the grid. `None` where there was only one.
    pub lr_at_edge: Option<GridEdge>,
    /// Validation accuracy of every rate; the test split had no part in it. Empty where none was
    /// left to choose by.
    pub validation: Vec<RateScore>,
    /// Images that the rates were compared on.
    pub validation_images: usize,
    /// Training images, the validation part included.
    pub train_images: usize,
    /// Steps of the training on all of them.
    pub steps: u64,
}

/// Report of a protocol.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Report {
    /// Of [`Protocol::Linear`].
    Linear(LinearReport),
    /// Of [`Protocol::Knn`].
    Knn(KnnReport),
    /// Of a linear classifier that was trained by gradient steps on features of augmented images.
    Sgd(SgdReport),
    /// Of a copy of the encoder that was trained together with a linear classifier.
    Finetune(SgdReport),
}

impl Report {
    /// Accuracy on the test split or, without one, the mean over folds of train; in 0..=1.
    pub fn accuracy(&self) -> f64 {
        self.cross_validation().map_or(self.test().accuracy, |found| found.folds.mean)
    }

    /// The score on the test split or, without one, on all folds of train together.
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

    /// The scores over folds of train, where there is no test split.
    pub fn cross_validation(&self) -> Option<&CrossValidation> {
        match self {
            Self::Linear(report) => report.cross_validation.as_ref(),
            Self::Knn(report) => report.cross_validation.as_ref(),
            Self::Sgd(_) | Self::Finetune(_) => None,
        }
    }
}

/// The scores of an encoder by one protocol.
#[derive(Clone, Debug, PartialEq)]
pub struct ProtocolResult {
    /// The protocol with its settings.
    pub protocol: Protocol,
    /// With all training images.
    pub report: Report,
    /// With few of them; empty where that was not asked for.
    pub few_labels: Vec<FewShotScores>,
}

impl ProtocolResult {
    /// The protocol's name.
    pub fn name(&self) -> &'static str {
        self.protocol.name()
    }

    /// The record of it in `evaluation.json`.
    pub fn record(&self) -> ProtocolRecord {
        let of_protocol = |value: serde_json::Result<Value>| {
            value.expect("reports and settings are valid JSON")[self.name()].take()
        };
        let mut report = of_protocol(serde_json::to_value(&self.report));
        report["accuracy"] = json!(self.report.accuracy());
        report["settings"] = of_protocol(serde_json::to_value(&self.protocol));
        report["few_labels"] = json!(self.few_labels);
        serde_json::from_value(report).expect("a report has the fields of a record")
    }
}
