//! Fine-tuning: a copy of the encoder with a new linear layer, trained end to end on labeled
//! images.
//!
//! The run's own encoder stays as it is. Each learning rate trains a copy on the training images
//! without a validation part, which chooses the rate; with it another copy is trained on all of
//! them. Normalization layers keep the statistics of pretraining.

use dataset::Split;
use eval::{Error, Score, TrainedReport};
use models::{FlatParameters, Linear, WeightRng};
use optim::{Optimizer, OptimizerConfig, Schedule, SgdConfig, StepCount};
use tch::{Kind, Reduction, Tensor, no_grad};

use crate::networks::EncoderAndHead;
use crate::sgd::scored;
use crate::{ClassifierSettings, FrozenEncoder, Watch};

/// Keeps the new layer's initial weights apart from those of a run.
const CLASSIFIER_NETWORK: u64 = 4;
/// Images in a forward pass that learns nothing.
const BATCH: usize = 256;

/// Trains copies of the encoder on the images of `train` and scores the best on `test`.
///
/// # Errors
/// [`Error::NoLabels`], where the labels leave nothing to learn, and [`Error::Interrupted`].
pub fn finetune(
    frozen: &FrozenEncoder,
    train: &Split,
    test: &Split,
    settings: &ClassifierSettings,
    watch: Watch<'_>,
) -> Result<TrainedReport, Error> {
    let (labels, test_labels) = (labels("train", train)?, labels("test", test)?);
    let classes = eval::classes_of(&labels, &test_labels)?;
    let held_out = eval::stratified_holdout(&labels, settings.validation_share, settings.seed);
    let (part, validation) = (train.select(&held_out.fit), train.select(&held_out.validation));
    let rates = settings.rates(&held_out);
    let passes = |split: &Split| settings.length(split.len()).0 as usize * split.len();
    let choosing = if validation.is_empty() { 0 } else { rates.len() };
    let mut task = LearnerOptions {
        frozen,
        settings,
        classes,
        watch,
        seen: 0,
        all: choosing * passes(&part) + passes(train),
    };
    let mut scores = Vec::new();
    for &rate in &rates[..choosing] {
        scores.push(task.learn(&part, rate)?.score(&task, &validation).accuracy);
    }
    let (best, edge) = match scores.as_slice() {
        [] => (0, None),
        scores => eval::choose(scores),
    };
    let tuned = task.learn(train, rates[best])?;
    Ok(TrainedReport {
        test: tuned.score(&task, test),
        train_accuracy: tuned.score(&task, train).accuracy,
        learning_rate: rates[best],
        learning_rate_at_edge: edge,
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

/// What copies are trained for, and how far that is.
struct LearnerOptions<'a> {
    frozen: &'a FrozenEncoder,
    settings: &'a ClassifierSettings,
    classes: usize,
    watch: Watch<'a>,
    /// Images that were learned from, each as often as it was seen, and those of all trainings.
    seen: usize,
    all: usize,
}

/// A copy of the encoder with a classifier.
struct Tuned {
    networks: EncoderAndHead,
    head: Linear,
}

impl LearnerOptions<'_> {
    /// A copy that has learned nothing yet, with its weights.
    fn copy(&self) -> (Tuned, FlatParameters) {
        let networks = self.frozen.copy();
        let stream = WeightRng { seed: self.settings.seed, network: CLASSIFIER_NETWORK };
        let head = Linear::new(
            &(networks.store.root() / "classifier"),
            stream,
            networks.encoder.feature_size(),
            self.classes as i64,
            Kind::Float,
        );
        let parameters = FlatParameters::flatten(&networks.store);
        (Tuned { networks, head }, parameters)
    }

    /// Trains a copy on the images of `split`.
    fn learn(&mut self, split: &Split, rate: f64) -> Result<Tuned, Error> {
        let (tuned, parameters) = self.copy();
        let (epochs, steps) = self.settings.length(split.len());
        let mut optimizer = Optimizer::new(&falling(rate), &parameters);
        let labels = labels("train", split)?;
        let settings = self.settings;
        let recipe = settings.recipe(self.frozen.side());
        let mut step = 0;
        for epoch in 0..epochs {
            let seed = settings.seed;
            for (block, rows) in loader::shuffled(split, &recipe, seed, epoch, settings.batch_size)
            {
                let y: Vec<i64> = rows.iter().map(|&row| labels[row as usize]).collect();
                let y = Tensor::from_slice(&y).to_device(parameters.flat().device());
                let logits = tuned.logits(&self.frozen.images(&block));
                let loss =
                    logits.cross_entropy_loss(&y, None::<Tensor>, Reduction::Mean, -100, 0.0);
                let gradient = parameters.gradient(&loss);
                optimizer.step(&parameters, &gradient, StepCount { step, total: steps });
                step += 1;
                self.seen += rows.len();
                if (self.watch)(self.seen, self.all).is_break() {
                    return Err(Error::Interrupted);
                }
            }
        }
        Ok(tuned)
    }
}

impl Tuned {
    /// # Shapes
    /// `images` `[n, 3, h, w]`, float in 0..=1 -> `[n, classes]`.
    fn logits(&self, images: &Tensor) -> Tensor {
        self.head.forward(&self.networks.features(images))
    }

    /// The score on whole images.
    fn score(&self, task: &LearnerOptions<'_>, split: &Split) -> Score {
        let mut predictions = Vec::new();
        for block in loader::sequential(split, task.frozen.side(), BATCH) {
            let images = task.frozen.images(&block);
            let best = no_grad(|| self.logits(&images).argmax(-1, false));
            predictions.extend(Vec::<i64>::try_from(&best).expect("a vector of int64"));
        }
        let labels = split.labels().unwrap_or_default();
        let labels: Vec<i64> = labels.iter().map(|&label| i64::from(label)).collect();
        Score::new(&predictions, &labels, task.classes)
    }
}
