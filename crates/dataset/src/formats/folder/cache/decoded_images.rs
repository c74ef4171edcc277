//! Images that earlier openings of folders decoded, found again by file.

use std::collections::HashMap;
use std::fs;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::path::Path;

use super::SPLITS;
use super::record::{self, ContentHash, Record};
use super::stored_images::StoredImages;
use crate::Store;
use crate::formats::folder::file_stamp::FileStamp;
use crate::formats::stl10;
use crate::mmap::Mapping;
use crate::resize::Planes;

/// Pixels of one size in the cache, by the files that they are from.
///
/// The tables have hashes of what is looked up: there may be millions of images. A record that is
/// found is compared; of two with the same hash one is not found, and its image decoded again.
#[derive(Debug, Default)]
pub(super) struct DecodedImages {
    sets: Vec<DecodedSet>,
    /// Files of the same folder, by hash of the path, length and time.
    by_path: HashMap<u64, Place>,
    /// Files of any folder, by device, inode, length and time: a folder may be renamed.
    by_inode: HashMap<u64, Place>,
    by_content: HashMap<u64, Place>,
    image_bytes: usize,
}

/// What one opening of a folder decoded.
#[derive(Debug)]
struct DecodedSet {
    /// The images of each split.
    mappings: [Option<Mapping>; SPLITS.len()],
    whole: [Option<StoredImages>; SPLITS.len()],
    records: Vec<Record>,
}

/// The place of a record.
#[derive(Clone, Copy, Debug)]
struct Place {
    set: u32,
    record: u32,
}

impl DecodedImages {
    /// Those in the folders of `cache_dir`; `family` is that of the folder that is opened. What
    /// can't be read is not there.
    pub fn find(cache_dir: &Path, family: u64, image_size: usize, store: Store) -> Self {
        let image_bytes = 3 * image_size * image_size;
        let mut found = Self { image_bytes, ..Self::default() };
        for entry in fs::read_dir(cache_dir).into_iter().flatten().flatten() {
            if let Some((of, records)) = record::read(&entry.path(), image_size) {
                let whole = SPLITS.map(|split| {
                    let whole = StoredImages::open_some(&entry.path(), split, image_size).ok();
                    whole.filter(|_| store == Store::Aspect)
                });
                found.add(&entry.path(), of == family, records, whole);
            }
        }
        found
    }

    fn add(
        &mut self,
        folder: &Path,
        same_folder: bool,
        records: Vec<Record>,
        whole: [Option<StoredImages>; SPLITS.len()],
    ) {
        let open = |split| Mapping::open(&folder.join(stl10::file_names(split).0)).ok();
        let mappings = SPLITS.map(open);
        let set = DecodedSet { mappings, whole, records };
        let number = self.sets.len() as u32;
        for (index, record) in (0..).zip(&set.records) {
            if set.mapping(record, self.image_bytes).is_none() {
                continue;
            }
            let place = Place { set: number, record: index };
            // One with the whole image serves better.
            let best = set.whole(record).is_some_and(|whole| whole.has(record.place));
            let note = |map: &mut HashMap<u64, Place>, key| {
                if best {
                    map.insert(key, place)
                } else {
                    Some(*map.entry(key).or_insert(place))
                };
            };
            if same_folder {
                note(&mut self.by_path, path_key(record.path, record.stamp));
            }
            if record.stamp.has_inode() {
                note(&mut self.by_inode, key(&record.stamp));
            }
            note(&mut self.by_content, key(&record.content));
        }
        self.sets.push(set);
    }

    /// Copies the pixels of a file that has not changed to `out` and `whole`; its record.
    pub fn copy_of_file(
        &self,
        path: u64,
        stamp: FileStamp,
        out: &mut [u8],
        whole: Option<&mut Planes>,
    ) -> Option<Record> {
        let content = |stamp: FileStamp| stamp.content_bytes();
        let same_path = |of: &Record| of.path == path && content(of.stamp) == content(stamp);
        let same_inode = |of: &Record| of.stamp == stamp;
        let place = self.by_path.get(&path_key(path, stamp));
        let mut whole = whole;
        self.copy(place, same_path, out, whole.as_deref_mut())
            .or_else(|| self.copy(self.by_inode.get(&key(&stamp)), same_inode, out, whole))
    }

    /// Copies the pixels of a file with this content to `out` and `whole`; its record.
    pub fn copy_of_content(
        &self,
        content: &ContentHash,
        out: &mut [u8],
        whole: Option<&mut Planes>,
    ) -> Option<Record> {
        self.copy(self.by_content.get(&key(content)), |of| of.content == *content, out, whole)
    }

    fn copy(
        &self,
        place: Option<&Place>,
        is_same: impl Fn(&Record) -> bool,
        out: &mut [u8],
        whole: Option<&mut Planes>,
    ) -> Option<Record> {
        let place = place?;
        let set = &self.sets[place.set as usize];
        let record = set.records[place.record as usize];
        let pixels = set.pixels(&record, self.image_bytes)?;
        // Written by a process that was killed, the pixels may not be there.
        if !is_same(&record) || crc32fast::hash(pixels) != record.pixels {
            return None;
        }
        if let Some(whole) = whole
            && !set.whole(&record)?.copy(record.place, whole)
        {
            return None;
        }
        out.copy_from_slice(pixels);
        Some(record)
    }
}

impl DecodedSet {
    /// The file of a record's pixels, where it has as many images.
    fn mapping(&self, record: &Record, image_bytes: usize) -> Option<&Mapping> {
        let mapping = self.mappings.get(usize::from(record.split))?.as_ref();
        mapping.filter(|mapping| (record.place as usize) < mapping.len() / image_bytes)
    }

    fn whole(&self, record: &Record) -> Option<&StoredImages> {
        self.whole.get(usize::from(record.split))?.as_ref()
    }

    fn pixels(&self, record: &Record, image_bytes: usize) -> Option<&[u8]> {
        let mapping = self.mapping(record, image_bytes)?;
        Some(mapping.slice(record.place as usize * image_bytes, image_bytes))
    }
}

fn path_key(path: u64, stamp: FileStamp) -> u64 {
    key(&(path, stamp.length, stamp.modified))
}

/// A hash that is the same in one process.
fn key(value: &impl Hash) -> u64 {
    let mut hasher = DefaultHasher::new();
    value.hash(&mut hasher);
    hasher.finish()
}
