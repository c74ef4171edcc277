//! Images that earlier openings of folders decoded, found again by file.

use std::collections::HashMap;
use std::fs;
use std::path::Path;

use super::record::{self, Record};
use crate::formats::folder::file_stamp::FileStamp;
use crate::formats::stl10;
use crate::mmap::Mapping;

/// Pixels of one size in the cache, by the files that they are from.
#[derive(Debug, Default)]
pub(super) struct DecodedImages {
    mappings: Vec<Mapping>,
    /// Files of the same folder, by hash of the path, length and time.
    by_path: HashMap<(u64, u64, i128), Place>,
    /// Files of any folder, by device, inode, length and time: a folder may be renamed.
    by_inode: HashMap<FileStamp, Place>,
    by_content: HashMap<[u8; 16], Place>,
    image_bytes: usize,
}

/// Where the pixels of an image are.
#[derive(Clone, Copy, Debug)]
struct Place {
    mapping: usize,
    record: Record,
}

impl DecodedImages {
    /// Those in the folders of `cache_dir`; `family` is that of the folder that is opened. What
    /// can't be read is not there.
    pub fn find(cache_dir: &Path, family: u64, image_size: usize) -> Self {
        let mut found = Self { image_bytes: 3 * image_size * image_size, ..Self::default() };
        for entry in fs::read_dir(cache_dir).into_iter().flatten().flatten() {
            if let Some((of, records)) = record::read(&entry.path(), image_size) {
                found.add(&entry.path(), of == family, &records);
            }
        }
        found
    }

    fn add(&mut self, folder: &Path, same_folder: bool, records: &[Record]) {
        for (split, name) in super::SPLITS.into_iter().enumerate() {
            let Ok(mapping) = Mapping::open(&folder.join(stl10::file_names(name).0)) else {
                continue;
            };
            let images = mapping.len() / self.image_bytes;
            self.mappings.push(mapping);
            let mapping = self.mappings.len() - 1;
            for &record in records {
                if usize::from(record.split) == split && (record.place as usize) < images {
                    let place = Place { mapping, record };
                    if same_folder {
                        self.by_path.insert(path_key(record.path, record.stamp), place);
                    }
                    if record.stamp.has_inode() {
                        self.by_inode.insert(record.stamp, place);
                    }
                    self.by_content.insert(record.content, place);
                }
            }
        }
    }

    /// Copies the pixels of a file that has not changed to `out`; the hash of its content.
    pub fn copy_of_file(&self, path: u64, stamp: FileStamp, out: &mut [u8]) -> Option<Record> {
        let place = self.by_path.get(&path_key(path, stamp)).or_else(|| self.by_inode.get(&stamp));
        self.copy(*place?, out)
    }

    /// Copies the pixels of a file with this content to `out`.
    pub fn copy_of_content(&self, content: &[u8; 16], out: &mut [u8]) -> Option<Record> {
        self.copy(*self.by_content.get(content)?, out)
    }

    fn copy(&self, place: Place, out: &mut [u8]) -> Option<Record> {
        let start = place.record.place as usize * self.image_bytes;
        let pixels = self.mappings[place.mapping].slice(start, self.image_bytes);
        // Written by a process that was killed, the pixels may not be there.
        if crc32fast::hash(pixels) != place.record.pixels {
            return None;
        }
        out.copy_from_slice(pixels);
        Some(place.record)
    }
}

fn path_key(path: u64, stamp: FileStamp) -> (u64, u64, i128) {
    (path, stamp.length, stamp.modified)
}
