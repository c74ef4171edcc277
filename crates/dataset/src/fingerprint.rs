//! The fingerprint of a dataset: a hash that identifies the data of a run.
//!
//! It covers every image. Reading a large set takes seconds to minutes, so the result is kept in
//! the user's cache under the length and time of change of the mapped files.

use std::path::PathBuf;

use rayon::prelude::*;
use sha2::{Digest, Sha256};

use crate::split::Storage;
use crate::{Dataset, PixelOrder, Split};

/// Sets of fewer bytes are hashed each time, in milliseconds.
const KEPT_BYTES: usize = 64 << 20;
/// Images hashed together by one thread.
const BLOCK: usize = 256;
/// Images that the key of a cache looks at, beside lengths and times of files.
const SAMPLE: usize = 64;
/// Changes with what is hashed.
const VERSION: &[u8] = b"fingerprint 2";

impl Dataset {
    /// 32 hex digits over sizes, labels and the pixels of all images.
    ///
    /// Equal for equal content however it is stored: a set that was written as STL-10 binaries
    /// keeps its fingerprint unless it was resized. Of a large set on disk the images are read
    /// once; later calls look whether length and time of change of its files are as they were.
    pub fn fingerprint(&self) -> String {
        let Some(file) = self.fingerprint_file() else {
            return self.hash_all();
        };
        if let Ok(text) = files::read_text(&file)
            && text.len() == 32
            && text.bytes().all(|byte| byte.is_ascii_hexdigit())
        {
            return text;
        }
        let fingerprint = self.hash_all();
        // Where it can't be kept, it is found again next time.
        let kept = file.parent().map(files::create_cache_dir);
        if let Some(Ok(())) = kept {
            let _ = files::write(&file, fingerprint.as_bytes());
        }
        fingerprint
    }

    fn hash_all(&self) -> String {
        let mut hash = Sha256::new();
        hash.update(VERSION);
        for (name, split) in self.splits() {
            hash.update(name);
            for number in [split.len(), split.width(), split.height()] {
                hash.update((number as u64).to_le_bytes());
            }
            hash.update([u8::from(split.labels().is_some())]);
            hash.update(label_bytes(split));
            hash.update(pixels(split));
        }
        files::hex(&hash.finalize()[..16])
    }

    /// Where the fingerprint is kept; `None` for a small set and for images in memory.
    fn fingerprint_file(&self) -> Option<PathBuf> {
        let bytes: usize =
            self.splits().map(|(_, split)| 3 * split.len() * split.width() * split.height()).sum();
        if bytes < KEPT_BYTES {
            return None;
        }
        let mut hash = Sha256::new();
        hash.update(VERSION);
        for (name, split) in self.splits() {
            hash.update(name);
            for chunk in split.chunks() {
                hash.update([u8::from(matches!(chunk.order, PixelOrder::RowMajor))]);
            }
            hash.update((split.width() as u64).to_le_bytes());
            hash.update(split.storage_stamp()?);
            hash.update(label_bytes(split));
        }
        let name = files::hex(&hash.finalize()[..16]);
        Some(files::cache_dir("fingerprints")?.join(name))
    }
}

impl Split {
    /// 32 hex digits over number and size of the images, labels, and the pixels of 64 images,
    /// evenly spaced: enough to tell sets apart, wherever they are stored, in milliseconds.
    pub fn sample_fingerprint(&self) -> String {
        let mut hash = Sha256::new();
        for number in [self.len(), self.width(), self.height()] {
            hash.update((number as u64).to_le_bytes());
        }
        hash.update(label_bytes(self));
        let mut scratch = Vec::new();
        for index in self.evenly_spaced(SAMPLE) {
            hash.update(self.image(index).row_major(&mut scratch));
        }
        files::hex(&hash.finalize()[..16])
    }

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
                Storage::InMemory(_) | Storage::Listed(_) => stamped = false,
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

fn label_bytes(split: &Split) -> Vec<u8> {
    let labels = split.labels().unwrap_or_default();
    labels.iter().flat_map(|label| label.to_le_bytes()).collect()
}

/// A hash of the pixels of all images, whatever the number of threads.
fn pixels(split: &Split) -> Vec<u8> {
    if split.is_listed() {
        return Vec::new();
    }
    let starts: Vec<usize> = (0..split.len()).step_by(BLOCK).collect();
    let block = |scratch: &mut Vec<u8>, &start: &usize| {
        let mut hash = Sha256::new();
        for index in start..split.len().min(start + BLOCK) {
            hash.update(split.image(index).row_major(scratch));
        }
        hash.finalize().to_vec()
    };
    starts.par_iter().map_init(Vec::new, block).flatten_iter().collect()
}

#[cfg(test)]
mod tests;
