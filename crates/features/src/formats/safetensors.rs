//! safetensors: tensors `labels`, `clusters` where there are such, `features`, `split`, in this
//! order, so that each is aligned.
//!
//! # Reference
//! <https://github.com/huggingface/safetensors>, "Format".

use std::io::{self, Write};
use std::ops::Range;

use files::AtomicFile;
use serde_json::{Map, Value, json};

use super::npy::write_floats;
use crate::Table;
use crate::sink::Sink;

/// `labels` and `clusters` `[images]` i64, `features` `[images, features]` or
/// `[images, patches, features of a patch]` f32, `split` `[images]`
/// u8.
pub(crate) struct Safetensors<'a> {
    file: AtomicFile,
    table: &'a Table<'a>,
}

impl<'a> Safetensors<'a> {
    /// Writes the head, the labels and the clusters, which are known.
    pub fn new(mut file: AtomicFile, table: &'a Table<'a>) -> io::Result<Self> {
        let head = head(table);
        file.write_all(&(head.len() as u64).to_le_bytes())?;
        file.write_all(head.as_bytes())?;
        for (_, split) in table.images.splits() {
            for index in 0..split.len() {
                let label = split.labels().map_or(-1, |labels| i64::from(labels[index]));
                file.write_all(&label.to_le_bytes())?;
            }
        }
        for cluster in table.clusters.unwrap_or_default() {
            file.write_all(&i64::from(*cluster).to_le_bytes())?;
        }
        Ok(Self { file, table })
    }
}

impl Sink for Safetensors<'_> {
    fn write(&mut self, _: Range<usize>, features: &[f32]) -> io::Result<()> {
        write_floats(&mut self.file, features)
    }

    fn finish(mut self: Box<Self>) -> io::Result<Vec<AtomicFile>> {
        for (number, (_, split)) in (0u8..).zip(self.table.images.splits()) {
            for _ in 0..split.len() {
                self.file.write_all(&[number])?;
            }
        }
        Ok(vec![self.file])
    }
}

/// Kinds, shapes and places of the tensors, padded to a multiple of 8 bytes.
fn head(table: &Table<'_>) -> String {
    let metadata = table.metadata().into_iter();
    let metadata: Map<String, Value> =
        metadata.map(|(name, value)| (name.to_owned(), value.into())).collect();
    let images = table.images.len();
    let mut tensors = Map::new();
    tensors.insert("__metadata__".to_owned(), metadata.into());
    let mut end = 0;
    let labels = ("labels", "I64", vec![images], 8);
    let clusters = table.clusters.map(|_| ("clusters", "I64", vec![images], 8));
    let rest = [("features", "F32", table.shape(), 4), ("split", "U8", vec![images], 1)];
    for (name, kind, shape, bytes) in [labels].into_iter().chain(clusters).chain(rest) {
        let start = end;
        end += shape.iter().product::<usize>() * bytes;
        let tensor = json!({"dtype": kind, "shape": shape, "data_offsets": [start, end]});
        tensors.insert(name.to_owned(), tensor);
    }
    let mut text = Value::from(tensors).to_string();
    while !text.len().is_multiple_of(8) {
        text.push(' ');
    }
    text
}
