//! What can be wrong with a run folder: the file, what was expected there and what was found, on
//! one line.

use std::io;
use std::path::{Path, PathBuf};

/// Why a run could not be read or a comparison not be written. Each message is one line.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// A record of a run can't be read.
    #[error(transparent)]
    Run(#[from] run::Error),
    /// A file of a run with other content than it should have.
    #[error("{}: expected {expected}, found {found}", path.display())]
    Content {
        /// The file.
        path: PathBuf,
        /// What it should hold.
        expected: &'static str,
        /// What it holds.
        found: String,
    },
    /// A page about nothing.
    #[error("expected at least one run, found none")]
    NoRuns,
    /// A figure that can't be turned into pixels.
    #[error("{}: expected a drawing to rasterize, found {found}", path.display())]
    Figure {
        /// The file that it was for.
        path: PathBuf,
        /// What the renderer says.
        found: String,
    },
    /// A figure to write whose name says no format.
    #[error("{}: expected a name that ends in .png or .svg", path.display())]
    FigureName {
        /// The file.
        path: PathBuf,
    },
    /// The operating system refused.
    #[error("{}: cannot {action}: {source}", path.display())]
    Io {
        /// The file or folder.
        path: PathBuf,
        /// What was tried: "read it", "write it".
        action: &'static str,
        /// What the system says.
        source: io::Error,
    },
}

impl Error {
    /// For `map_err`: an I/O error with its path and what was tried.
    pub(crate) fn io(path: &Path, action: &'static str) -> impl FnOnce(io::Error) -> Self {
        move |source| Self::Io { path: path.to_owned(), action, source }
    }

    /// For `map_err`: a file that can't be understood.
    pub(crate) fn content<E: ToString>(
        path: &Path,
        expected: &'static str,
    ) -> impl FnOnce(E) -> Self {
        move |found| Self::Content { path: path.to_owned(), expected, found: found.to_string() }
    }
}

impl From<files::Error> for Error {
    fn from(error: files::Error) -> Self {
        Self::Io { path: error.path, action: "write it", source: error.source }
    }
}
