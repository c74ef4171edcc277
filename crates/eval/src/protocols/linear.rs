//! The linear protocol: how well a linear classifier reads the classes off frozen features.
//!
//! Features are standardized by the training images' mean and standard deviation. `C` is chosen
//! within train, the classifier is fitted again on all of train, and the test split is scored once.
//! Without a test split the same is done for each of several folds of train.

use serde::{Deserialize, Serialize};
use tch::Tensor;

use super::c_choice::{CChoice, CScore, HeldOut};
use super::cross_validation::{CrossValidation, FoldResult, cross_validate};
use super::{GridEdge, LinearSettings};
use crate::classifiers::few_shot::SubsetScore;
use crate::{
    Features, Fit, FoldScores, LogisticProblem, Predictions, Result, Score, StandardScaler,
};

/// Result of the linear protocol.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LinearReport {
    /// Score on the test split or, without one, on all folds of train together.
    pub test: Score,
    /// Accuracy on all of train of the classifier that was fitted to it.
    pub train_accuracy: f64,
    /// The `C` that was chosen for all of train.
    pub c: f64,
    /// A warning: the chosen `C` lies at this end of the grid. `None` where there was only one.
    pub c_at_edge: Option<GridEdge>,
    /// How many values of `C` had the chosen one's validation accuracy, itself included; 0 where
    /// there was nothing to choose by.
    pub c_tied: usize,
    /// Validation scores of every `C` that was tried; the test split had no part in them.
    pub validation: Vec<CScore>,
    /// Parts of train that were held out for them, one after the other.
    pub validation_folds: usize,
    /// Images that the values of `C` were compared on.
    pub validation_images: usize,
    /// Training images, those of the validation included.
    pub train_images: usize,
    /// Features of an image.
    pub features: usize,
    /// Whether every regression reached its tolerance.
    pub converged: bool,
    /// Test accuracy from each predefined subset of train, `C` chosen within it.
    pub folds: Option<FoldScores>,
    /// Accuracy over folds of train, `C` chosen among the other folds, where there is no test
    /// split.
    pub cross_validation: Option<CrossValidation>,
}

/// Trains on `train`, and on each fold of it, and scores `test`.
pub(super) fn evaluate(
    train: &Features,
    test: &Features,
    folds: &[Vec<u32>],
    classes: usize,
    settings: &LinearSettings,
) -> Result<LinearReport> {
    settings.check()?;
    let mut accuracies = Vec::with_capacity(folds.len());
    let mut converged = true;
    for fold in folds {
        let found = on_subset(&train.select(fold)?, test, classes, settings)?;
        converged &= found.converged;
        accuracies.push(found.accuracy);
    }
    let probe = Probe::train(train, settings)?;
    let score = Score::new(&probe.rank(test), &test.label_vec(), classes);
    let mut report = probe.report(train, score);
    report.converged &= converged;
    report.folds = FoldScores::new(accuracies, folds.iter().map(Vec::len).collect());
    Ok(report)
}

/// Scores each fold of `train` by what is trained on the others, and trains on all of it.
pub(super) fn evaluate_by_folds(
    train: &Features,
    classes: usize,
    settings: &LinearSettings,
) -> Result<LinearReport> {
    settings.check()?;
    let found = cross_validate(train, classes, |others, fold| {
        let probe = Probe::train(others, settings)?;
        let (chosen, converged) = (Some(probe.choice.c), probe.converged);
        Ok(FoldResult { predictions: probe.rank(fold), chosen, converged })
    })?;
    let mut report = Probe::train(train, settings)?.report(train, found.all);
    report.converged &= found.converged;
    report.cross_validation = Some(found.by_fold);
    Ok(report)
}

/// Trains on `train`, a part of the training images, chooses `C` within it, and scores `test`.
pub(super) fn on_subset(
    train: &Features,
    test: &Features,
    classes: usize,
    settings: &LinearSettings,
) -> Result<SubsetScore> {
    settings.check()?;
    let probe = Probe::train(train, settings)?;
    Ok(SubsetScore {
        accuracy: Score::new(&probe.rank(test), &test.label_vec(), classes).accuracy,
        chosen: Some(probe.choice.c),
        converged: probe.converged,
    })
}

/// A fitted classifier together with the scaling that its features need.
pub(super) struct Probe {
    scaler: StandardScaler,
    fit: Fit,
    choice: CChoice,
    converged: bool,
}

impl Probe {
    /// Chooses `C`, and fits.
    pub fn train(train: &Features, settings: &LinearSettings) -> Result<Self> {
        Self::fit(train, CChoice::make(train, settings)?, settings)
    }

    fn fit(train: &Features, choice: CChoice, settings: &LinearSettings) -> Result<Self> {
        let (scaler, problem) = LogisticProblem::standardized(train)?;
        let fit = problem.fit(choice.c, None, &settings.solver)?;
        let converged = choice.converged && fit.converged;
        Ok(Self { scaler, fit, choice, converged })
    }

    /// The `C`.
    pub fn c(&self) -> f64 {
        self.choice.c
    }

    /// What was predicted for the images that `C` was chosen by; `None` where there are none.
    pub fn held_out(&self) -> Option<&HeldOut> {
        self.choice.held_out.as_ref()
    }

    /// The labels that it knows, ascending.
    pub fn labels(&self) -> &[i64] {
        &self.fit.model.labels
    }

    /// Logits of `x`, `[images, features]`, a column for each label.
    pub fn logits(&self, x: &Tensor) -> Tensor {
        self.fit.model.logits(&self.scaler.apply(x))
    }

    fn rank(&self, features: &Features) -> Predictions {
        self.fit.model.rank(&self.scaler.apply(features.x()))
    }

    /// The report of what was trained on all of `train` and has that score.
    fn report(self, train: &Features, test: Score) -> LinearReport {
        let labels = train.label_vec();
        let correct = self.rank(train).best().zip(&labels).filter(|(a, b)| a == *b).count();
        LinearReport {
            test,
            train_accuracy: correct as f64 / labels.len() as f64,
            c: self.choice.c,
            c_at_edge: self.choice.edge,
            c_tied: self.choice.tied,
            validation: self.choice.scores,
            validation_folds: self.choice.folds,
            validation_images: self.choice.images,
            train_images: train.len(),
            features: train.dim(),
            converged: self.converged,
            folds: None,
            cross_validation: None,
        }
    }
}
