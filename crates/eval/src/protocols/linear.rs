//! The linear protocol: how well a linear classifier reads the classes off frozen features.
//!
//! Features are standardized by the training images' mean and standard deviation. `C` is chosen by
//! accuracy on a stratified validation part of train (equal accuracies: the smaller `C`), the
//! classifier is fitted again on all of train, and the test split is scored once.

use dataset::stratified_holdout;
use serde::{Deserialize, Serialize};
use tch::Tensor;

use crate::StandardScaler;
use crate::protocols::{GridEdge, SubsetScore, best_of};
use crate::{Error, Features, Fit, FoldScores, LogisticProblem, LogisticSettings, Result, Score};

/// Which values of `C`, the inverse of the penalty's strength, to try, and how to choose.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LinearSettings {
    /// The values of `C` in `C * sum CE + |W|^2 / 2` to choose from, ascending.
    pub cs: Vec<f64>,
    /// After how many larger `C` in a row that are all worse than the best so far the rest is left
    /// out: the largest take the longest and only fit train more closely.
    pub patience: usize,
    /// Share of every class to validate on, between 0 and 1.
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

/// Accuracy on the validation part of train for one `C`.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CScore {
    /// `C`.
    pub c: f64,
    /// Validation accuracy in 0..=1.
    pub accuracy: f64,
}

/// Result of the linear protocol.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LinearReport {
    /// Score on the test split.
    pub test: Score,
    /// Accuracy on all of train, of the same classifier.
    pub train_accuracy: f64,
    /// The chosen `C`.
    pub c: f64,
    /// A warning: the chosen `C` lies at this end of the grid. `None` where there was only one.
    pub c_at_edge: Option<GridEdge>,
    /// Validation accuracy of every `C` that was tried; the test split had no part in it.
    pub validation: Vec<CScore>,
    /// Images that the values of `C` were compared on.
    pub validation_images: usize,
    /// Training images, the validation part included.
    pub train_images: usize,
    /// Features of an image.
    pub features: usize,
    /// Whether every regression reached its tolerance.
    pub converged: bool,
    /// Test accuracy from each predefined subset of train, `C` chosen within it.
    pub folds: Option<FoldScores>,
}

/// Trains on `train`, and on each fold of it, and scores `test`.
pub(crate) fn evaluate(
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
    Ok(LinearReport {
        test: Score::new(&probe.predict(test), &test.label_vec(), classes),
        train_accuracy: Score::new(&probe.predict(train), &train.label_vec(), classes).accuracy,
        c: probe.choice.c,
        c_at_edge: probe.choice.edge,
        validation: probe.choice.scores,
        validation_images: probe.choice.images,
        train_images: train.len(),
        features: train.dim(),
        converged: converged && probe.converged,
        folds: FoldScores::new(accuracies, folds.iter().map(Vec::len).collect()),
    })
}

/// Trains on `train`, a part of the training images, chooses `C` within it, and scores `test`.
pub(crate) fn on_subset(
    train: &Features,
    test: &Features,
    classes: usize,
    settings: &LinearSettings,
) -> Result<SubsetScore> {
    settings.check()?;
    let probe = Probe::train(train, settings)?;
    Ok(SubsetScore {
        accuracy: Score::new(&probe.predict(test), &test.label_vec(), classes).accuracy,
        chosen: Some(probe.choice.c),
        converged: probe.converged,
    })
}

/// A fitted classifier together with the scaling that its features need.
pub(super) struct Probe {
    standardizer: StandardScaler,
    fit: Fit,
    choice: Choice,
    converged: bool,
}

impl Probe {
    /// Chooses `C`, and fits.
    pub fn train(train: &Features, settings: &LinearSettings) -> Result<Self> {
        Self::fit(train, Choice::make(train, settings)?, settings)
    }

    /// Fits with a `C` that was chosen before.
    pub fn with_c(train: &Features, c: f64, settings: &LinearSettings) -> Result<Self> {
        Self::fit(train, Choice::the_only(c), settings)
    }

    fn fit(train: &Features, choice: Choice, settings: &LinearSettings) -> Result<Self> {
        let (standardizer, problem) = prepare(train)?;
        let fit = problem.fit(choice.c, None, &settings.solver)?;
        let converged = choice.converged && fit.converged;
        Ok(Self { standardizer, fit, choice, converged })
    }

