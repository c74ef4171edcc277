//! CSV by RFC 4180, with a header of column names and lines that end in `\n`.
//!
//! A name that a spreadsheet would run as a formula has an apostrophe in front. Numbers have as
//! many digits as it takes to read back the same `f32`. What isn't known is an empty field.

use std::fmt;
use std::io::{self, Write};
use std::ops::Range;

use files::{AtomicFile, spreadsheet_cell};

use crate::Table;
use crate::sink::Sink;

/// A CSV file of a row for each image, with or without the features.
pub(crate) struct Csv<'a> {
    writer: csv::Writer<AtomicFile>,
    table: &'a Table<'a>,
    features: bool,
    /// A number or column name as text.
    scratch: Vec<u8>,
}

impl<'a> Csv<'a> {
    /// Writes the header.
    pub fn new(file: AtomicFile, table: &'a Table<'a>, features: bool) -> io::Result<Self> {
        let writer = csv::Writer::from_writer(file);
        let mut csv = Self { writer, table, features, scratch: Vec::new() };
        for name in ["split", "index", "name", "label", "class"] {
            csv.text(name)?;
        }
        if table.clusters.is_some() {
            csv.text("cluster")?;
        }
        if features {
            (0..table.features).try_for_each(|column| csv.formatted(format_args!("f{column}")))?;
        }
        csv.end_row()?;
        Ok(csv)
    }

    fn row(&mut self, row: usize, features: &[f32]) -> io::Result<()> {
        let record = self.table.images.record(row);
        self.text(record.split)?;
        self.formatted(format_args!("{}", record.index))?;
        self.text(&spreadsheet_cell(record.name.as_deref().unwrap_or_default()))?;
        match record.label {
            Some(label) => self.formatted(format_args!("{label}"))?,
            None => self.text("")?,
        }
        self.text(&spreadsheet_cell(record.class.unwrap_or_default()))?;
        if let Some(clusters) = self.table.clusters {
            self.formatted(format_args!("{}", clusters[row]))?;
        }
        if self.features {
            features.iter().try_for_each(|number| self.formatted(format_args!("{number:?}")))?;
        }
        self.end_row()
    }

    fn text(&mut self, text: &str) -> io::Result<()> {
        self.writer.write_field(text).map_err(plain)
    }

    fn formatted(&mut self, field: fmt::Arguments<'_>) -> io::Result<()> {
        self.scratch.clear();
        self.scratch.write_fmt(field)?;
        self.writer.write_field(&self.scratch).map_err(plain)
    }

    fn end_row(&mut self) -> io::Result<()> {
        self.writer.write_record(None::<&[u8]>).map_err(plain)
    }
}

impl Sink for Csv<'_> {
    fn write(&mut self, rows: Range<usize>, features: &[f32]) -> io::Result<()> {
        let features = features.chunks_exact(self.table.features);
        rows.zip(features).try_for_each(|(row, features)| self.row(row, features))
    }

    fn finish(self: Box<Self>) -> io::Result<Vec<AtomicFile>> {
        let file = self.writer.into_inner().map_err(csv::IntoInnerError::into_error)?;
        Ok(vec![file])
    }
}

/// What the system said, where it was the system.
fn plain(error: csv::Error) -> io::Error {
    match error.into_kind() {
        csv::ErrorKind::Io(error) => error,
        // Records of one length in valid text have no other errors.
        kind => io::Error::other(format!("{kind:?}")),
    }
}
