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
    /// Half a cosine wave over all steps.
    Cosine {
        /// At the first step.
        from: f64,
        /// At the end.
        to: f64,
    },
    /// Linear warm-up over the first steps, then constant.
    WarmUp {
        /// At the first step.
        from: f64,
        /// After the warm-up.
        to: f64,
        /// Fraction of all steps that the warm-up takes, 0..=1.
        share: f64,
    },
    /// Linear warm-up over the first steps, then half a cosine wave over the rest.
    WarmUpCosine {
        /// At the first step.
        from: f64,
        /// After the warm-up.
        peak: f64,
        /// At the end.
        to: f64,
        /// Fraction of all steps that the warm-up takes, 0..=1.
        share: f64,
    },
}

impl Schedule {
    /// The value at a step. At `step == total` it is that at the end.
    pub fn at(&self, count: StepCount) -> f64 {
        let done = count.step as f64 / count.total.max(1) as f64;
        match *self {
            Self::Constant(value) => value,
            Self::Cosine { from, to } => half_cosine(from, to, done),
            Self::WarmUp { from, to, share } if done < share => linear(from, to, done, share),
            Self::WarmUp { to, .. } => to,
            Self::WarmUpCosine { from, peak, share, .. } if done < share => {
                linear(from, peak, done, share)
            }
            Self::WarmUpCosine { peak, to, share, .. } => {
                // A warm-up over all steps leaves none to the cosine.
                let left = (1.0 - share).max(f64::MIN_POSITIVE);
                half_cosine(peak, to, (done - share) / left)
            }
        }
    }

    /// The numbers that define it; all its values lie between them.
    pub fn values(&self) -> Vec<f64> {
        match *self {
            Self::Constant(value) => vec![value],
            Self::Cosine { from, to } | Self::WarmUp { from, to, .. } => vec![from, to],
            Self::WarmUpCosine { from, peak, to, .. } => vec![from, peak, to],
        }
    }

    /// Fraction of all steps that the warm-up takes, 0..=1 in a valid schedule; 0 without warm-up.
    pub fn warmup_fraction(&self) -> f64 {
        match *self {
            Self::Constant(_) | Self::Cosine { .. } => 0.0,
            Self::WarmUp { share, .. } | Self::WarmUpCosine { share, .. } => share,
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
        let share = self.warmup_fraction();
        if !(0.0..=1.0).contains(&share) {
            let (key, found) = (key.to_owned(), share.to_string());
            return Err(Error::Range { key, expected: "a share in 0..=1", found });
        }
        Ok(self)
    }
}

/// The value at `done` on the straight line from `from` at 0 to `to` at `share`.
fn linear(from: f64, to: f64, done: f64, share: f64) -> f64 {
    from + (to - from) * done / share
}

/// The value at `done` on half a cosine wave from `from` at 0 to `to` at 1.
///
/// # Reference
/// Loshchilov and Hutter 2016, arXiv 1608.03983, equation 5, without restarts.
fn half_cosine(from: f64, to: f64, done: f64) -> f64 {
    to + (from - to) * (1.0 + (std::f64::consts::PI * done).cos()) / 2.0
}
