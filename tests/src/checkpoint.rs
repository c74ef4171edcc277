//! Comparing checkpoints.

use std::path::{Path, PathBuf};

use safetensors::SafeTensors;
use safetensors::tensor::Dtype;
use serde_json::Value;

use crate::Place;

/// A stored tensor: name, kind, shape, bytes.
pub type Stored = (String, Dtype, Vec<usize>, Vec<u8>);

/// All tensors of a safetensors file, by name.
///
/// # Panics
/// If it isn't one.
#[track_caller]
pub fn tensors(path: &Path) -> Vec<Stored> {
    let bytes = std::fs::read(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    let file = SafeTensors::deserialize(&bytes)
        .unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    let mut stored: Vec<Stored> = file
        .iter()
        .map(|(name, view)| {
            let (dtype, shape) = (view.dtype(), view.shape().to_vec());
            (name.to_owned(), dtype, shape, view.data().to_vec())
        })
        .collect();
    stored.sort_by(|a, b| a.0.cmp(&b.0));
    stored
}

/// What a checkpoint says of where its run stands.
///
/// # Panics
/// If it isn't one.
#[track_caller]
pub fn header(path: &Path) -> Value {
    let bytes = std::fs::read(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    let (_, metadata) = SafeTensors::read_metadata(&bytes)
        .unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    let metadata = metadata.metadata().as_ref().expect("metadata");
    let text: Value = serde_json::from_str(&metadata["twinview"]).expect("JSON");
    text["header"].clone()
}

/// Expects the same tensors in two files, bit for bit.
///
/// # Panics
/// If one differs; its name is said, its numbers aren't.
#[track_caller]
pub fn assert_same_tensors(a: &Path, b: &Path) {
    let (a, b) = (tensors(a), tensors(b));
    let names = |stored: &[Stored]| -> Vec<(String, Dtype, Vec<usize>)> {
        stored.iter().map(|(name, dtype, shape, _)| (name.clone(), *dtype, shape.clone())).collect()
    };
    assert_eq!(names(&a), names(&b));
    let differ: Vec<_> = a.iter().zip(&b).filter(|(a, b)| a.3 != b.3).collect();
    let differ: Vec<_> = differ.iter().map(|(a, _)| &a.0).collect();
    assert!(differ.is_empty(), "tensors differ: {differ:?}");
}

impl Place {
    /// The checkpoints of a run, oldest first; not those that were moved aside.
    #[track_caller]
    pub fn checkpoints(&self, run: &str) -> Vec<PathBuf> {
        let folder = self.path(&format!("{run}/checkpoints"));
        let entries = std::fs::read_dir(&folder)
            .unwrap_or_else(|error| panic!("{}: {error}", folder.display()));
        let mut paths: Vec<PathBuf> =
            entries.map(|entry| entry.expect("an entry").path()).collect();
        paths.retain(|path| path.extension().is_some_and(|ending| ending == "safetensors"));
        paths.sort();
        paths
    }

    /// The newest checkpoint of a run.
    #[track_caller]
    pub fn newest(&self, run: &str) -> PathBuf {
        self.checkpoints(run).pop().expect("a checkpoint")
    }
}
