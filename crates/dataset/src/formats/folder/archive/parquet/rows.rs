//! Reads single rows of the column of images.

use std::collections::VecDeque;
use std::fmt;
use std::fs::File;
use std::sync::Arc;

use parquet::column::reader::ColumnReaderImpl;
use parquet::data_type::{ByteArray, ByteArrayType, DataType};
use parquet::errors::ParquetError;
use parquet::file::metadata::ParquetMetaData;
use parquet::file::serialized_reader::SerializedPageReader;

/// Rows before the one that is asked for that are read with it: threads ask for rows that are near
/// each other, in any order.
const NEAR: usize = 512;
/// Bytes of images that are kept.
const KEPT_BYTES: usize = 128 << 20;

/// The column of images. Memory is bounded by a page and [`KEPT_BYTES`].
pub(super) struct ImageRows {
    metadata: Arc<ParquetMetaData>,
    /// The number of the column.
    column: usize,
    cursor: Option<Cursor>,
    kept: VecDeque<Row>,
    kept_bytes: usize,
}

/// A place in a row group.
struct Cursor {
    group: usize,
    next: usize,
    reader: ColumnReaderImpl<ByteArrayType>,
}

/// An image that was passed on the way to another; none where there is no value.
struct Row {
    group: usize,
    row: usize,
    image: Option<Vec<u8>>,
}

impl fmt::Debug for ImageRows {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("ImageRows").field("column", &self.column).finish_non_exhaustive()
    }
}

/// A reader of a column of a row group.
pub(super) fn column<T: DataType>(
    file: Arc<File>,
    metadata: &ParquetMetaData,
    group: usize,
    column: usize,
) -> Result<ColumnReaderImpl<T>, ParquetError> {
    let description = metadata.file_metadata().schema_descr().column(column);
    let group = metadata.row_group(group);
    let rows = usize::try_from(group.num_rows()).unwrap_or(0);
    let pages = SerializedPageReader::new(file, group.column(column), rows, None)?;
    Ok(ColumnReaderImpl::new(description, Box::new(pages)))
}

impl ImageRows {
    pub fn new(metadata: Arc<ParquetMetaData>, column: usize) -> Self {
        Self { metadata, column, cursor: None, kept: VecDeque::new(), kept_bytes: 0 }
    }

    /// Forgets what was read.
    pub fn forget(&mut self) {
        self.cursor = None;
        self.kept.clear();
        self.kept_bytes = 0;
    }

    /// The image in a row of a row group, from `file`.
    pub fn read(
        &mut self,
        file: File,
        group: usize,
        row: usize,
    ) -> Result<Option<Vec<u8>>, ParquetError> {
        let is_it = |kept: &Row| (kept.group, kept.row) == (group, row);
        if let Some(at) = self.kept.iter().position(is_it) {
            let kept = self.kept.remove(at).expect("it is there");
            self.kept_bytes -= kept.image.as_ref().map_or(0, Vec::len);
            return Ok(kept.image);
        }
        let near = |cursor: &Cursor| {
            cursor.group == group && (cursor.next..=cursor.next + NEAR).contains(&row)
        };
        if !self.cursor.as_ref().is_some_and(near) {
            let mut reader =
                column::<ByteArrayType>(Arc::new(file), &self.metadata, group, self.column)?;
            let next = row.saturating_sub(NEAR);
            let skipped = reader.skip_records(next)?;
            if skipped < next {
                return Err(ParquetError::EOF(format!("{skipped} rows before {row}")));
            }
            self.cursor = Some(Cursor { group, next, reader });
        }
        let cursor = self.cursor.as_mut().expect("it was made");
        while cursor.next < row {
            let (row, image) = (cursor.next, cursor.read()?);
            self.kept_bytes += image.as_ref().map_or(0, Vec::len);
            self.kept.push_back(Row { group, row, image });
            while self.kept_bytes > KEPT_BYTES || self.kept.len() > 2 * NEAR {
                let oldest = self.kept.pop_front().expect("there are some");
                self.kept_bytes -= oldest.image.map_or(0, |image| image.len());
            }
        }
        cursor.read()
    }
}

impl Cursor {
    /// The next row.
    fn read(&mut self) -> Result<Option<Vec<u8>>, ParquetError> {
        let (mut levels, mut values) = (Vec::new(), Vec::<ByteArray>::new());
        let (read, ..) = self.reader.read_records(1, Some(&mut levels), None, &mut values)?;
        if read == 0 {
            return Err(ParquetError::EOF(format!("no row {}", self.next)));
        }
        self.next += 1;
        // A copy: the value itself would keep its whole page.
        Ok(values.first().map(|value| value.data().to_vec()))
    }
}
