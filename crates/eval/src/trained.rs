//! What a classifier is worth that was trained by gradient steps on views of images, whoever
//! trained it.

use serde::{Deserialize, Serialize};

use crate::{Error, GridEdge, Result, Score};

/// Accuracy on the validation part of train for one learning rate.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RateScore {
    /// The learning rate at the first step.
    pub learning_rate: f64,
    /// Validation accuracy in 0..=1.
    pub accuracy: f64,
}

/// Result of a protocol that trains by gradient steps.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TrainedReport {
    /// Score on the test split.
    pub test: Score,
    /// Accuracy on all of train, not augmented, of the same classifier.
    pub train_accuracy: f64,
    /// The chosen learning rate.
    pub learning_rate: f64,
    /// A warning: the chosen rate lies at this end of the choice. `None` where there was only one.
    pub learning_rate_at_edge: Option<GridEdge>,
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

/// The number of classes of two sets of labels, up to the largest.
///
/// # Errors
/// [`Error::Empty`] for no training or test images, [`Error::TooFewClasses`] for fewer than two in
/// training.
pub fn classes_of(train: &[i64], test: &[i64]) -> Result<usize> {
    for (split, labels) in [("train", train), ("test", test)] {
        if labels.is_empty() {
            return Err(Error::Empty { split });
        }
    }
    let found = crate::few_shot::labels_of(train);
    if found < 2 {
        return Err(Error::TooFewClasses { found });
    }
    let largest = train.iter().chain(test).max().copied().unwrap_or(0);
    Ok(largest as usize + 1)
}
