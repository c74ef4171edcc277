//! Numbers as JSON has them: what is not finite is `null` there.

use serde::{Deserialize, Deserializer};

/// A number that was not written.
pub fn missing() -> f64 {
    f64::NAN
}

/// Reads a number; NaN for `null`.
pub fn read<'de, D: Deserializer<'de>>(deserializer: D) -> Result<f64, D::Error> {
    Ok(Option::deserialize(deserializer)?.unwrap_or(f64::NAN))
}
