//! Apache Parquet, with the features as a column of lists. Rows are buffered and written in groups
//! of some megabytes, uncompressed: features hardly compress.
//!
//! # Reference
//! <https://github.com/apache/parquet-format/blob/master/LogicalTypes.md>, "Lists".

use std::io;
use std::ops::Range;
use std::sync::Arc;

use dataset::ImageRecord;
use files::AtomicFile;
use parquet::data_type::{ByteArray, ByteArrayType, DataType, FloatType, Int32Type, Int64Type};
use parquet::errors::ParquetError;
use parquet::file::metadata::KeyValue;
use parquet::file::properties::{EnabledStatistics, WriterProperties};
use parquet::file::writer::{SerializedFileWriter, SerializedRowGroupWriter};
use parquet::schema::parser::parse_message_type;
use parquet::schema::types::ColumnPath;

use crate::Table;
use crate::sink::Sink;

/// Features of a group: 16 MiB. Few in tests, so that there are several groups.
const GROUP: usize = if cfg!(test) { 6 } else { 4 << 20 };

/// The columns; `clusters` is empty or that of clusters.
fn schema(clusters: &str) -> String {
    format!(
        "message images {{
            required binary split (STRING);
            required int64 index;
            optional binary name (STRING);
            optional int32 label;
            optional binary class (STRING);
            {clusters}
            required group features (LIST) {{
                repeated group list {{
                    required float element;
                }}
            }}
        }}"
    )
}

/// See the module.
pub(crate) struct Parquet<'a> {
    file: SerializedFileWriter<AtomicFile>,
    table: &'a Table<'a>,
    /// Rows of the group that is being gathered, and their features.
    rows: Range<usize>,
    features: Vec<f32>,
}

impl<'a> Parquet<'a> {
    /// Begins the file.
    pub fn new(file: AtomicFile, table: &'a Table<'a>) -> io::Result<Self> {
        let clusters = table.clusters.map_or("", |_| "required int32 cluster;");
        let schema = parse_message_type(&schema(clusters)).expect("a valid schema");
        let metadata = table.metadata().into_iter();
        let metadata = metadata.map(|(name, value)| KeyValue::new(name.to_owned(), value));
        let features = ColumnPath::from(["features", "list", "element"].map(String::from).to_vec());
        let properties = WriterProperties::builder()
            .set_key_value_metadata(Some(metadata.collect()))
            .set_column_dictionary_enabled(features.clone(), false)
            .set_column_statistics_enabled(features, EnabledStatistics::None)
            .build();
        let file = SerializedFileWriter::new(file, Arc::new(schema), Arc::new(properties));
        Ok(Self { file: file.map_err(plain)?, table, rows: 0..0, features: Vec::new() })
    }

    /// Writes the rows that were gathered.
    fn write_group(&mut self) -> Result<(), ParquetError> {
        let records: Vec<ImageRecord<'_>> =
            self.rows.clone().map(|row| self.table.images.record(row)).collect();
        let text = |text: &str| ByteArray::from(text.as_bytes().to_vec());
        let mut group = self.file.next_row_group()?;
        required::<ByteArrayType>(&mut group, records.iter().map(|r| text(r.split)))?;
        required::<Int64Type>(&mut group, records.iter().map(|r| r.index as i64))?;
        optional::<ByteArrayType>(&mut group, records.iter().map(|r| r.name.as_deref().map(text)))?;
        optional::<Int32Type>(&mut group, records.iter().map(|r| r.label.map(i32::from)))?;
        optional::<ByteArrayType>(&mut group, records.iter().map(|r| r.class.map(text)))?;
        if let Some(clusters) = self.table.clusters {
            let clusters = clusters[self.rows.clone()].iter();
            required::<Int32Type>(&mut group, clusters.map(|&cluster| cluster as i32))?;
        }
        lists(&mut group, &self.features, self.table.features)?;
        group.close()?;
        self.rows.start = self.rows.end;
        self.features.clear();
        Ok(())
    }
}

impl Sink for Parquet<'_> {
    fn write(&mut self, rows: Range<usize>, features: &[f32]) -> io::Result<()> {
        self.rows.end = rows.end;
        self.features.extend_from_slice(features);
        if self.features.len() >= GROUP {
            self.write_group().map_err(plain)?;
        }
        Ok(())
    }

    fn finish(mut self: Box<Self>) -> io::Result<Vec<AtomicFile>> {
        if !self.rows.is_empty() {
            self.write_group().map_err(plain)?;
        }
        Ok(vec![self.file.into_inner().map_err(plain)?])
    }
}

type Group<'a> = SerializedRowGroupWriter<'a, AtomicFile>;

/// Writes the next column of a group: values, and the levels that say which of them are there and
/// where lists begin.
fn column<T: DataType>(
    group: &mut Group<'_>,
    values: &[T::T],
    there: Option<&[i16]>,
    lists: Option<&[i16]>,
) -> Result<(), ParquetError> {
    let mut column = group.next_column()?.expect("a column of the schema");
    column.typed::<T>().write_batch(values, there, lists)?;
    column.close()
}

fn required<T: DataType>(
    group: &mut Group<'_>,
    values: impl Iterator<Item = T::T>,
) -> Result<(), ParquetError> {
    column::<T>(group, &values.collect::<Vec<_>>(), None, None)
}

fn optional<T: DataType>(
    group: &mut Group<'_>,
    values: impl Iterator<Item = Option<T::T>> + Clone,
) -> Result<(), ParquetError> {
    let there: Vec<i16> = values.clone().map(|value| i16::from(value.is_some())).collect();
    column::<T>(group, &values.flatten().collect::<Vec<_>>(), Some(&there), None)
}

/// Lists of `length` numbers each.
fn lists(group: &mut Group<'_>, numbers: &[f32], length: usize) -> Result<(), ParquetError> {
    let there = vec![1; numbers.len()];
    // 0 where a list begins, 1 where it goes on.
    let goes_on = |at: usize| i16::from(!at.is_multiple_of(length));
    let lists: Vec<i16> = (0..numbers.len()).map(goes_on).collect();
    column::<FloatType>(group, numbers, Some(&there), Some(&lists))
}

/// What the system said, where it was the system.
fn plain(error: ParquetError) -> io::Error {
    match error {
        ParquetError::External(error) => match error.downcast::<io::Error>() {
            Ok(error) => *error,
            Err(error) => io::Error::other(error),
        },
        error => io::Error::other(error),
    }
}
