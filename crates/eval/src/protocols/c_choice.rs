//! Choosing `C`, the inverse of the penalty's strength, within the training images.
//!
//! Each `C` is scored on images that the classifier has not learned from: by stratified folds where
//! there are few, on one held-out part where there are many. Every fold starts each `C` from its
//! solution for the one before.

use dataset::{TrainValSplit, stratified_folds, stratified_holdout};
use serde::{Deserialize, Serialize};
use tch::{Kind, Tensor, no_grad};

use super::grid::edge_of;
use super::{GridEdge, LinearSettings, SINGLE_LABEL_C};
use crate::{Features, Fit, LogisticProblem, LogisticSettings, Result};

/// Validation scores of one `C`, over all images that were validated on.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CScore {
    /// `C`.
    pub c: f64,
    /// Validation accuracy in 0..=1.
    pub accuracy: f64,
    /// Mean cross-entropy in nats.
    pub cross_entropy: f64,
}

/// The chosen `C`, and what it was chosen by.
#[derive(Debug)]
pub(super) struct CChoice {
    pub c: f64,
    /// Where it is the first or the last of several.
    pub edge: Option<GridEdge>,
    /// How many values had the chosen one's accuracy, itself included; 0 where none was validated.
    pub tied: usize,
    /// One entry a value that was tried.
    pub scores: Vec<CScore>,
    /// How many parts of train were held out, one after the other.
    pub folds: usize,
    /// Images of all these parts.
    pub images: usize,
    /// What was predicted for them with the chosen `C`; `None` where none was validated.
    pub held_out: Option<HeldOut>,
    /// Whether every regression reached its tolerance.
    pub converged: bool,
}

/// Predictions of images by classifiers that have not learned from them.
#[derive(Debug)]
pub(super) struct HeldOut {
    /// Log-probabilities, `[images, classes]`, float64.
    pub log_p: Tensor,
    /// The column of each image's class, `[images]`, int64.
    pub targets: Tensor,
}

impl CChoice {
    /// Chooses among `settings.cs` by the images of `train`. Where no class has two images there is
    /// nothing to choose by, and [`SINGLE_LABEL_C`] is taken.
    pub fn make(train: &Features, settings: &LinearSettings) -> Result<Self> {
        let splits = match settings.cs[..] {
            [_] => Vec::new(),
            _ => splits(&train.label_vec(), settings),
        };
        if splits.is_empty() {
            return Ok(Self {
                c: if let [c] = settings.cs[..] { c } else { SINGLE_LABEL_C },
                edge: None,
                tied: 0,
                scores: Vec::new(),
                folds: 0,
                images: 0,
                held_out: None,
                converged: true,
            });
        }
        Self::by(train, &splits, settings)
    }

    /// Chooses among `settings.cs` by what `splits` hold out.
    fn by(train: &Features, splits: &[TrainValSplit], settings: &LinearSettings) -> Result<Self> {
        let folds: Result<Vec<Fold>> = splits.iter().map(|split| Fold::new(train, split)).collect();
        let mut folds = folds?;
        let images: usize = splits.iter().map(|split| split.validation.len()).sum();
        let mut scores = Vec::with_capacity(settings.cs.len());
        let mut converged = true;
        let mut of_best = Vec::new();
        for &c in &settings.cs {
            if settled(&scores, settings.patience) {
                break;
            }
            let (mut correct, mut cross_entropy) = (0, 0.0);
            let mut log_p = Vec::with_capacity(folds.len());
            for fold in &mut folds {
                let found = fold.score(c, &settings.solver)?;
                correct += found.correct;
                cross_entropy += found.cross_entropy;
                converged &= found.converged;
                log_p.push(found.log_p);
            }
            scores.push(CScore {
                c,
                accuracy: correct as f64 / images as f64,
                cross_entropy: cross_entropy / images as f64,
            });
            if best_of(&scores) + 1 == scores.len() {
                of_best = log_p;
            }
        }
        let best = best_of(&scores);
        let targets: Vec<&Tensor> = folds.iter().map(|fold| &fold.targets).collect();
        let held_out = HeldOut {
            log_p: Tensor::cat(&of_best, 0),
            targets: Tensor::cat(&targets, 0).squeeze_dim(1),
        };
        let tied = scores.iter().filter(|score| score.accuracy == scores[best].accuracy).count();
        Ok(Self {
            c: scores[best].c,
            edge: edge_of(best, scores.len()),
            tied,
            scores,
            folds: folds.len(),
            images,
            held_out: Some(held_out),
            converged,
        })
    }
}

