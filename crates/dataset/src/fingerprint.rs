//! The fingerprint of a dataset: a hash that identifies the data of a run.

use sha2::{Digest, Sha256};

use crate::split::Storage;
use crate::{Dataset, Split};

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

impl Split {
    /// 64 hex digits that name these images to a cache, labels aside.
    ///
    /// They are over the number, size and place of the images, the pixels of 64 of them, and the
    /// lengths and times of change of the files that they are mapped from. Of images in memory,
    /// all pixels count.
    pub fn cache_key(&self) -> String {
        let mut hash = Sha256::new();
        for number in [self.len(), self.width(), self.height()] {
            hash.update((number as u64).to_le_bytes());
        }
        let mut stamped = true;
        for chunk in self.chunks() {
            for number in [chunk.offset, chunk.stride, chunk.count] {
                hash.update((number as u64).to_le_bytes());
            }
            match &chunk.storage {
                Storage::Mapped(map) => match map.stamp() {
                    Some(stamp) => hash.update(stamp),
                    None => stamped = false,
                },
                Storage::Owned(_) => stamped = false,
            }
        }
        let sample = if stamped { SAMPLE } else { self.len() };
        let mut scratch = Vec::new();
        for index in self.evenly_spaced(sample) {
            hash.update(self.image(index).row_major(&mut scratch));
        }
        files::hex(&hash.finalize())
    }
}

#[cfg(test)]
mod tests;
