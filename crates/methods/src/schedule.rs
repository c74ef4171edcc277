//! Numbers that change over training.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{MethodError, Progress};

/// A number that may change over training: a teacher's momentum, a temperature.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Schedule {
    /// The same at every step.
    Constant(f64),
    /// Half a cosine wave from the first step to the last.
    Cosine {
        /// At the first step.
        from: f64,
        /// At the end.
        to: f64,
    },
    /// A straight line over the first part of the steps, then constant.
    WarmUp {
        /// At the first step.
        from: f64,
        /// When warm.
        to: f64,
        /// The part of all steps, 0..=1.
        share: f64,
    },
}

impl Schedule {
    /// The value at a step.
    pub fn at(&self, progress: Progress) -> f64 {
        let done = progress.step as f64 / progress.of.max(1) as f64;
        match *self {
            Self::Constant(value) => value,
            Self::Cosine { from, to } => {
                to + (from - to) * (1.0 + (std::f64::consts::PI * done).cos()) / 2.0
            }
            Self::WarmUp { from, to, share } if done < share => from + (to - from) * done / share,
            Self::WarmUp { to, .. } => to,
        }
    }

    /// Refuses a schedule that leaves what `check` allows.
    pub(crate) fn checked(
        self,
        key: &'static str,
        check: impl Fn(&'static str, f64) -> Result<f64, MethodError>,
    ) -> Result<Self, MethodError> {
        match self {
            Self::Constant(value) => check(key, value).map(drop)?,
            Self::Cosine { from, to } => {
                check(key, from)?;
                check(key, to)?;
            }
            Self::WarmUp { from, to, share } => {
                check(key, from)?;
                check(key, to)?;
                crate::error::share(key, share)?;
            }
        }
        Ok(self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn schedules_pass_through_their_ends() {
        let at = |schedule: Schedule, step| schedule.at(Progress { step, of: 100 });
        let cosine = Schedule::Cosine {
            from: 0.996,
            to: 1.0,
        };
        assert!((at(cosine, 0) - 0.996).abs() < 1e-12);
        assert!((at(cosine, 50) - 0.998).abs() < 1e-12);
        assert!((at(cosine, 100) - 1.0).abs() < 1e-12);
        let warm = Schedule::WarmUp {
            from: 0.04,
            to: 0.07,
            share: 0.3,
        };
        assert!((at(warm, 0) - 0.04).abs() < 1e-12);
        assert!((at(warm, 10) - 0.05).abs() < 1e-12);
        assert_eq!(at(warm, 30), 0.07);
        assert_eq!(at(warm, 99), 0.07);
        assert_eq!(at(Schedule::Constant(0.9), 7), 0.9);
    }
}
