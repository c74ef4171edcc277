//! Fine-tuning: a copy of the encoder with a new linear layer, trained end to end on labeled
//! images.
//!
//! The run's own encoder stays as it is. Each learning rate trains a copy on the training images
//! without a validation part, which chooses the rate; with it another copy is trained on all of
//! them. Normalization layers keep the statistics of pretraining.

use dataset::{Split, stratified_holdout};
use models::{FlatParameters, Linear, WeightRng, WeightStream};
use optim::{Optimizer, OptimizerConfig, Schedule, SgdConfig, StepCount};
use tch::{Kind, Reduction, Tensor, no_grad};
use trainer::EncoderAndHead;

use super::settings::{ClassifierSettings, scored};
use super::{SgdReport, best_of, data};
use crate::on_progress::{self, OnProgress};
use crate::{Error, FrozenEncoder, Predictions, Score};

/// Images in a forward pass that learns nothing.
const BATCH: usize = 256;

/// Trains copies of the encoder on the images of `train` and scores the best on `test`.
///
/// # Errors
/// [`Error::NoLabels`], where the labels leave nothing to learn, and [`Error::Interrupted`].
pub(super) fn evaluate(
    encoder: &FrozenEncoder,
    train: &Split,
    test: &Split,
    settings: &ClassifierSettings,
    on_progress: OnProgress<'_>,
) -> Result<SgdReport, Error> {
    let (labels, test_labels) = (labels("train", train)?, labels("test", test)?);
    let classes = data::classes_of(&labels, &test_labels)?;
    let held_out = stratified_holdout(&labels, settings.validation_share, settings.seed);
    let (part, validation) = (train.select(&held_out.fit), train.select(&held_out.validation));
    let rates = settings.rates(&held_out);
    let passes = |split: &Split| settings.length(split.len()).0 as usize * split.len();
    let choosing = if validation.is_empty() { 0 } else { rates.len() };
    let mut training = Finetuning {
        encoder,
        settings,
        classes,
        on_progress,
        seen: 0,
        all: choosing * passes(&part) + passes(train),
    };
    let mut scores = Vec::new();
    for &rate in &rates[..choosing] {
        scores.push(training.learn(&part, rate)?.score(&training, &validation)?.accuracy);
    }
    let (best, edge) = match scores.as_slice() {
        [] => (0, None),
        scores => best_of(scores),
    };
    let finetuned = training.learn(train, rates[best])?;
    Ok(SgdReport {
        test: finetuned.score(&training, test)?,
        train_accuracy: finetuned.score(&training, train)?.accuracy,
        lr: rates[best],
        lr_at_edge: edge,
        validation: scored(rates, &scores),
        validation_images: validation.len(),
        train_images: train.len(),
        steps: settings.length(train.len()).1,
    })
}

/// SGD with momentum, its rate falling from `rate` to 0.
fn falling(rate: f64) -> OptimizerConfig {
    OptimizerConfig::Sgd(SgdConfig {
        lr: Schedule::Cosine { start: rate, end: 0.0 },
        momentum: 0.9,
        nesterov: false,
        weight_decay: Schedule::Constant(0.0),
        exclude_bias_and_norm: false,
    })
}

fn labels(name: &'static str, split: &Split) -> Result<Vec<i64>, Error> {
    let labels = split.labels().ok_or(Error::NoLabels { split: name, images: split.len() })?;
    Ok(labels.iter().map(|&label| i64::from(label)).collect())
}

/// The trainings of all copies.
struct Finetuning<'a> {
    encoder: &'a FrozenEncoder,
    settings: &'a ClassifierSettings,
    classes: usize,
    on_progress: OnProgress<'a>,
    /// Images that were learned from, each as often as it was seen, and those of all trainings.
    seen: usize,
    all: usize,
}

/// A copy of the encoder with a classifier.
struct FinetunedEncoder {
    networks: EncoderAndHead,
    head: Linear,
}

impl Finetuning<'_> {
    /// A copy that has learned nothing yet, with its weights.
    fn copy(&self) -> (FinetunedEncoder, FlatParameters) {
        let networks = self.encoder.copy();
        let rng = WeightRng { seed: self.settings.seed, stream: WeightStream::Classifier };
        let head = Linear::new(
            &(networks.store.root() / "classifier"),
            rng,
            networks.encoder.feature_size(),
            self.classes as i64,
            Kind::Float,
        );
        let parameters = FlatParameters::flatten(&networks.store);
        (FinetunedEncoder { networks, head }, parameters)
    }

    /// Trains a copy on the images of `split`.
    fn learn(&mut self, split: &Split, rate: f64) -> Result<FinetunedEncoder, Error> {
        let (finetuned, parameters) = self.copy();
        let (epochs, steps) = self.settings.length(split.len());
        let mut optimizer = Optimizer::new(&falling(rate), &parameters);
        let labels = labels("train", split)?;
        let settings = self.settings;
        let recipe = settings.recipe(self.encoder.side());
        let mut step = 0;
        for epoch in 0..epochs {
            let seed = settings.seed;
            for read in loader::shuffled(split, &recipe, seed, epoch, settings.batch_size) {
                let (block, rows) = read?;
                let y: Vec<i64> = rows.iter().map(|&row| labels[row as usize]).collect();
                let y = Tensor::from_slice(&y).to_device(parameters.flat().device());
                let logits = finetuned.logits(&self.encoder.images(&block));
                let loss =
                    logits.cross_entropy_loss(&y, None::<Tensor>, Reduction::Mean, -100, 0.0);
                let gradient = parameters.gradient(&loss);
                optimizer.step(&parameters, &gradient, StepCount { step, total: steps });
                step += 1;
                self.seen += rows.len();
                on_progress::report(self.on_progress, self.seen, self.all)?;
            }
        }
        Ok(finetuned)
    }
}

impl FinetunedEncoder {
    /// # Shapes
    /// `images` `[n, 3, h, w]`, float in 0..=1 -> `[n, classes]`.
    fn logits(&self, images: &Tensor) -> Tensor {
        self.head.forward(&self.networks.features(images))
    }

    /// The score on whole images.
    fn score(&self, training: &Finetuning<'_>, split: &Split) -> Result<Score, Error> {
        let classes: Vec<i64> = (0..training.classes as i64).collect();
        let mut predictions = Predictions::default();
        for block in loader::sequential(split, training.encoder.side(), BATCH) {
            let images = training.encoder.images(&block?);
            let logits = no_grad(|| self.logits(&images));
            predictions.append(Predictions::rank(&logits, &classes));
        }
        let labels = split.labels().unwrap_or_default();
        let labels: Vec<i64> = labels.iter().map(|&label| i64::from(label)).collect();
        Ok(Score::new(&predictions, &labels, training.classes))
    }
}
