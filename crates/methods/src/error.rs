//! Errors of building a method.

/// Why a method can't be built.
#[derive(Debug, thiserror::Error)]
pub enum MethodError {
    /// A hyper-parameter out of range.
    #[error("method.{key}: expected {expected}, found {found}")]
    Range {
        /// The key in the config, below `method`.
        key: &'static str,
        /// What is allowed.
        expected: &'static str,
        /// The value.
        found: String,
    },
    /// A number of a schedule out of its range.
    #[error("method.{0}")]
    Schedule(#[from] optim::Error),
    /// A method of another program.
    #[error(
        "method.own: expected a program that brings the method {0} along, found one that doesn't"
    )]
    Custom(String),
    /// A size of a predictor.
    #[error(transparent)]
    Model(#[from] models::ModelError),
}

pub(crate) fn range(
    key: &'static str,
    expected: &'static str,
    found: impl ToString,
) -> MethodError {
    let found = found.to_string();
    MethodError::Range { key, expected, found }
}

/// Refuses a `value` of `key` that isn't a positive finite number.
pub(crate) fn positive(key: &'static str, value: f64) -> Result<f64, MethodError> {
    if value > 0.0 && value.is_finite() {
        return Ok(value);
    }
    Err(range(key, "a positive number", value))
}

/// Refuses a `value` of `key` that is negative or not finite.
pub(crate) fn not_negative(key: &'static str, value: f64) -> Result<f64, MethodError> {
    if value >= 0.0 && value.is_finite() {
        return Ok(value);
    }
    Err(range(key, "a number from 0", value))
}

/// Refuses a `value` of `key` outside of `0..=1`.
pub(crate) fn share(key: &'static str, value: f64) -> Result<f64, MethodError> {
    if (0.0..=1.0).contains(&value) {
        return Ok(value);
    }
    Err(range(key, "a number in 0..=1", value))
}

/// Refuses a `value` of `key` below 1.
pub(crate) fn at_least_1(key: &'static str, value: i64) -> Result<i64, MethodError> {
    if value >= 1 {
        return Ok(value);
    }
    Err(range(key, "at least 1", value))
}
