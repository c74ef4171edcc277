//! The protocol of most papers: a linear classifier trained by SGD on features of randomly cropped
//! and flipped images, which are encoded anew in each epoch.
//!
//! The encoder stays frozen. Classifiers with several learning rates learn side by side, and those
//! that learn from all training images beside those that leave a validation part out; that part
//! chooses the rate.

use std::ops::ControlFlow;

use augment::{CropSampling, HorizontalFlip, RandomResizedCrop, Recipe, Transform};
use dataset::Split;
use eval::{Error, Features, RateScore, Score, StandardScaler, TrainValSplit, TrainedReport};
use optim::{Schedule, StepCount};
use serde::{Deserialize, Serialize};
use tch::{Kind, Tensor};

use crate::FrozenEncoder;
use crate::heads::LinearSweep;

/// Called after each step with the images that were learned from and those of the whole training,
/// each counted as often as it is seen; breaks where the work shall end.
pub type Watch<'a> = &'a dyn Fn(usize, usize) -> ControlFlow<()>;

/// How to train classifiers by gradient steps.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ClassifierSettings {
    /// Passes over the training images.
    pub epochs: u32,
    /// More passes where these steps would not be reached: few images make few steps.
    pub least_steps: u64,
    /// Images a step.
    pub batch_size: usize,
    /// Learning rates to choose from, ascending; each falls along a cosine to 0.
    pub learning_rates: Vec<f64>,
    /// The one that is taken where no class has an image to spare for validation.
    pub single_label_rate: f64,
    /// Smallest and largest share of an image's area that a crop has.
    pub crop_area: [f64; 2],
    /// Share of every class to validate on.
    pub validation_share: f64,
    /// Decides which images are validated on, their order, and how they are cropped.
    pub seed: u64,
}

impl ClassifierSettings {
    /// For a linear classifier on a frozen encoder.
    pub fn linear() -> Self {
        Self {
            epochs: 100,
            least_steps: 500,
            batch_size: 256,
            learning_rates: vec![0.001, 0.003, 0.01, 0.03, 0.1, 0.3, 1.0],
            single_label_rate: 0.03,
            crop_area: [0.08, 1.0],
            validation_share: 0.2,
            seed: 0,
        }
    }

    /// For a whole network that is trained on.
    pub fn finetune() -> Self {
        Self {
            epochs: 30,
            least_steps: 200,
            batch_size: 128,
            learning_rates: vec![0.003, 0.01, 0.03, 0.1],
            single_label_rate: 0.01,
            ..Self::linear()
        }
    }

    /// These with exactly so many passes over the training images.
    pub fn with_epochs(self, epochs: u32) -> Self {
        Self { epochs, least_steps: 0, ..self }
    }

    /// Crops and flips to `side` pixels.
    pub(crate) fn recipe(&self, side: usize) -> Recipe {
        let crop = RandomResizedCrop {
            scale: self.crop_area,
            ratio: [3.0 / 4.0, 4.0 / 3.0],
            sampling: CropSampling::Retry,
        };
        Recipe {
            size: side,
            transforms: vec![
                Transform::HorizontalFlip(HorizontalFlip { p: 0.5 }),
                Transform::RandomResizedCrop(crop),
            ],
        }
    }

    /// The rates to choose from, where there are images to choose by, else the one to take.
    pub(crate) fn rates(&self, held_out: &TrainValSplit) -> &[f64] {
        match held_out.validation.len() {
            0 => std::slice::from_ref(&self.single_label_rate),
            _ => &self.learning_rates,
        }
    }

    /// Epochs, and steps in all, for so many images.
    pub(crate) fn length(&self, images: usize) -> (u32, u64) {
        let an_epoch = images.div_ceil(self.batch_size.max(1)).max(1) as u64;
        let least = self.least_steps.div_ceil(an_epoch);
        let epochs = u64::from(self.epochs).max(least);
        (epochs as u32, epochs * an_epoch)
    }
}

/// The share of the learning rate at a step of so many: half a cosine wave from 1 to 0.
pub(crate) fn cosine(step: u64, steps: u64) -> f64 {
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
pub fn sgd(
    frozen: &FrozenEncoder,
    split: &Split,
    [train, test]: [&Features; 2],
    settings: &ClassifierSettings,
    watch: Watch<'_>,
) -> Result<TrainedReport, Error> {
    let classes = eval::classes_of(&train.label_vec(), &test.label_vec())?;
    let mut training = Training::new(train, classes, settings);
    let recipe = settings.recipe(frozen.side());
    let (epochs, steps) = settings.length(split.len());
    let (mut step, mut seen) = (0, 0);
    for epoch in 0..epochs {
        let blocks = loader::shuffled(split, &recipe, settings.seed, epoch, settings.batch_size);
        for (block, rows) in blocks {
            training.step(&frozen.encode(&block), &rows, cosine(step, steps));
            step += 1;
            seen += rows.len();
            if watch(seen, epochs as usize * split.len()).is_break() {
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
        let held_out = eval::stratified_holdout(&labels, settings.validation_share, settings.seed);
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
        let y = self.train.labels().index_select(0, &places(rows, &x));
        self.on_all.step(&x, &y, share);
        let fitted = |row: &u32| self.held_out.fit.binary_search(row).is_ok();
        let fit = (0..).zip(rows).filter(|(_, row)| fitted(row));
        let fit: Vec<u32> = fit.map(|(at, _)| at).collect();
        if !fit.is_empty() {
            let fit = places(&fit, &x);
            let (x, y) = (x.index_select(0, &fit), y.index_select(0, &fit));
            self.on_part.step(&x, &y, share);
        }
    }

    /// Chooses the rate on the validation part, and scores the classifier with it that learned from
    /// all images.
    fn report(&self, test: &Features, steps: u64) -> Result<TrainedReport, Error> {
        let score = |predictions: &[i64], of: &Features| {
            Score::new(predictions, &of.label_vec(), self.classes)
        };
        let validation = self.train.select(&self.held_out.validation)?;
        let mut scores = Vec::new();
        if !validation.is_empty() {
            for predictions in self.on_part.predict(&self.scaled(validation.x())) {
                scores.push(score(&predictions, &validation).accuracy);
            }
        }
        let (best, edge) = match scores.as_slice() {
            [] => (0, None),
            scores => eval::choose(scores),
        };
        let predict = |of: &Features| {
            let all = self.on_all.predict(&self.scaled(of.x()));
            score(&all[best], of)
        };
        Ok(TrainedReport {
            test: predict(test),
            train_accuracy: predict(self.train).accuracy,
            learning_rate: self.rates[best],
            learning_rate_at_edge: edge,
            validation: scored(self.rates, &scores),
            validation_images: validation.len(),
            train_images: self.train.len(),
            steps,
        })
    }
}

/// The rates with their accuracies.
pub(crate) fn scored(rates: &[f64], accuracies: &[f64]) -> Vec<RateScore> {
    let pairs = rates.iter().zip(accuracies);
    pairs.map(|(&learning_rate, &accuracy)| RateScore { learning_rate, accuracy }).collect()
}

/// Row numbers as a tensor on the device of `like`.
fn places(rows: &[u32], like: &Tensor) -> Tensor {
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

    #[test]
    fn few_images_are_seen_more_often() {
        let settings = ClassifierSettings::linear();
        assert_eq!(settings.length(5000), (100, 2000));
        assert_eq!(settings.length(10), (500, 500));
        assert_eq!(settings.length(300), (250, 500));
        assert_eq!(settings.recipe(96).validate(), Ok(()));
        assert_eq!(settings.with_epochs(3).length(300), (3, 6));
    }
}
