//! Ranges of an optimizer's hyper-parameters.

use methods::Schedule;

use crate::ConfigError;
use crate::config_error::range;

/// Checks numbers of the object at a key of the config.
pub(super) struct Ranges {
    key: String,
}

impl Ranges {
    pub(super) fn of(key: String) -> Self {
        Self { key }
    }

    /// Expects that the value of `name` is `good`.
    pub(super) fn check(
        &self,
        name: &str,
        good: bool,
        expected: &str,
        found: impl ToString,
    ) -> Result<(), ConfigError> {
        let key = format!("{}.{name}", self.key);
        range(&key, good, expected, found.to_string())
    }

    pub(super) fn positive(&self, name: &str, value: f64) -> Result<(), ConfigError> {
        let good = value > 0.0 && value.is_finite();
        self.check(name, good, "a positive number", value)
    }

    pub(super) fn below_1(&self, name: &str, value: f64) -> Result<(), ConfigError> {
        let good = (0.0..1.0).contains(&value);
        self.check(name, good, "a number in 0..1", value)
    }

    /// Values from 0, and a share.
    pub(super) fn schedule(&self, name: &str, schedule: &Schedule) -> Result<(), ConfigError> {
        for value in schedule.values() {
            let good = value >= 0.0 && value.is_finite();
            self.check(name, good, "numbers from 0", value)?;
        }
        let share = schedule.share();
        let good = (0.0..=1.0).contains(&share);
        self.check(name, good, "a share in 0..=1", share)
    }
}
