//! Labels and calibrated confidences of unlabeled images, by the classifier of the linear protocol.

use serde::Serialize;
use tch::{Kind, Tensor, no_grad};

use super::LinearSettings;
use super::c_choice::HeldOut;
use super::linear::Probe;
use crate::classifiers::few_shot::labels_of;
use crate::classifiers::{expected_calibration_error, fit_temperature};
use crate::{Error, Features, Result};

/// Parts that the held-out images are dealt to, to calibrate each by the others.
const PARTS: i64 = 5;
/// Rows whose logits are in memory at once.
const ROWS: i64 = 1 << 12;

/// A classifier fitted to all labeled images, and the temperature of its confidences.
pub struct LabelPredictor {
    probe: Probe,
    calibration: Option<Calibration>,
}

/// How good predictions are, by the labeled images that `C` was chosen by: each was classified
/// without having been learned from.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Calibration {
    /// Labeled images that were held out: by cross-validation all but those that are the only one
    /// of their class; a fifth where there are more than
    /// [`LinearSettings::most_cross_validated`].
    pub images: usize,
    /// Share of them that were given their class.
    pub accuracy: f64,
    /// What logits are divided by; 1 where the fitted temperature would not lower the error.
    pub temperature: f64,
    /// Expected calibration error, each image with the temperature of others, or with 1.
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

impl LabelPredictor {
    /// Chooses `C` and fits as the linear protocol does, and calibrates. With one image a class
    /// there is nothing to choose or calibrate by: `C` is [`crate::SINGLE_LABEL_C`], the
    /// temperature 1.
    ///
    /// # Errors
    /// [`Error::TooFewClasses`], [`Error::Empty`], [`Error::BadSetting`].
    pub fn fit(labeled: &Features, settings: &LinearSettings) -> Result<Self> {
        labeled.check_not_empty("labeled")?;
        let classes = labels_of(&labeled.label_vec());
        if classes < 2 {
            return Err(Error::TooFewClasses { found: classes });
        }
        let probe = Probe::train(labeled, settings)?;
        let calibration = probe.held_out().map(Calibration::measure);
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
    fn measure(held_out: &HeldOut) -> Self {
        let images = held_out.targets.size()[0];
        let (mut confidences, mut correct) = (Vec::new(), Vec::new());
        let mut uncalibrated = Vec::new();
        for part in 0..PARTS.min(images) {
            let (those, others) = held_out.split(part);
            let (mut sure, mut right) = those.confidences(others.temperature());
            confidences.append(&mut sure);
            correct.append(&mut right);
            uncalibrated.append(&mut those.confidences(1.0).0);
        }
        let right = correct.iter().filter(|&&correct| correct).count();
        let [calibrated, before] = [&confidences, &uncalibrated]
            .map(|confidences| expected_calibration_error(confidences, &correct));
        // The likeliest temperature may be due to a few images that are far off.
        let better = calibrated < before;
        Self {
            images: correct.len(),
            accuracy: right as f64 / correct.len() as f64,
            temperature: if better { held_out.temperature() } else { 1.0 },
            calibration_error: calibrated.min(before),
            calibration_error_uncalibrated: before,
        }
    }
}

impl HeldOut {
    /// The images of a part, and all others.
    fn split(&self, part: i64) -> (Self, Self) {
        let rows = Tensor::arange(self.targets.size()[0], (Kind::Int64, self.targets.device()));
        let in_part = rows.remainder(PARTS).eq(part);
        (self.select(&in_part), self.select(&in_part.logical_not()))
    }

    fn select(&self, mask: &Tensor) -> Self {
        let rows = mask.nonzero().squeeze_dim(1);
        let select = |tensor: &Tensor| tensor.index_select(0, &rows);
        Self { log_p: select(&self.log_p), targets: select(&self.targets) }
    }

    fn temperature(&self) -> f64 {
        fit_temperature(&self.log_p, &self.targets)
    }

    /// The probability of each predicted class, and whether it is the true one.
    fn confidences(&self, temperature: f64) -> (Vec<f64>, Vec<bool>) {
        let shares = (&self.log_p / temperature).softmax(1, Kind::Double);
        let (confidences, predicted) = shares.max_dim(1, false);
        let correct = predicted.eq_tensor(&self.targets);
        let confidences = Vec::<f64>::try_from(&confidences).expect("float64");
        (confidences, Vec::<bool>::try_from(&correct).expect("booleans"))
    }
}

#[cfg(test)]
mod tests;
