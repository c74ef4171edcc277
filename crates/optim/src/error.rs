//! The error of this crate.

/// Why an optimizer or a schedule can't be used. Each message is one line.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// A hyper-parameter out of its range.
    #[error("{key}: expected {expected}, found {found}")]
    Range {
        /// The dotted key in the configuration, such as `optimizer.sgd.momentum`.
        key: String,
        /// The allowed values.
        expected: &'static str,
        /// The value.
        found: String,
    },
}
