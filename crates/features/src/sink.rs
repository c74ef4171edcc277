//! The interface of a format: a sink for rows of features.

use std::io;
use std::ops::Range;

use files::AtomicFile;

/// Writes the file, or files, of one format.
pub(crate) trait Sink {
    /// Writes the features of the rows `rows`, `[rows, features]` in row-major order.
    fn write(&mut self, rows: Range<usize>, features: &[f32]) -> io::Result<()>;

    /// Writes what follows the last row. Returns the complete files in the order in which they are
    /// to be committed.
    fn finish(self: Box<Self>) -> io::Result<Vec<AtomicFile>>;
}
