//! Numbers that change over training.
//!
//! A schedule is a function of the step among the planned ones and remembers nothing, so that a run
//! that is resumed goes on where it was. Where the plan becomes longer, the values are those of the
//! longer plan from there on.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{MethodError, Progress};

/// A number that may change over training: a step size, a teacher's momentum, a temperature.
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
    /// A straight line over the first part of the steps, then half a cosine wave to the last.
    WarmUpCosine {
        /// At the first step.
        from: f64,
        /// When warm.
        peak: f64,
        /// At the end.
        to: f64,
        /// The part of all steps that the line takes, 0..=1.
        share: f64,
    },
}

impl Schedule {
    /// The value at a step.
    pub fn at(&self, progress: Progress) -> f64 {
        let done = progress.step as f64 / progress.of.max(1) as f64;
        match *self {
            Self::Constant(value) => value,
            Self::Cosine { from, to } => half_wave(from, to, done),
            Self::WarmUp { from, to, share } if done < share => line(from, to, done, share),
            Self::WarmUp { to, .. } => to,
            Self::WarmUpCosine { from, peak, share, .. } if done < share => {
                line(from, peak, done, share)
            }
            Self::WarmUpCosine { peak, to, share, .. } => {
                // A line that takes all steps leaves none to the wave.
                let left = (1.0 - share).max(f64::MIN_POSITIVE);
                half_wave(peak, to, (done - share) / left)
            }
        }
    }

    /// The numbers that it is made of; its values lie between them.
    pub fn values(&self) -> Vec<f64> {
        match *self {
            Self::Constant(value) => vec![value],
            Self::Cosine { from, to } | Self::WarmUp { from, to, .. } => vec![from, to],
            Self::WarmUpCosine { from, peak, to, .. } => vec![from, peak, to],
        }
    }

    /// The part of all steps over which it warms up, 0..=1 in a schedule that can be followed.
    pub fn share(&self) -> f64 {
        match *self {
            Self::Constant(_) | Self::Cosine { .. } => 0.0,
            Self::WarmUp { share, .. } | Self::WarmUpCosine { share, .. } => share,
        }
    }

    /// Refuses a schedule that leaves what `check` allows.
    pub(crate) fn checked(
        self,
        key: &'static str,
        check: impl Fn(&'static str, f64) -> Result<f64, MethodError>,
    ) -> Result<Self, MethodError> {
        for value in self.values() {
            check(key, value)?;
        }
        crate::error::share(key, self.share())?;
        Ok(self)
    }
}

/// At `done` on the straight line from `from` at 0 to `to` at `share`.
fn line(from: f64, to: f64, done: f64, share: f64) -> f64 {
    from + (to - from) * done / share
}

/// At `done` on half a cosine wave from `from` at 0 to `to` at 1.
///
/// # Reference
/// Loshchilov and Hutter 2016, arXiv 1608.03983, equation 5, without restarts.
fn half_wave(from: f64, to: f64, done: f64) -> f64 {
    to + (from - to) * (1.0 + (std::f64::consts::PI * done).cos()) / 2.0
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(schedule: Schedule, step: u64) -> f64 {
        schedule.at(Progress { step, of: 100 })
    }

    #[test]
    fn schedules_pass_through_their_ends() {
        let cosine = Schedule::Cosine { from: 0.996, to: 1.0 };
        assert!((at(cosine, 0) - 0.996).abs() < 1e-12);
        assert!((at(cosine, 50) - 0.998).abs() < 1e-12);
        assert!((at(cosine, 100) - 1.0).abs() < 1e-12);
        let warm = Schedule::WarmUp { from: 0.04, to: 0.07, share: 0.3 };
        assert!((at(warm, 0) - 0.04).abs() < 1e-12);
        assert!((at(warm, 10) - 0.05).abs() < 1e-12);
        assert_eq!(at(warm, 30), 0.07);
        assert_eq!(at(warm, 99), 0.07);
        assert_eq!(at(Schedule::Constant(0.9), 7), 0.9);
    }

    #[test]
    fn a_warm_up_ends_where_the_wave_begins() {
        let schedule = |share| Schedule::WarmUpCosine { from: 0.1, peak: 0.9, to: 0.3, share };
        for (share, step, expected) in [
            (0.2, 0, 0.1),
            (0.2, 5, 0.3),
            (0.2, 20, 0.9),
            (0.2, 60, 0.6),
            (0.2, 100, 0.3),
            // No warm-up, and nothing else.
            (0.0, 0, 0.9),
            (0.0, 50, 0.6),
            (1.0, 50, 0.5),
            (1.0, 100, 0.9),
        ] {
            let found = at(schedule(share), step);
            assert!((found - expected).abs() < 1e-12, "{share} {step}: {found}");
        }
    }

    #[test]
    fn values_and_shares_are_what_is_checked() {
        let schedule = |from, peak, to, share| Schedule::WarmUpCosine { from, peak, to, share };
        let check = |schedule: Schedule| schedule.checked("key", crate::error::not_negative);
        check(schedule(0.0, 1.0, 0.0, 0.1)).unwrap();
        for (wrong, says) in [
            (schedule(-1.0, 1.0, 0.0, 0.1), "found -1"),
            (schedule(0.0, -2.0, 0.0, 0.1), "found -2"),
            (schedule(0.0, 1.0, -3.0, 0.1), "found -3"),
            (schedule(0.0, 1.0, 0.0, 1.5), "found 1.5"),
        ] {
            let error = check(wrong).unwrap_err().to_string();
            assert!(error.starts_with("method.key: ") && error.ends_with(says), "{error}");
        }
    }

    #[test]
    fn golden_schedules_match_set_h() {
        let reference = golden::json("h_optim.json");
        let cases = reference["schedules"].as_array().unwrap();
        for case in cases {
            let number = |key: &str| case[key].as_f64().unwrap();
            let values = case["values"].as_array().unwrap();
            // There the last of the steps has the end's value: as a plan of one less after its end.
            let of = number("max_steps") - 1.0;
            let (schedule, warm) = match case["name"].as_str().unwrap() {
                "cosine" => {
                    let (from, to) = (number("start"), number("end"));
                    (Schedule::Cosine { from, to }, 0)
                }
                "cosine_warmup" => {
                    let warm = number("warmup_steps");
                    let schedule = Schedule::WarmUpCosine {
                        from: number("warmup_start"),
                        peak: number("start"),
                        to: number("end"),
                        share: warm / of,
                    };
                    (schedule, warm as usize)
                }
                other => panic!("no schedule called {other}"),
            };
            for (index, expected) in values.iter().enumerate() {
                // There a warm-up never has its first value, and ends a step earlier.
                let step = (index + usize::from(index < warm)) as u64;
                let of = of as u64;
                let found = schedule.at(Progress { step, of });
                let off = (found - expected.as_f64().unwrap()).abs();
                assert!(off < 1e-12, "{case} at {index}: {found}");
            }
        }
        assert_eq!(cases.len(), 3);
    }
}
