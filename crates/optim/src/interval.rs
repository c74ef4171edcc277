//! Ranges of hyper-parameters.

use crate::Error;

/// The range of a hyper-parameter. Values are finite in all of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Interval {
    /// Above 0.
    Positive,
    /// 0 and above.
    NonNegative,
    /// 0 to 1, both included.
    UnitClosed,
    /// 0 to 1 without 1.
    UnitHalfOpen,
}

impl Interval {
    /// Checks the `value` at the key `key` of the configuration.
    ///
    /// # Errors
    /// [`Error::Range`] if the value is not in this range.
    pub fn check(self, key: &str, value: f64) -> Result<(), Error> {
        let (inside, expected) = match self {
            Self::Positive => (value > 0.0 && value.is_finite(), "a positive number"),
            Self::NonNegative => (value >= 0.0 && value.is_finite(), "numbers from 0"),
            Self::UnitClosed => ((0.0..=1.0).contains(&value), "a number in 0..=1"),
            Self::UnitHalfOpen => ((0.0..1.0).contains(&value), "a number in 0..1"),
        };
        if inside {
            return Ok(());
        }
        Err(Error::Range { key: key.to_owned(), expected, found: value.to_string() })
    }
}
