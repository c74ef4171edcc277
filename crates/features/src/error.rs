//! Errors of writing features.

use std::io;
use std::path::PathBuf;

/// Why features could not be written. Each message is one line.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The file has no known extension.
    #[error("{}: expected a name that ends in {expected}", .path.display())]
    Extension {
        /// The file.
        path: PathBuf,
        /// The known extensions.
        expected: String,
    },
    /// The operating system reported an error.
    #[error("{}: cannot write: {source}", .path.display())]
    Write {
        /// The file.
        path: PathBuf,
        /// Its error.
        source: io::Error,
    },
    /// A file couldn't be created or committed.
    #[error(transparent)]
    File(#[from] files::Error),
}
