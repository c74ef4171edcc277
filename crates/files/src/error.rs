//! What can go wrong. Each message is one line.

use std::io;
use std::path::{Path, PathBuf};

use crate::OneLine;

/// The operating system refused.
#[derive(Debug, thiserror::Error)]
#[error("{}: cannot {action}: {source}", OneLine(.path))]
pub struct Error {
    /// The file or folder.
    pub path: PathBuf,
    /// What was tried: "open", "create", "list", "lock", "read", "remove",
    /// "rename", "write", "write into" or "replace".
    pub action: &'static str,
    /// What the system says.
    pub source: io::Error,
}

impl Error {
    /// For `map_err`: an I/O error with its path and what was tried.
    pub fn io(path: &Path, action: &'static str) -> impl FnOnce(io::Error) -> Self {
        move |source| Self { path: path.to_owned(), action, source }
    }
}

/// Why a file can't be written, found by [`check_writable`](crate::check_writable).
#[derive(Debug, thiserror::Error)]
#[error("{}: expected a file that can be written, found {}", OneLine(.path), OneLine(.found))]
pub struct Unwritable {
    /// The file.
    pub path: PathBuf,
    /// What is in the way.
    pub found: String,
}

/// Why an [`AtomicFolder`](crate::AtomicFolder) could not be made.
#[derive(Debug, thiserror::Error)]
pub enum FolderError {
    /// The operating system refused.
    #[error(transparent)]
    Io(#[from] Error),
    /// The path is that of a file, or leads through one.
    #[error("{}: expected a folder, found a file", OneLine(.path))]
    NotAFolder {
        /// The path.
        path: PathBuf,
    },
    /// The folder is there and holds something.
    #[error("{}: expected a new or empty folder to write to, found one with files in it", OneLine(.path))]
    NotEmpty {
        /// The folder.
        path: PathBuf,
    },
}
