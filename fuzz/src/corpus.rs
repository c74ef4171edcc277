//! The seeds of the fuzz targets, for tests of the crates, which include this file.

use std::fs;
use std::path::Path;

use proptest::sample::Index;

/// The seeds of a target.
pub fn seeds(target: &str) -> Vec<Vec<u8>> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fuzz/corpus").join(target);
    let mut paths: Vec<_> =
        fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    paths.sort();
    paths.iter().map(|path| fs::read(path).unwrap()).collect()
}

/// Overwrites bytes of an input, and cuts it off somewhere or not.
pub fn damage(input: &mut Vec<u8>, edits: Vec<(Index, u8)>, cut: Option<Index>) {
    for (index, byte) in edits {
        if !input.is_empty() {
            let at = index.index(input.len());
            input[at] = byte;
        }
    }
    if let Some(cut) = cut {
        input.truncate(cut.index(input.len() + 1));
    }
}
