//! Reads images from the rows of a Parquet file, as Hugging Face writes them: a column `image` with
//! the fields `bytes` and `path`, or of bytes, and a column `label`.
//!
//! Columns are read page by page. Labels and paths are read when the file is listed, an image when
//! it is asked for; those that were passed on the way are kept for the next call.

mod pages;
mod rows;
mod schema;

use std::collections::HashSet;
use std::fs::File;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

use files::replace_control;
use parquet::data_type::{ByteArray, ByteArrayType, DataType, Int32Type, Int64Type};
use parquet::errors::ParquetError;
use parquet::file::metadata::ParquetMetaData;
use parquet::file::reader::{FileReader, SerializedFileReader};

use super::contents::{Contents, Location, Member};
use super::name::Name;
use super::read_at::damaged;
use super::samples::LabelTexts;
use crate::Error;

use rows::{ImageRows, column};
use schema::{LabelType, Schema};

const EXPECTED: &str = "a whole Parquet file";
/// Rows of labels that are read at once.
const BATCH: usize = 1 << 13;

/// A Parquet file of images.
#[derive(Debug)]
pub(super) struct ParquetImages {
    rows: Mutex<ImageRows>,
}

impl ParquetImages {
    /// Lists the file at `path` of `length` bytes.
    ///
    /// # Errors
    /// If it is damaged, or has no column of images, or one that is compressed in a way that is not
    /// read.
    pub fn list(path: &Path, listed: &File, length: u64) -> Result<(Self, Contents), Error> {
        let file = || listed.try_clone().map_err(Error::io(path, "open"));
        let opened = file()?;
        let reader = checked(path, || SerializedFileReader::new(opened))?;
        let metadata = reader.metadata().clone();
        let schema = Schema::find(path, &metadata)?;
        let label = schema.label.map(|(column, _)| column);
        let columns: Vec<usize> =
            [Some(schema.image), schema.path, label].into_iter().flatten().collect();
        checked(path, || pages::check(listed, &metadata, &columns, length))?;
        let mut contents = Contents::default();
        let texts = Texts::read(path, Arc::new(file()?), &metadata, &schema, length)?;
        let names = texts.names(path, &mut contents);
        let mut numbers = LabelTexts::default();
        if let Some(names) = &schema.class_names {
            contents.labels.clone_from(names);
            contents.ordered = true;
        }
        for ((name, label), location) in names.into_iter().zip(texts.labels).zip(texts.rows) {
            let label = match label {
                Label::None => None,
                Label::Text(text) => Some(numbers.number(&text)),
                Label::Number(number) => match &schema.class_names {
                    None => Some(numbers.number(&number.to_string())),
                    Some(names) if (number as usize) < names.len() => Some(number as u32),
                    Some(names) => {
                        let found = format!("{number} of {name}, of {} classes", names.len());
                        contents.damage.push(damaged(path, "labels of its classes", found));
                        continue;
                    }
                },
            };
            contents.members.push(Member { name, location, label });
        }
        if !contents.ordered {
            contents.labels = numbers.into_texts();
        }
        let rows = Mutex::new(ImageRows::new(metadata.into(), schema.image));
        Ok((Self { rows }, contents.indexed()))
    }

    /// The image in a row of a row group; `path` is that of the file with the image's name.
    pub fn read(&self, path: &Path, file: File, group: u32, row: u32) -> Result<Vec<u8>, Error> {
        let mut rows = self.rows.lock().unwrap_or_else(PoisonError::into_inner);
        let image = checked(path, || rows.read(file, group as usize, row as usize));
        if image.is_err() {
            rows.forget();
        }
        image?.ok_or_else(|| damaged(path, "the bytes of an image", "none"))
    }
}

/// What `read` gives; a mistake in the decoder is an error as another one.
fn checked<T>(path: &Path, read: impl FnOnce() -> Result<T, ParquetError>) -> Result<T, Error> {
    match catch_unwind(AssertUnwindSafe(read)) {
        Ok(Ok(value)) => Ok(value),
        Ok(Err(error)) => Err(damaged(path, EXPECTED, error.to_string())),
        Err(_) => Err(damaged(path, EXPECTED, "what the decoder fails on")),
    }
}

/// The label of a row.
enum Label {
    None,
    Number(i64),
    Text(String),
}

/// The columns beside the images, row by row.
#[derive(Default)]
struct Texts {
    rows: Vec<Location>,
    labels: Vec<Label>,
    /// Empty where there is no column of them.
    paths: Vec<Option<String>>,
}

