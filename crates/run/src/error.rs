//! Why a record can't be read.

use std::fmt::{self, Display};
use std::io;
use std::path::{Path, PathBuf};

use files::OneLine;

use crate::file::FORMAT;

/// Why a file of a run folder could not be read. Each message is one line.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// Not a run folder.
    #[error("{}: expected a run, found {}", OneLine(path), OneLine(found))]
    NoRun {
        /// The folder.
        path: PathBuf,
        /// What is there.
        found: String,
    },
    /// A run folder of another format.
    #[error(
        "{}: written by {} version of Twinview (format {found}); this version reads format {FORMAT}",
        OneLine(path),
        if *found < FORMAT { "an earlier" } else { "a later" }
    )]
    Format {
        /// The folder.
        path: PathBuf,
        /// Its format.
        found: u32,
    },
    /// A file with other content than it should have.
    #[error("{}{}: expected {expected}, found {}", OneLine(path), Line(*line), OneLine(found))]
    Content {
        /// The file.
        path: PathBuf,
        /// The line, counted from 1, where one is to blame.
        line: Option<usize>,
        /// What it should hold.
        expected: &'static str,
        /// What it holds.
        found: String,
    },
    /// The operating system refused.
    #[error("{}: can't read it: {source}", OneLine(path))]
    Io {
        /// The file.
        path: PathBuf,
        /// What the system says.
        source: io::Error,
    },
}

impl Error {
    /// For `map_err`: a file that can't be parsed.
    pub(crate) fn content<E: ToString>(
        path: &Path,
        line: Option<usize>,
        expected: &'static str,
    ) -> impl FnOnce(E) -> Self {
        move |found| Self::Content {
            path: path.to_owned(),
            line,
            expected,
            found: found.to_string(),
        }
    }
}

impl From<files::Error> for Error {
    fn from(error: files::Error) -> Self {
        Self::Io { path: error.path, source: error.source }
    }
}

/// `:7` behind a file name, or nothing.
struct Line(Option<usize>);

impl Display for Line {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.map_or(Ok(()), |line| write!(f, ":{line}"))
    }
}
