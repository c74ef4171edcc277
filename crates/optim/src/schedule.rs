//! Schedules of hyper-parameters.
//!
//! A schedule is a function of the step and the planned number of steps. It has no state, so that a
//! resumed run needs none of it. If the planned number grows, values follow the longer schedule
//! from there on.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{Error, Interval};

/// A step of training, and the planned number of steps.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct StepCount {
    /// Steps made before this one, from 0.
    pub step: u64,
    /// Planned number of steps.
    pub total: u64,
}

/// A hyper-parameter that may change over training: a learning rate, a teacher's momentum, a
/// temperature.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Schedule {
    /// The same at every step.
    Constant(f64),
    /// Cosine schedule over all steps.
    Cosine {
        /// At the first step.
        start: f64,
        /// At the end.
        end: f64,
    },
    /// Linear warm-up over the first steps, then constant.
    Warmup {
        /// At the first step.
        start: f64,
        /// After the warm-up.
        end: f64,
        /// Fraction of all steps that the warm-up takes, 0..=1.
        warmup_fraction: f64,
    },
    /// Linear warm-up over the first steps, then a cosine schedule over the rest.
    WarmupCosine {
        /// At the first step.
        start: f64,
        /// After the warm-up.
        peak: f64,
        /// At the end.
        end: f64,
        /// Fraction of all steps that the warm-up takes, 0..=1.
        warmup_fraction: f64,
    },
}

impl Schedule {
    /// The value at a step. At `step == total` it is that at the end.
    pub fn at(&self, count: StepCount) -> f64 {
        let done = count.step as f64 / count.total.max(1) as f64;
        match *self {
            Self::Constant(value) => value,
            Self::Cosine { start, end } => half_cosine(start, end, done),
            Self::Warmup { start, end, warmup_fraction } if done < warmup_fraction => {
                linear(start, end, done, warmup_fraction)
            }
            Self::Warmup { end, .. } => end,
            Self::WarmupCosine { start, peak, warmup_fraction, .. } if done < warmup_fraction => {
                linear(start, peak, done, warmup_fraction)
            }
            Self::WarmupCosine { peak, end, warmup_fraction, .. } => {
                // A warm-up over all steps leaves none to the cosine.
                let left = (1.0 - warmup_fraction).max(f64::MIN_POSITIVE);
                half_cosine(peak, end, (done - warmup_fraction) / left)
            }
        }
    }

    /// The numbers that define it; all its values lie between them.
    pub fn values(&self) -> Vec<f64> {
        match *self {
            Self::Constant(value) => vec![value],
            Self::Cosine { start, end } | Self::Warmup { start, end, .. } => vec![start, end],
            Self::WarmupCosine { start, peak, end, .. } => vec![start, peak, end],
        }
    }

    /// Fraction of all steps that the warm-up takes, 0..=1 in a valid schedule; 0 without warm-up.
    pub fn warmup_fraction(&self) -> f64 {
        match *self {
            Self::Constant(_) | Self::Cosine { .. } => 0.0,
            Self::Warmup { warmup_fraction, .. } | Self::WarmupCosine { warmup_fraction, .. } => {
                warmup_fraction
            }
        }
    }

    /// This schedule, if all its values are in `interval`; `key` is its key in the configuration.
    ///
    /// # Errors
    /// [`Error::Range`] for a value outside of `interval`, or a warm-up fraction outside of 0..=1.
    pub fn checked(self, key: &str, interval: Interval) -> Result<Self, Error> {
        for value in self.values() {
            interval.check(key, value)?;
        }
        let warmup_fraction = self.warmup_fraction();
        if !(0.0..=1.0).contains(&warmup_fraction) {
            let (key, found) = (key.to_owned(), warmup_fraction.to_string());
            return Err(Error::Range { key, expected: "a fraction in 0..=1", found });
        }
        Ok(self)
    }
}

/// The value at `done` on the straight line from `start` at 0 to `end` at `warmup_fraction`.
fn linear(start: f64, end: f64, done: f64, warmup_fraction: f64) -> f64 {
    start + (end - start) * done / warmup_fraction
}

/// The value at `done` on half a cosine wave from `start` at 0 to `end` at 1.
///
/// # Reference
/// Loshchilov and Hutter 2016, arXiv 1608.03983, equation 5, without restarts.
fn half_cosine(start: f64, end: f64, done: f64) -> f64 {
    end + (start - end) * (1.0 + (std::f64::consts::PI * done).cos()) / 2.0
}
