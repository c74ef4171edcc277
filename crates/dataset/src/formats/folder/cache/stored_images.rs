//! Whole images in the cache: pixels one image after the other, and an index of places and sizes.
//!
//! Images are written by several threads, in the order in which they are decoded. The index is
//! appended to as [records](super::record) are, so that what a killed process has done is not lost.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::{self, Write};
use std::path::Path;
use std::sync::{Mutex, PoisonError};

use crate::mmap::Mapping;
use crate::resize::Planes;
use crate::{Error, Image, PixelOrder};

/// Begins the index; changes with its form and with decoding and resizing.
const MAGIC: &[u8; 24] = b"twinview whole images 1\n";
const HEADER: usize = 32;
const LENGTH: usize = 32;

/// File names of a split's whole images and of their index.
pub(super) fn file_names(split: &str) -> (String, String) {
    (format!("{split}_whole.bin"), format!("{split}_whole.idx"))
}

/// Where an image is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Entry {
    /// Of its first byte.
    offset: u64,
    /// The image's place in the split.
    place: u32,
    width: u32,
    height: u32,
    /// Checksum of the pixels.
    pixels: u32,
}

impl Entry {
    fn to_bytes(self) -> [u8; LENGTH] {
        let mut bytes = [0; LENGTH];
        bytes[..8].copy_from_slice(&self.offset.to_le_bytes());
        for (at, number) in
            [(8, self.place), (12, self.width), (16, self.height), (20, self.pixels)]
        {
            bytes[at..at + 4].copy_from_slice(&number.to_le_bytes());
        }
        let check = crc32fast::hash(&bytes[..28]);
        bytes[28..].copy_from_slice(&check.to_le_bytes());
        bytes
    }

    fn of_bytes(bytes: &[u8; LENGTH]) -> Option<Self> {
        let number = |at: usize| u32::from_le_bytes(bytes[at..at + 4].try_into().expect("four"));
        if number(28) != crc32fast::hash(&bytes[..28]) {
            return None;
        }
        Some(Self {
            offset: u64::from_le_bytes(bytes[..8].try_into().expect("eight")),
            place: number(8),
            width: number(12),
            height: number(16),
            pixels: number(20),
        })
    }

    fn length(self) -> usize {
        3 * self.width as usize * self.height as usize
    }

    /// Whether the image lies inside the first `limit` bytes.
    fn is_within(self, limit: usize) -> bool {
        let end = usize::try_from(self.offset).ok().and_then(|at| at.checked_add(self.length()));
        self.length() > 0 && end.is_some_and(|end| end <= limit)
    }
}

fn header(image_size: usize) -> [u8; HEADER] {
    let mut bytes = [0; HEADER];
    bytes[..24].copy_from_slice(MAGIC);
    bytes[24..].copy_from_slice(&(image_size as u64).to_le_bytes());
    bytes
}

/// Whole images of a split that are being decoded, by several threads.
#[derive(Debug)]
pub(super) struct WholeWriter(Mutex<State>);

#[derive(Debug)]
struct State {
    images: File,
    index: File,
    end: u64,
    entries: Vec<Entry>,
}

impl WholeWriter {
    /// Begins the files of a split in `folder`.
    pub fn create(folder: &Path, split: &str, image_size: usize) -> io::Result<Self> {
        let (images, index) = file_names(split);
        let images = File::create_new(folder.join(images))?;
        let mut index = File::create_new(folder.join(index))?;
        index.write_all(&header(image_size))?;
        Ok(Self(Mutex::new(State { images, index, end: 0, entries: Vec::new() })))
    }

    /// Appends the image at `place` of the split.
    pub fn add(&self, place: usize, planes: &Planes) -> io::Result<()> {
        let pixels = crc32fast::hash(&planes.bytes);
        let mut state = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let entry = Entry {
            offset: state.end,
            place: place as u32,
            width: planes.width as u32,
            height: planes.height as u32,
            pixels,
        };
        state.images.write_all(&planes.bytes)?;
        state.end += planes.bytes.len() as u64;
        state.entries.push(entry);
        state.index.write_all(&entry.to_bytes())
    }

