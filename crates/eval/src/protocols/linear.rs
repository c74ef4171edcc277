//! The linear protocol: how well a linear classifier reads the classes off frozen features.
//!
//! Features are standardized by the training images' mean and standard deviation. `C` is chosen
//! within train, the classifier is fitted again on all of train, and the test split is scored once.
//! Without a test split the same is done for each of several folds of train.

use serde::{Deserialize, Serialize};
use tch::Tensor;

use super::c_choice::{CChoice, CScore, HeldOut};
use super::cross_validation::{CrossValidation, FoldResult, cross_validate};
use super::{GridEdge, SubsetScore};
use crate::{
    Error, Features, Fit, FoldScores, LogisticProblem, LogisticSettings, Predictions, Result,
    Score, StandardScaler,
};

/// Which values of `C`, the inverse of the penalty's strength, to try, and how to choose.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LinearSettings {
    /// The values of `C` in `C * sum CE + |W|^2 / 2` to choose from, ascending.
    pub cs: Vec<f64>,
    /// After how many larger `C` in a row that are all worse than the best so far the rest is left
    /// out: the largest take the longest and only fit train more closely.
    pub patience: usize,
    /// The most training images for which `C` is chosen by cross-validation; with more, one part
    /// is held out.
    pub most_cross_validated: usize,
    /// Folds of the cross-validation, at least 2.
    pub folds: usize,
    /// Share of every class that is held out, between 0 and 1.
    pub validation_share: f64,
    /// Decides which images are validated on.
    pub seed: u64,
    /// How exactly to solve each regression.
    pub solver: LogisticSettings,
}

impl Default for LinearSettings {
    fn default() -> Self {
        Self {
            // Two values a decade, 1e-4 to 1e2.
            cs: (-8..=4).map(|half: i32| 10f64.powf(f64::from(half) / 2.0)).collect(),
            patience: 4,
            most_cross_validated: 2000,
            folds: 5,
            validation_share: 0.2,
            seed: 0,
            solver: LogisticSettings::default(),
        }
    }
}

impl LinearSettings {
    fn check(&self) -> Result<()> {
        let positive = self.cs.iter().all(|c| *c > 0.0 && c.is_finite());
        if self.cs.is_empty() || !positive || !self.cs.is_sorted_by(|a, b| a < b) {
            return Err(Error::BadSetting {
                name: "cs",
                expected: "one or more positive numbers in ascending order",
                found: format!("{:?}", self.cs),
            });
        }
        if self.patience == 0 {
            let found = self.patience.to_string();
            return Err(Error::BadSetting { name: "patience", expected: "at least 1", found });
        }
        if self.folds < 2 {
            let found = self.folds.to_string();
            return Err(Error::BadSetting { name: "folds", expected: "at least 2", found });
        }
        if !(self.validation_share > 0.0 && self.validation_share < 1.0) {
            return Err(Error::BadSetting {
                name: "validation_share",
                expected: "between 0 and 1",
                found: self.validation_share.to_string(),
            });
        }
        Ok(())
    }
}

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
        let (scaler, problem) = prepare(train)?;
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

/// The scaling of `train`, and the regression on its standardized features.
pub(super) fn prepare(train: &Features) -> Result<(StandardScaler, LogisticProblem)> {
    let scaler = StandardScaler::fit(train.x());
    let problem = LogisticProblem::new(&scaler.apply(train.x()), train.labels())?;
    Ok((scaler, problem))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn default_values_of_c_are_two_a_decade() {
        let cs = LinearSettings::default().cs;
        assert_eq!((cs.len(), cs[0], cs[12]), (13, 1e-4, 1e2));
        assert!((cs[1] - 3.162_277_66e-4).abs() < 1e-12);
        assert!(LinearSettings::default().check().is_ok());
    }

    #[test]
    fn bad_settings_are_refused() {
        for cs in [vec![], vec![1.0, 0.1], vec![0.0, 1.0], vec![1.0, f64::NAN]] {
            let settings = LinearSettings { cs, ..LinearSettings::default() };
            assert!(matches!(settings.check(), Err(Error::BadSetting { name: "cs", .. })));
        }
        for (bad, name) in [
            (LinearSettings { validation_share: 1.0, ..Default::default() }, "validation_share"),
            (LinearSettings { folds: 1, ..Default::default() }, "folds"),
            (LinearSettings { patience: 0, ..Default::default() }, "patience"),
        ] {
            let error = bad.check().unwrap_err();
            assert!(matches!(error, Error::BadSetting { name: found, .. } if found == name));
        }
    }
}