/// What to fit on and to validate on, each split after the other.
fn splits(labels: &[i64], settings: &LinearSettings) -> Vec<TrainValSplit> {
    if labels.len() <= settings.most_cross_validated {
        return stratified_folds(labels, settings.folds, settings.seed);
    }
    let holdout = stratified_holdout(labels, settings.validation_share, settings.seed);
    if holdout.validation.is_empty() { Vec::new() } else { vec![holdout] }
}

/// The index of the best score.
fn best_of(scores: &[CScore]) -> usize {
    let better = |a: &CScore, b: &CScore| {
        let by_accuracy = a.accuracy.total_cmp(&b.accuracy);
        by_accuracy.then(b.cross_entropy.total_cmp(&a.cross_entropy)).is_gt()
    };
    let mut best = 0;
    for (index, score) in scores.iter().enumerate() {
        if better(score, &scores[best]) {
            best = index;
        }
    }
    best
}

/// Whether the last `patience` scores are all worse than the best one.
fn settled(scores: &[CScore], patience: usize) -> bool {
    let best = scores.iter().map(|score| score.accuracy).fold(0.0, f64::max);
    scores.iter().rev().take_while(|score| score.accuracy < best).count() >= patience
}

/// A part of train that is held out, and the regression on the rest.
struct Fold {
    problem: LogisticProblem,
    /// Standardized features of the held-out images.
    x: Tensor,
    labels: Vec<i64>,
    /// The column of each held-out image's class, `[images, 1]`.
    targets: Tensor,
    last: Option<Fit>,
}

struct FoldScore {
    /// Log-probabilities of the held-out images.
    log_p: Tensor,
    correct: usize,
    /// The sum over the images.
    cross_entropy: f64,
    converged: bool,
}

impl Fold {
    fn new(train: &Features, split: &TrainValSplit) -> Result<Self> {
        let (fit, validation) = (train.select(&split.fit)?, train.select(&split.validation)?);
        let (scaler, problem) = LogisticProblem::standardized(&fit)?;
        let labels = validation.label_vec();
        // Every class that is validated on has an image to fit on.
        let columns: Vec<i64> =
            labels.iter().map(|&label| problem.column_of(label) as i64).collect();
        let targets = Tensor::from_slice(&columns).to_device(train.x().device()).unsqueeze(1);
        Ok(Self { problem, x: scaler.apply(validation.x()), labels, targets, last: None })
    }

    /// Scores `c` on the held-out images.
    fn score(&mut self, c: f64, solver: &LogisticSettings) -> Result<FoldScore> {
        let fit = self.problem.fit(c, self.last.as_ref(), solver)?;
        let (log_p, best, cross_entropy) = no_grad(|| {
            let log_p = fit.model.logits(&self.x).log_softmax(1, Kind::Double);
            let cross_entropy = -log_p.gather(1, &self.targets, false).sum(Kind::Double);
            let best = log_p.argmax(1, false);
            (log_p, best, cross_entropy.double_value(&[]))
        });
        let best = Vec::<i64>::try_from(&best).expect("a vector of int64");
        let pairs = best.iter().zip(&self.labels);
        let correct =
            pairs.filter(|(column, label)| fit.model.labels[**column as usize] == **label).count();
        let converged = fit.converged;
        self.last = Some(fit);
        Ok(FoldScore { log_p, correct, cross_entropy, converged })
    }
}

#[cfg(test)]
mod tests;
