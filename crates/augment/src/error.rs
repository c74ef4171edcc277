//! Errors of invalid recipes.

/// A setting of a recipe that cannot be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("recipe key `{key}`: expected {expected}, found {found}")]
pub struct Error {
    /// Path of the setting inside the recipe, for example `ops[2].jitter.hue`.
    pub key: String,
    /// What would have been accepted.
    pub expected: String,
    /// What stands there.
    pub found: String,
}

/// Requires `value` to lie in `lo..=hi` (never true for not-a-number).
pub(crate) fn in_range(key: &str, value: f64, lo: f64, hi: f64) -> Result<(), Error> {
    if (lo..=hi).contains(&value) {
        return Ok(());
    }
    Err(Error {
        key: key.to_owned(),
        expected: format!("a number from {lo} to {hi}"),
        found: value.to_string(),
    })
}

/// Requires `0 < low <= high <= limit`.
pub(crate) fn interval(key: &str, [low, high]: [f64; 2], limit: f64) -> Result<(), Error> {
    if 0.0 < low && low <= high && high <= limit && high.is_finite() {
        return Ok(());
    }
    let bound = if limit.is_finite() { format!(" <= {limit}") } else { String::new() };
    Err(Error {
        key: key.to_owned(),
        expected: format!("[low, high] with 0 < low <= high{bound}"),
        found: format!("[{low}, {high}]"),
    })
}
