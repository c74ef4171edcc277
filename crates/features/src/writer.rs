//! Writes a file of features a few rows at a time.

use std::io;
use std::path::{Path, PathBuf};

use files::AtomicFile;

use crate::formats::{Csv, Npy, Parquet, Safetensors};
use crate::sink::Sink;
use crate::{Error, Format, Table};

/// Writes one file of features. Dropped before [`finish`](Self::finish), it leaves no file behind.
pub struct Writer<'a> {
    path: PathBuf,
    sink: Box<dyn Sink + 'a>,
    features: usize,
    /// Rows written, and rows of the table.
    rows: [usize; 2],
}

impl<'a> Writer<'a> {
    /// Creates the file at `path`; its extension says the format.
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

    /// Appends the features of the next images: `[images, features]`, row-major.
    ///
    /// # Errors
    /// [`Error::Write`].
    ///
    /// # Panics
    /// If `features` isn't whole rows, or has more rows than are left.
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

    /// Moves the complete file to its path.
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
