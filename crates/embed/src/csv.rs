//! Lines of text, by RFC 4180: a head of column names, fields with a comma, quote or line break in
//! quotes.
//!
//! Numbers have as many digits as it takes to read back the same `f32`. What isn't known is an
//! empty field.

use std::io::{self, Write};
use std::ops::Range;

use dataset::NewFile;

use crate::Table;
use crate::writer::Sink;

/// A CSV file of a row for each image, with or without the features.
pub(crate) struct Csv<'a> {
    file: NewFile,
    table: &'a Table<'a>,
    features: bool,
    /// A line.
    line: Vec<u8>,
}

impl<'a> Csv<'a> {
    /// Writes the head.
    pub fn new(mut file: NewFile, table: &'a Table<'a>, features: bool) -> io::Result<Self> {
        write!(file, "split,index,name,label,class")?;
        let columns = if features { table.features } else { 0 };
        for column in 0..columns {
            write!(file, ",f{column}")?;
        }
        writeln!(file)?;
        Ok(Self { file, table, features, line: Vec::new() })
    }

    fn row(&mut self, row: usize, features: &[f32]) -> io::Result<()> {
        let record = self.table.images.record(row);
        let line = &mut self.line;
        line.clear();
        write!(line, "{},{},", record.split, record.index)?;
        field(line, record.name.as_deref().unwrap_or_default());
        line.push(b',');
        if let Some(label) = record.label {
            write!(line, "{label}")?;
        }
        line.push(b',');
        field(line, record.class.unwrap_or_default());
        if self.features {
            for number in features {
                write!(line, ",{number:?}")?;
            }
        }
        line.push(b'\n');
        self.file.write_all(line)
    }
}

impl Sink for Csv<'_> {
    fn write(&mut self, rows: Range<usize>, features: &[f32]) -> io::Result<()> {
        let features = features.chunks_exact(self.table.features);
        rows.zip(features).try_for_each(|(row, features)| self.row(row, features))
    }

    fn finish(self: Box<Self>) -> io::Result<Vec<NewFile>> {
        Ok(vec![self.file])
    }
}

/// Appends a text, in quotes where it needs them.
fn field(line: &mut Vec<u8>, text: &str) {
    if text.contains([',', '"', '\n', '\r']) {
        line.push(b'"');
        line.extend(text.replace('"', "\"\"").bytes());
        line.push(b'"');
    } else {
        line.extend(text.bytes());
    }
}