    /// The `C`.
    pub fn c(&self) -> f64 {
        self.choice.c
    }

    /// The labels that it knows, ascending.
    pub fn labels(&self) -> &[i64] {
        &self.fit.model.labels
    }

    /// Logits of `x`, `[images, features]`, a column for each label.
    pub fn logits(&self, x: &Tensor) -> Tensor {
        self.fit.model.logits(&self.standardizer.apply(x))
    }

    fn predict(&self, features: &Features) -> Vec<i64> {
        self.fit.model.predict(&self.standardizer.apply(features.x()))
    }
}

fn prepare(train: &Features) -> Result<(StandardScaler, LogisticProblem)> {
    let standardizer = StandardScaler::fit(train.x());
    let problem = LogisticProblem::new(&standardizer.apply(train.x()), train.labels())?;
    Ok((standardizer, problem))
}

/// The `C` that did best on the validation part.
struct Choice {
    c: f64,
    edge: Option<GridEdge>,
    scores: Vec<CScore>,
    images: usize,
    converged: bool,
}

impl Choice {
    /// Where one `C` is given, and no image to validate on.
    fn the_only(c: f64) -> Self {
        Self { c, edge: None, scores: Vec::new(), images: 0, converged: true }
    }

    fn make(train: &Features, settings: &LinearSettings) -> Result<Self> {
        let labels = train.label_vec();
        let holdout = stratified_holdout(&labels, settings.validation_share, settings.seed);
        if holdout.validation.is_empty() {
            if let [c] = settings.cs[..] {
                return Ok(Self::the_only(c));
            }
            return Err(Error::TooFewToValidate { classes: labels.len() });
        }
        let (fit_part, validation) =
            (train.select(&holdout.fit)?, train.select(&holdout.validation)?);
        let (standardizer, problem) = prepare(&fit_part)?;
        let x = standardizer.apply(validation.x());
        let labels = validation.label_vec();

        let mut scores = Vec::with_capacity(settings.cs.len());
        let mut converged = true;
        let mut last: Option<Fit> = None;
        for &c in &settings.cs {
            if settled(&scores, settings.patience) {
                break;
            }
            let fit = problem.fit(c, last.as_ref(), &settings.solver)?;
            let predictions = fit.model.predict(&x);
            let correct = predictions.iter().zip(&labels).filter(|(a, b)| a == b).count();
            scores.push(CScore { c, accuracy: correct as f64 / labels.len() as f64 });
            converged &= fit.converged;
            last = Some(fit);
        }
        let accuracies: Vec<f64> = scores.iter().map(|score| score.accuracy).collect();
        let (best, edge) = best_of(&accuracies);
        Ok(Self { c: scores[best].c, edge, scores, images: labels.len(), converged })
    }
}

/// Whether the last `patience` scores are all worse than the best one.
fn settled(scores: &[CScore], patience: usize) -> bool {
    let best = scores.iter().map(|score| score.accuracy).fold(0.0, f64::max);
    scores.iter().rev().take_while(|score| score.accuracy < best).count() >= patience
}

#[cfg(test)]
mod tests {
    use super::*;

    fn scores(accuracies: &[f64]) -> Vec<CScore> {
        accuracies.iter().map(|&accuracy| CScore { c: 1.0, accuracy }).collect()
    }

    #[test]
    fn larger_values_of_c_are_left_out_once_worse_for_long() {
        assert!(!settled(&[], 2));
        assert!(!settled(&scores(&[0.5, 0.4]), 2));
        assert!(settled(&scores(&[0.5, 0.4, 0.4]), 2));
        assert!(!settled(&scores(&[0.5, 0.4, 0.5]), 2), "an equal score is not worse");
        assert!(!settled(&scores(&[0.5, 0.4, 0.5, 0.4]), 2));
    }

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
        let settings = LinearSettings { validation_share: 1.0, ..LinearSettings::default() };
        assert!(matches!(
            settings.check(),
            Err(Error::BadSetting { name: "validation_share", .. })
        ));
    }
}
