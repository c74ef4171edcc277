//! Scores where there is no test split: each labeled image is classified by what learned from the
//! other folds.

use dataset::stratified_folds;
use serde::{Deserialize, Serialize};

use crate::{Error, Features, FoldScores, Predictions, Result, Score};

/// Folds, where there are images enough.
const FOLDS: usize = 5;
/// Decides which images are in which fold.
const SEED: u64 = 0;

/// Accuracy over stratified folds of the labeled images.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CrossValidation {
    /// Random seed of the folds.
    pub seed: u64,
    /// Accuracy of each fold by a classifier that learned from the others.
    pub folds: FoldScores,
    /// The `C` that was chosen for each fold, among the others; `None` where there is no choice.
    pub chosen: Option<Vec<f64>>,
}

/// What a classifier found for the images of a fold.
pub(super) struct FoldResult {
    pub predictions: Predictions,
    /// The hyperparameter that was chosen, where there is a choice.
    pub chosen: Option<f64>,
    /// Whether every regression reached its tolerance.
    pub converged: bool,
}

/// The scores of all folds.
pub(super) struct CrossValidationScore {
    /// On the images of all folds together, each once.
    pub all: Score,
    pub by_fold: CrossValidation,
    pub converged: bool,
}

/// Scores the images of each fold of `train` by `learn`, which gets the other images and these.
///
/// # Errors
/// Those of `learn`, and [`Error::TooFewToValidate`] where no class has two images.
pub(super) fn cross_validate(
    train: &Features,
    classes: usize,
    mut learn: impl FnMut(&Features, &Features) -> Result<FoldResult>,
) -> Result<CrossValidationScore> {
    let splits = stratified_folds(&train.label_vec(), FOLDS, SEED);
    if splits.is_empty() {
        return Err(Error::TooFewToValidate { images: train.len() });
    }
    let (mut predictions, mut labels) = (Predictions::default(), Vec::new());
    let (mut accuracies, mut images) = (Vec::new(), Vec::new());
    let mut chosen = Some(Vec::new());
    let mut converged = true;
    for split in &splits {
        let (others, fold) = (train.select(&split.fit)?, train.select(&split.validation)?);
        let found = learn(&others, &fold)?;
        accuracies.push(Score::new(&found.predictions, &fold.label_vec(), classes).accuracy);
        images.push(others.len());
        predictions.append(found.predictions);
        labels.extend(fold.label_vec());
        chosen = chosen.zip(found.chosen).map(|(mut all, one)| {
            all.push(one);
            all
        });
        converged &= found.converged;
    }
    let folds = FoldScores::new(accuracies, images).expect("at least two folds");
    Ok(CrossValidationScore {
        all: Score::new(&predictions, &labels, classes),
        by_fold: CrossValidation { seed: SEED, folds, chosen },
        converged,
    })
}
