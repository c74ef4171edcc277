//! Labels and calibrated confidences of unlabeled images, by the classifier of the linear protocol.

use dataset::stratified_folds;
use serde::Serialize;
use tch::{Kind, Tensor, no_grad};

use super::SINGLE_LABEL_C;
use super::linear::{LinearSettings, Probe};
use crate::classifiers::few_shot::labels_of;
use crate::classifiers::{expected_calibration_error, fit_temperature};
use crate::{Error, Features, Result};

/// Parts that the labeled images are cut into, to predict each by the others.
const FOLDS: usize = 5;
/// Rows whose logits are in memory at once.
const ROWS: i64 = 1 << 12;

/// A classifier fitted to all labeled images, and the temperature of its confidences.
pub struct LabelPredictor {
    probe: Probe,
    calibration: Option<Calibration>,
}

/// What a labeled image is by a classifier that was fitted without it, by five-fold
/// cross-validation.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Calibration {
    /// Labeled images that were held out once: all but those that are the only one of their class.
    pub images: usize,
    /// Share of them that were given their class.
    pub accuracy: f64,
    /// What logits are divided by; 1 where the fitted temperature would not lower the error.
    pub temperature: f64,
    /// Expected calibration error, each fold with the temperature of the others, or with 1.
    pub calibration_error: f64,
    /// The same with a temperature of 1, in any case.
    pub calibration_error_uncalibrated: f64,
}

/// The likeliest classes of an image.
#[derive(Clone, Debug, PartialEq)]
pub struct Prediction {
    /// Labels with their confidences, 0 to 1, the likeliest first; of equal ones the lower label.
    pub ranked: Vec<(i64, f64)>,
}

/// Predictions of images that were held out.
struct HeldOut {
    logits: Tensor,
    targets: Tensor,
}

impl LabelPredictor {
    /// Chooses `C` and fits as the linear protocol does, and calibrates. With one image a class
    /// there is nothing to choose or calibrate by: `C` is [`SINGLE_LABEL_C`], the temperature 1.
    ///
    /// # Errors
    /// [`Error::TooFewClasses`], [`Error::Empty`], [`Error::BadSetting`].
    pub fn fit(labeled: &Features, settings: &LinearSettings) -> Result<Self> {
        labeled.check_not_empty("labeled")?;
        let labels = labeled.label_vec();
        let classes = labels_of(&labels);
        if classes < 2 {
            return Err(Error::TooFewClasses { found: classes });
        }
        let single = classes == labels.len();
        let settings = match single {
            true => LinearSettings { cs: vec![SINGLE_LABEL_C], ..settings.clone() },
            false => settings.clone(),
        };
        let probe = Probe::train(labeled, &settings)?;
        let calibration = match single {
            true => None,
            false => Some(Calibration::measure(labeled, &labels, probe.c(), &settings)?),
        };
        Ok(Self { probe, calibration })
    }

    /// The chosen `C`.
    pub fn c(&self) -> f64 {
        self.probe.c()
    }

    /// What is known of the confidences; `None` with one labeled image a class.
    pub fn calibration(&self) -> Option<Calibration> {
        self.calibration
    }

    /// The `k` likeliest classes of each row of `x`, `[images, features]`, or all where there are
    /// fewer.
    pub fn predict(&self, x: &Tensor, k: usize) -> Vec<Prediction> {
        let temperature = self.calibration.map_or(1.0, |calibration| calibration.temperature);
        let labels = self.probe.labels();
        let mut predictions = Vec::with_capacity(x.size()[0] as usize);
        for first in (0..x.size()[0]).step_by(ROWS as usize) {
            let rows = x.narrow(0, first, ROWS.min(x.size()[0] - first));
            let shares = no_grad(|| {
                (self.probe.logits(&rows) / temperature).softmax(1, Kind::Double).view([-1])
            });
            let shares = Vec::<f64>::try_from(&shares).expect("float64");
            predictions.extend(shares.chunks_exact(labels.len()).map(|shares| {
                let mut ranked: Vec<_> =
                    labels.iter().copied().zip(shares.iter().copied()).collect();
                ranked.sort_by(|a, b| b.1.total_cmp(&a.1));
                ranked.truncate(k);
                Prediction { ranked }
            }));
        }
        predictions
    }
}

impl Calibration {
    fn measure(
        labeled: &Features,
        labels: &[i64],
        c: f64,
        settings: &LinearSettings,
    ) -> Result<Self> {
        let mut folds = Vec::new();
        for split in stratified_folds(labels, FOLDS, settings.seed) {
            let probe = Probe::with_c(&labeled.select(&split.fit)?, c, settings)?;
            let held_out = labeled.select(&split.validation)?;
            folds.push(HeldOut::of(&probe, &held_out));
        }
        let all = HeldOut::join(folds.iter());
        let (mut confidences, mut correct) = (Vec::new(), Vec::new());
        let mut uncalibrated = Vec::new();
        for (number, fold) in folds.iter().enumerate() {
            let others = folds.iter().enumerate().filter(|(other, _)| *other != number);
            let others = HeldOut::join(others.map(|(_, fold)| fold));
            let (mut sure, right) = fold.confidences(others.temperature());
            confidences.append(&mut sure);
            uncalibrated.extend(fold.confidences(1.0).0);
            correct.extend(right);
        }
        let right = correct.iter().filter(|&&correct| correct).count();
        let [calibrated, before] = [&confidences, &uncalibrated]
            .map(|confidences| expected_calibration_error(confidences, &correct));
        // The likeliest temperature may be due to a few images that are far off.
        let better = calibrated < before;
        Ok(Self {
            images: correct.len(),
            accuracy: right as f64 / correct.len() as f64,
            temperature: if better { all.temperature() } else { 1.0 },
            calibration_error: calibrated.min(before),
            calibration_error_uncalibrated: before,
        })
    }
}

impl HeldOut {
    /// The logits of `images` by `probe`, which knows all of their labels.
    fn of(probe: &Probe, images: &Features) -> Self {
        let column = |label: &i64| probe.labels().partition_point(|other| other < label) as i64;
        let targets: Vec<i64> = images.label_vec().iter().map(column).collect();
        let logits = probe.logits(images.x());
        Self { targets: Tensor::from_slice(&targets).to_device(logits.device()), logits }
    }

    fn join<'a>(parts: impl Iterator<Item = &'a Self>) -> Self {
        let (logits, targets): (Vec<&Tensor>, Vec<&Tensor>) =
            parts.map(|part| (&part.logits, &part.targets)).unzip();
        Self { logits: Tensor::cat(&logits, 0), targets: Tensor::cat(&targets, 0) }
    }

    fn temperature(&self) -> f64 {
        fit_temperature(&self.logits, &self.targets)
    }

    /// The probability of each predicted class, and whether it is the true one.
    fn confidences(&self, temperature: f64) -> (Vec<f64>, Vec<bool>) {
        let shares = (&self.logits / temperature).softmax(1, Kind::Double);
        let (confidences, predicted) = shares.max_dim(1, false);
        let correct = predicted.eq_tensor(&self.targets);
        let confidences = Vec::<f64>::try_from(&confidences).expect("float64");
        (confidences, Vec::<bool>::try_from(&correct).expect("booleans"))
    }
}

#[cfg(test)]
mod tests;