impl Texts {
    fn read(
        path: &Path,
        file: Arc<File>,
        metadata: &ParquetMetaData,
        schema: &Schema,
        length: u64,
    ) -> Result<Self, Error> {
        let mut texts = Self::default();
        for (number, group) in metadata.row_groups().iter().enumerate() {
            let rows = u64::try_from(group.num_rows()).unwrap_or(u64::MAX);
            // An image takes more than a byte; what the header says is not believed.
            if rows > length || texts.rows.len() as u64 + rows > length {
                let found = format!("{rows} rows in {length} bytes");
                return Err(damaged(path, EXPECTED, found));
            }
            let rows = rows as usize;
            let locations = 0..rows as u32;
            texts.rows.extend(locations.map(|row| Location::Row { group: number as u32, row }));
            if let Some(at) = schema.path {
                let paths = values::<ByteArrayType>(path, &file, metadata, number, at, rows)?;
                texts.paths.extend(paths.into_iter().map(|path| path.map(text)));
            }
            match schema.label {
                None => texts.labels.extend((0..rows).map(|_| Label::None)),
                Some((at, LabelType::Text)) => {
                    let labels = values::<ByteArrayType>(path, &file, metadata, number, at, rows)?;
                    texts.labels.extend(labels.into_iter().map(|label| match label.map(text) {
                        Some(text) if !text.is_empty() => Label::Text(text),
                        _ => Label::None,
                    }));
                }
                Some((at, LabelType::Int32)) => {
                    let labels = values::<Int32Type>(path, &file, metadata, number, at, rows)?;
                    texts
                        .labels
                        .extend(labels.into_iter().map(|one| of_number(one.map(i64::from))));
                }
                Some((at, LabelType::Int64)) => {
                    let labels = values::<Int64Type>(path, &file, metadata, number, at, rows)?;
                    texts.labels.extend(labels.into_iter().map(of_number));
                }
            }
        }
        Ok(texts)
    }

    /// A name for each row: its path, where all have different ones that are names, else its
    /// number.
    fn names(&self, path: &Path, contents: &mut Contents) -> Vec<String> {
        let names: Option<Vec<String>> = self.paths.iter().map(name_of).collect();
        let names = names.filter(|names| !names.is_empty());
        let wrong = self.paths.iter().flatten().filter_map(|path| Name::new(path).err()).next();
        if let Some(found) = wrong {
            contents.damage.push(damaged(path, "names of files in it", found));
        }
        let differ =
            |names: &Vec<String>| names.iter().collect::<HashSet<_>>().len() == names.len();
        names.filter(differ).unwrap_or_else(|| {
            let digits = self.rows.len().to_string().len().max(6);
            (0..self.rows.len()).map(|row| format!("{row:0digits$}")).collect()
        })
    }
}

fn name_of(path: &Option<String>) -> Option<String> {
    let name = Name::new(path.as_ref()?).ok()??;
    Some(name.as_str().to_owned())
}

/// A negative number says that there is no label.
fn of_number(number: Option<i64>) -> Label {
    number.filter(|number| *number >= 0).map_or(Label::None, Label::Number)
}

fn text(bytes: ByteArray) -> String {
    replace_control(String::from_utf8_lossy(bytes.data())).into_owned()
}

/// All `rows` of a column of a row group; none where there is no value.
fn values<T: DataType>(
    path: &Path,
    file: &Arc<File>,
    metadata: &ParquetMetaData,
    group: usize,
    at: usize,
    rows: usize,
) -> Result<Vec<Option<T::T>>, Error> {
    checked(path, || {
        let mut reader = column::<T>(file.clone(), metadata, group, at)?;
        let most = metadata.file_metadata().schema_descr().column(at).max_def_level();
        let mut all = Vec::new();
        let (mut levels, mut values) = (Vec::new(), Vec::new());
        while all.len() < rows {
            levels.clear();
            values.clear();
            let batch = BATCH.min(rows - all.len());
            let (read, ..) = reader.read_records(batch, Some(&mut levels), None, &mut values)?;
            if read == 0 {
                return Err(ParquetError::EOF(format!("{} of {rows} rows", all.len())));
            }
            let mut values = values.drain(..);
            let is_there = |row: usize| most == 0 || levels[row] == most;
            all.extend((0..read).map(|row| if is_there(row) { values.next() } else { None }));
        }
        Ok(all)
    })
}
