//! The fingerprint of a dataset: a hash that identifies the data of a run.

use sha2::{Digest, Sha256};

use crate::Dataset;

/// Images hashed of each split: enough to notice another set, few enough to take milliseconds.
const SAMPLE: usize = 64;

impl Dataset {
    /// 32 hex digits over sizes, all labels and the pixels of 64 evenly spaced images of each
    /// split.
    ///
    /// Equal for equal content however it is stored: a set that was written as STL-10 binaries
    /// keeps its fingerprint unless it was resized.
    pub fn fingerprint(&self) -> String {
        let mut hash = Sha256::new();
        let mut scratch = Vec::new();
        for (name, split) in self.splits() {
            hash.update(name);
            for number in [split.len(), split.width(), split.height()] {
                hash.update((number as u64).to_le_bytes());
            }
            hash.update([u8::from(split.labels().is_some())]);
            let labels: Vec<u8> = split
                .labels()
                .unwrap_or_default()
                .iter()
                .flat_map(|label| label.to_le_bytes())
                .collect();
            hash.update(&labels);
            for index in split.evenly_spaced(SAMPLE) {
                hash.update(split.image(index).row_major(&mut scratch));
            }
        }
        files::hex(&hash.finalize()[..16])
    }
}
