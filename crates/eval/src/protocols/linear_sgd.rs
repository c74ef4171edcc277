//! The protocol of most papers: a linear classifier trained by SGD on features of randomly cropped
//! and flipped images, which are encoded anew in each epoch.
//!
//! The encoder stays encoder. Classifiers with several learning rates learn side by side, and those
//! that learn from all training images beside those that leave a validation part out; that part
//! chooses the rate.

use dataset::{Split, TrainValSplit, stratified_holdout};
use optim::{Schedule, StepCount};
use tch::{Kind, Tensor};

use super::linear_sweep::LinearSweep;
use super::settings::{ClassifierSettings, scored};
use super::{SgdReport, best_of, data};
use crate::on_progress::OnProgress;
use crate::{Error, Features, FrozenEncoder, Predictions, Score, StandardScaler};

/// The share of the learning rate at a step of so many: half a cosine wave from 1 to 0.
fn cosine(step: u64, steps: u64) -> f64 {
    let falling = Schedule::Cosine { start: 1.0, end: 0.0 };
    falling.at(StepCount { step, total: steps })
}

/// Trains classifiers on views of the images of `split` and scores the best on `test`.
///
/// `train` and `test` are the features of whole images: those of `split`, in its order, and those
/// of the test split.
///
/// # Errors
/// Where the labels leave nothing to learn, and [`Error::Interrupted`].
pub(super) fn evaluate(
    encoder: &FrozenEncoder,
    split: &Split,
    [train, test]: [&Features; 2],
    settings: &ClassifierSettings,
    on_progress: OnProgress<'_>,
) -> Result<SgdReport, Error> {
    let classes = data::classes_of(&train.label_vec(), &test.label_vec())?;
    let mut training = Training::new(train, classes, settings);
    let recipe = settings.recipe(encoder.side());
    let (epochs, steps) = settings.length(split.len());
    let (mut step, mut seen) = (0, 0);
    for epoch in 0..epochs {
        let blocks = loader::shuffled(split, &recipe, settings.seed, epoch, settings.batch_size);
        for read in blocks {
            let (block, rows) = read?;
            training.step(&encoder.encode(&block), &rows, cosine(step, steps));
            step += 1;
            seen += rows.len();
            if on_progress(seen, epochs as usize * split.len()).is_break() {
                return Err(Error::Interrupted);
            }
        }
    }
    training.report(test, steps)
}

/// The classifiers, and what they learn from.
struct Training<'a> {
    train: &'a Features,
    classes: usize,
    rates: &'a [f64],
    /// Rows of `train`.
    held_out: TrainValSplit,
    standardizer: StandardScaler,
    /// Learn from all images.
    on_all: LinearSweep,
    /// Learn from those that are not held out.
    on_part: LinearSweep,
}

impl<'a> Training<'a> {
    fn new(train: &'a Features, classes: usize, settings: &'a ClassifierSettings) -> Self {
        let labels = train.label_vec();
        let held_out = stratified_holdout(&labels, settings.validation_share, settings.seed);
        let rates = settings.rates(&held_out);
        let heads = || LinearSweep::new(rates, classes, train.dim() as i64, train.x());
        Self {
            train,
            classes,
            rates,
            held_out,
            standardizer: StandardScaler::fit(train.x()),
            on_all: heads(),
            on_part: heads(),
        }
    }

    fn scaled(&self, x: &Tensor) -> Tensor {
        self.standardizer.apply(x).to_kind(Kind::Float)
    }

    /// One step on features `x` of the images at `rows`.
    fn step(&mut self, x: &Tensor, rows: &[u32], share: f64) {
        let x = self.scaled(x);
        let y = self.train.labels().index_select(0, &row_tensor(rows, &x));
        self.on_all.step(&x, &y, share);
        let fitted = |row: &u32| self.held_out.fit.binary_search(row).is_ok();
        let fit = (0..).zip(rows).filter(|(_, row)| fitted(row));
        let fit: Vec<u32> = fit.map(|(at, _)| at).collect();
        if !fit.is_empty() {
            let fit = row_tensor(&fit, &x);
            let (x, y) = (x.index_select(0, &fit), y.index_select(0, &fit));
            self.on_part.step(&x, &y, share);
        }
    }

    /// Chooses the rate on the validation part, and scores the classifier with it that learned from
    /// all images.
    fn report(&self, test: &Features, steps: u64) -> Result<SgdReport, Error> {
        let score = |predictions: &Predictions, of: &Features| {
            Score::new(predictions, &of.label_vec(), self.classes)
        };
        let validation = self.train.select(&self.held_out.validation)?;
        let mut scores = Vec::new();
        if !validation.is_empty() {
            for predictions in self.on_part.rank(&self.scaled(validation.x())) {
                scores.push(score(&predictions, &validation).accuracy);
            }
        }
        let (best, edge) = match scores.as_slice() {
            [] => (0, None),
            scores => best_of(scores),
        };
        let predict = |of: &Features| {
            let all = self.on_all.rank(&self.scaled(of.x()));
            score(&all[best], of)
        };
        Ok(SgdReport {
            test: predict(test),
            train_accuracy: predict(self.train).accuracy,
            lr: self.rates[best],
            lr_at_edge: edge,
            validation: scored(self.rates, &scores),
            validation_images: validation.len(),
            train_images: self.train.len(),
            steps,
        })
    }
}

/// Row numbers as a tensor on the device of `like`.
fn row_tensor(rows: &[u32], like: &Tensor) -> Tensor {
    let rows: Vec<i64> = rows.iter().copied().map(i64::from).collect();
    Tensor::from_slice(&rows).to_device(like.device())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_rate_falls_along_a_cosine() {
        assert_eq!((cosine(0, 10), cosine(10, 10)), (1.0, 0.0));
        assert!((cosine(5, 10) - 0.5).abs() < 1e-12);
        assert!(cosine(1, 10) > 0.97 && cosine(9, 10) < 0.03);
    }
}
