//! What can go wrong.

use std::io;
use std::path::PathBuf;

/// Why features could not be written. Each message is one line.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A file whose name says no format.
    #[error("{}: expected a name that ends in {expected}", .path.display())]
    Extension {
        /// The file.
        path: PathBuf,
        /// The endings that would do.
        expected: String,
    },
    /// The system refused.
    #[error("{}: cannot write: {source}", .path.display())]
    Write {
        /// The file.
        path: PathBuf,
        /// What it says.
        source: io::Error,
    },
    /// A file couldn't be created or committed.
    #[error(transparent)]
    File(#[from] files::Error),
}
