//! Why a configuration is refused.

use std::path::PathBuf;

use files::OneLine;

use super::Mismatch;

/// Why a configuration can't be used. Each message is one line.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// The file can't be read.
    #[error("{}: expected a config file, found {source}", OneLine(.path))]
    Read {
        /// The file.
        path: PathBuf,
        /// The system's answer.
        source: std::io::Error,
    },
    /// The text isn't a config.
    #[error("{}:{line}:{column}: {}", OneLine(.origin), OneLine(.message))]
    Parse {
        /// The file, or where else the text comes from.
        origin: String,
        /// 1-based.
        line: usize,
        /// 1-based.
        column: usize,
        /// What was expected and found.
        message: String,
    },
    /// The text says what a config can say, but not as it is written.
    #[error("{}: {mismatch}", OneLine(.origin))]
    Form {
        /// The file, or where else the text comes from.
        origin: String,
        /// Where, and what was expected and found.
        mismatch: Mismatch,
    },
    /// A key of a file that isn't there, or whose value doesn't fit.
    #[error("{}: {}: {}", OneLine(.origin), OneLine(.key), OneLine(.message))]
    InFile {
        /// The file, or where else the text comes from.
        origin: String,
        /// The dotted key.
        key: String,
        /// What was expected and found.
        message: String,
    },
    /// A key or a value of an earlier version.
    #[error("{}: {} is now {new}", OneLine(.origin), OneLine(.key))]
    Renamed {
        /// The file, or where else the text comes from.
        origin: String,
        /// The dotted key, or `KEY=VALUE`, by its old name.
        key: String,
        /// The new name.
        new: &'static str,
    },
    /// `--set` with something that isn't `KEY=VALUE`.
    #[error("--set: expected KEY=VALUE, found {0:?}")]
    NotAnAssignment(String),
    /// `--set` of a key that isn't there.
    #[error("--set {}: no such key; {}", OneLine(.key), OneLine(.hint))]
    UnknownKey {
        /// The key as it was given.
        key: String,
        /// What is there, or was meant.
        hint: String,
    },
    /// `--set` of a value that doesn't fit its key.
    #[error("--set {}: {}", OneLine(.assignment), OneLine(.message))]
    BadValue {
        /// The assignment.
        assignment: String,
        /// What was expected and found.
        message: String,
    },
    /// A hyper-parameter of an optimizer out of its range.
    #[error(transparent)]
    Optimizer(#[from] optim::Error),
    /// A number out of its range.
    #[error("{}: expected {expected}, found {}", OneLine(.key), OneLine(.found))]
    Range {
        /// The key.
        key: String,
        /// The allowed values.
        expected: String,
        /// The value.
        found: String,
    },
}
