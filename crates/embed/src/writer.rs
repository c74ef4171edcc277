//! Writing a file a few rows at a time.

use std::io;
use std::ops::Range;
use std::path::{Path, PathBuf};

use files::AtomicFile;

use crate::csv::Csv;
use crate::npy::Npy;
use crate::parquet_file::Parquet;
use crate::safetensors_file::Safetensors;
use crate::{Error, Format, Table};

/// What writes one format.
pub(crate) trait Sink {
    /// Writes the features of some rows, one after the other.
    fn write(&mut self, rows: Range<usize>, features: &[f32]) -> io::Result<()>;

    /// Writes what follows the last row; gives the files that are now whole, in the order in which
    /// they are to be put in place.
    fn finish(self: Box<Self>) -> io::Result<Vec<AtomicFile>>;
}

/// A file of features being written; nothing of it stays when it is dropped before
/// [`finish`](Self::finish).
pub struct Writer<'a> {
    path: PathBuf,
    sink: Box<dyn Sink + 'a>,
    features: usize,
    /// Rows written, and rows of the table.
    rows: [usize; 2],
}

impl<'a> Writer<'a> {
    /// Begins the file at `path`, in the format that its name says.
    ///
    /// # Errors
    /// [`Error`].
    ///
    /// # Panics
    /// If the table has no features.
    pub fn create(path: &Path, table: &'a Table<'a>) -> Result<Self, Error> {
        assert!(table.features > 0, "a table without features");
        let format = Format::of(path)?;
        let mut files = format.files(path).into_iter();
        let mut begin = || AtomicFile::create(&files.next().expect("a file for each"));
        let file = begin()?;
        let sink = match format {
            Format::Npy => Npy::new(file, begin()?, table).map(boxed),
            Format::Parquet => Parquet::new(file, table).map(boxed),
            Format::Csv => Csv::new(file, table, true).map(boxed),
            Format::Safetensors => Safetensors::new(file, table).map(boxed),
        };
        Ok(Self {
            sink: sink.map_err(failed(path))?,
            path: path.to_owned(),
            features: table.features,
            rows: [0, table.images.len()],
        })
    }

    /// Writes the features of the next images, one after the other.
    ///
    /// # Errors
    /// [`Error::Write`].
    ///
    /// # Panics
    /// If they aren't whole rows, or more than the table has.
    pub fn write(&mut self, features: &[f32]) -> Result<(), Error> {
        let [written, all] = self.rows;
        let count = features.len() / self.features;
        assert!(
            features.len() == count * self.features && written + count <= all,
            "{} numbers after row {written} of {all} rows of {}",
            features.len(),
            self.features
        );
        self.rows[0] += count;
        let rows = written..written + count;
        let written = self.sink.write(rows, features);
        written.map_err(failed(&self.path))
    }

    /// Rows written so far.
    pub fn rows(&self) -> usize {
        self.rows[0]
    }

    /// Puts the file in its place.
    ///
    /// # Errors
    /// [`Error`].
    ///
    /// # Panics
    /// If rows are missing.
    pub fn finish(self) -> Result<(), Error> {
        let [written, all] = self.rows;
        assert_eq!(written, all, "rows written of a table");
        let mut files = self.sink.finish().map_err(failed(&self.path))?;
        // All or none of them.
        files.iter_mut().try_for_each(AtomicFile::sync)?;
        files.into_iter().try_for_each(AtomicFile::commit)?;
        Ok(())
    }
}

fn boxed<'a>(sink: impl Sink + 'a) -> Box<dyn Sink + 'a> {
    Box::new(sink)
}

fn failed(path: &Path) -> impl FnOnce(io::Error) -> Error {
    let path = path.to_owned();
    move |source| Error::Write { path, source }
}
