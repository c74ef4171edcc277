//! The columns of a Parquet file that hold images, their names and their labels.

use std::borrow::Cow;
use std::path::Path;

use files::replace_control;
use parquet::basic::{Compression, Type};
use parquet::file::metadata::ParquetMetaData;
use parquet::schema::types::ColumnDescriptor;
use serde_json::Value;

use crate::Error;
use crate::formats::folder::archive::damaged;

/// Names of columns of images, in the order in which they are looked for.
const IMAGES: [&str; 2] = ["image", "img"];
/// Names of columns of labels.
const LABELS: [&str; 3] = ["label", "labels", "class"];
/// Columns that are named in an error.
const NAMED: usize = 12;

/// Where images, names and labels are: numbers of columns.
#[derive(Debug)]
pub(super) struct Schema {
    pub image: usize,
    pub path: Option<usize>,
    pub label: Option<(usize, LabelType)>,
    /// Names of the classes by their numbers, where the file says them.
    pub class_names: Option<Vec<String>>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum LabelType {
    Int32,
    Int64,
    Text,
}

impl Schema {
    /// That of the file at `path`.
    pub fn find(path: &Path, metadata: &ParquetMetaData) -> Result<Self, Error> {
        let columns = metadata.file_metadata().schema_descr().columns();
        let find = |name: &str| {
            columns
                .iter()
                .position(|column| column.max_rep_level() == 0 && column.path().string() == name)
        };
        let of_bytes =
            |name: &str| find(name).filter(|&at| columns[at].physical_type() == Type::BYTE_ARRAY);
        let image = IMAGES.iter().find_map(|name| {
            of_bytes(&format!("{name}.bytes")).or_else(|| of_bytes(name)).map(|at| (*name, at))
        });
        let Some((name, image)) = image else {
            let found = format!("the columns {}", names(columns.iter().map(|column| &**column)));
            return Err(damaged(path, "a column image of bytes, or with a field bytes", found));
        };
        let label = LABELS.iter().find_map(|name| Some((*name, find(name)?)));
        let label = label.and_then(|(name, at)| {
            let of_type = match columns[at].physical_type() {
                Type::INT32 => LabelType::Int32,
                Type::INT64 => LabelType::Int64,
                Type::BYTE_ARRAY => LabelType::Text,
                _ => return None,
            };
            Some((name, at, of_type))
        });
        let class_names = label.filter(|(_, _, of_type)| *of_type != LabelType::Text);
        let class_names = class_names.and_then(|(name, ..)| class_names_of(metadata, name));
        let schema = Self {
            image,
            path: of_bytes(&format!("{name}.path")),
            label: label.map(|(_, at, of_type)| (at, of_type)),
            class_names,
        };
        schema.check_compression(path, metadata)?;
        Ok(schema)
    }

    fn check_compression(&self, path: &Path, metadata: &ParquetMetaData) -> Result<(), Error> {
        let used = [Some(self.image), self.path, self.label.map(|(at, _)| at)];
        for group in metadata.row_groups() {
            for at in used.into_iter().flatten() {
                let compression = group.columns().get(at).map(|column| column.compression());
                let Some(compression) = compression else {
                    return Err(damaged(path, "a whole Parquet file", "too few columns"));
                };
                let is_read = matches!(
                    compression,
                    Compression::UNCOMPRESSED | Compression::SNAPPY | Compression::GZIP(_)
                );
                if !is_read {
                    let expected = "columns compressed by Snappy or gzip, or not at all";
                    return Err(damaged(path, expected, format!("{compression}")));
                }
            }
        }
        Ok(())
    }
}

/// The names of the classes that Hugging Face's `datasets` notes for the column `name`.
fn class_names_of(metadata: &ParquetMetaData, name: &str) -> Option<Vec<String>> {
    let pairs = metadata.file_metadata().key_value_metadata()?;
    let noted = pairs.iter().find(|pair| pair.key == "huggingface")?;
    let noted: Value = serde_json::from_str(noted.value.as_ref()?).ok()?;
    let names = noted["info"]["features"][name]["names"].as_array()?;
    let text = |name: &Value| Some(replace_control(Cow::Borrowed(name.as_str()?)).into_owned());
    names.iter().map(text).collect::<Option<Vec<String>>>().filter(|names| !names.is_empty())
}

/// The names of columns, for messages.
fn names<'a>(columns: impl ExactSizeIterator<Item = &'a ColumnDescriptor>) -> String {
    let count = columns.len();
    let mut names: Vec<String> = columns.take(NAMED).map(|column| column.path().string()).collect();
    if count > NAMED {
        names.push(format!("{} more", count - NAMED));
    }
    names.join(", ")
}