    /// Rewrites the index without the `unusable` places, which have no images; those after them
    /// move up.
    pub fn close_gaps<T>(
        &self,
        folder: &Path,
        split: &str,
        image_size: usize,
        unusable: &BTreeMap<usize, T>,
    ) -> Result<(), Error> {
        let state = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let mut bytes = header(image_size).to_vec();
        for entry in &state.entries {
            let before = unusable.range(..entry.place as usize).count();
            let entry = Entry { place: entry.place - before as u32, ..*entry };
            bytes.extend(entry.to_bytes());
        }
        Ok(files::write(&folder.join(file_names(split).1), &bytes)?)
    }
}

/// The whole images of a split, mapped.
#[derive(Debug)]
pub(crate) struct StoredImages {
    mapping: Mapping,
    /// By place.
    entries: Vec<Entry>,
}

impl StoredImages {
    /// Opens those of all `count` images of a split.
    pub fn open(
        folder: &Path,
        split: &str,
        image_size: usize,
        count: usize,
    ) -> Result<Self, Error> {
        let found = Self::open_some(folder, split, image_size)?;
        let is_all = found.entries.len() == count
            && (0..).zip(&found.entries).all(|(place, entry)| entry.place == place);
        match is_all {
            true => Ok(found),
            false => Err(Error::Text {
                path: folder.join(file_names(split).1),
                expected: format!("the places of {count} images"),
                found: format!("those of {}", found.entries.len()),
            }),
        }
    }

    /// Opens those that are there, of a set that may be unfinished.
    pub(super) fn open_some(folder: &Path, split: &str, image_size: usize) -> Result<Self, Error> {
        let (images, index) = file_names(split);
        let mapping = Mapping::open(&folder.join(images))?;
        let path = folder.join(index);
        let bytes = fs::read(&path).map_err(Error::io(&path, "read"))?;
        let rest = bytes.strip_prefix(&header(image_size)).unwrap_or_default();
        let entries = rest.as_chunks::<LENGTH>().0.iter().filter_map(Entry::of_bytes);
        let mut entries: Vec<Entry> =
            entries.filter(|entry| entry.is_within(mapping.len())).collect();
        entries.sort_by_key(|entry| entry.place);
        entries.dedup_by_key(|entry| entry.place);
        Ok(Self { mapping, entries })
    }

    /// The image at a place of the split.
    pub fn image(&self, place: usize) -> Image<'_> {
        self.image_of(&self.entries[place])
    }

    fn image_of(&self, entry: &Entry) -> Image<'_> {
        Image {
            bytes: self.mapping.slice(entry.offset as usize, entry.length()),
            width: entry.width as usize,
            height: entry.height as usize,
            order: PixelOrder::RowMajor,
        }
    }

    /// Whether the image at a place is there.
    pub(super) fn has(&self, place: u32) -> bool {
        self.find(place).is_some()
    }

    /// Copies the image at a place, if it is there and whole.
    pub(super) fn copy(&self, place: u32, out: &mut Planes) -> bool {
        let Some(entry) = self.find(place) else { return false };
        let image = self.image_of(entry);
        if crc32fast::hash(image.bytes) != entry.pixels {
            return false;
        }
        out.bytes.clear();
        out.bytes.extend_from_slice(image.bytes);
        (out.width, out.height) = (image.width, image.height);
        true
    }

    fn find(&self, place: u32) -> Option<&Entry> {
        let at = self.entries.binary_search_by_key(&place, |entry| entry.place).ok()?;
        Some(&self.entries[at])
    }

    /// As [`Split::check`](crate::Split::check).
    pub fn check(&self) -> Result<(), Error> {
        self.mapping.check()
    }
}
