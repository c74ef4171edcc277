//! Records of decoded images: which file gave which pixels.
//!
//! A packed set has the file `decoded.bin`: a header, then a record of fixed length for each image
//! that was decoded. It is appended to while a folder is decoded, so that what a killed process has
//! done is not lost; a record whose pixels aren't there or differ is ignored.

use std::fs::File;
use std::io::{self, Seek, SeekFrom, Write};
use std::path::Path;
use std::sync::{Mutex, PoisonError};

use crate::formats::folder::file_stamp::FileStamp;

/// The file of records.
pub(super) const RECORDS: &str = "decoded.bin";
/// Begins the header; changes with the records' form and with decoding and resizing.
const MAGIC: &[u8; 16] = b"twinview decod 2";
const HEADER: usize = 32;
const LENGTH: usize = 80;

/// The first half of the SHA-256 sum of a file's content.
pub type ContentHash = [u8; 16];

/// A decoded image.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Record {
    /// 0 for unlabeled, 1 for train, 2 for test.
    pub split: u8,
    /// Its place in the split's file.
    pub place: u32,
    /// Hash of the path relative to the set's folder.
    pub path: u64,
    /// The file when it was decoded.
    pub stamp: FileStamp,
    /// Hash of the file's content.
    pub content: ContentHash,
    /// Checksum of the pixels.
    pub pixels: u32,
}

impl Record {
    fn to_bytes(self) -> [u8; LENGTH] {
        let mut bytes = [0; LENGTH];
        bytes[0] = self.split;
        bytes[4..8].copy_from_slice(&self.place.to_le_bytes());
        bytes[8..16].copy_from_slice(&self.path.to_le_bytes());
        bytes[16..56].copy_from_slice(&self.stamp.to_bytes());
        bytes[56..72].copy_from_slice(&self.content);
        bytes[72..76].copy_from_slice(&self.pixels.to_le_bytes());
        let check = crc32fast::hash(&bytes[..76]);
        bytes[76..].copy_from_slice(&check.to_le_bytes());
        bytes
    }

    fn of_bytes(bytes: &[u8; LENGTH]) -> Option<Self> {
        let number = |at: usize| u32::from_le_bytes(bytes[at..at + 4].try_into().expect("four"));
        if number(76) != crc32fast::hash(&bytes[..76]) {
            return None;
        }
        Some(Self {
            split: bytes[0],
            place: number(4),
            path: u64::from_le_bytes(bytes[8..16].try_into().expect("eight")),
            stamp: FileStamp::of_bytes(bytes[16..56].try_into().expect("forty")),
            content: bytes[56..72].try_into().expect("sixteen"),
            pixels: number(72),
        })
    }
}

/// Begins a file of records: magic, size of the images, family.
fn header(family: u64, image_size: usize) -> [u8; HEADER] {
    let mut bytes = [0; HEADER];
    bytes[..16].copy_from_slice(MAGIC);
    bytes[16..24].copy_from_slice(&(image_size as u64).to_le_bytes());
    bytes[24..].copy_from_slice(&family.to_le_bytes());
    bytes
}

/// Records of images that are being decoded, by several threads. The file is locked, which tells
/// others that it is in use.
#[derive(Debug)]
pub(super) struct RecordWriter(Mutex<State>);

#[derive(Debug)]
struct State {
    file: File,
    records: Vec<Record>,
}

impl RecordWriter {
    /// Begins the records in `folder`.
    pub fn create(folder: &Path, family: u64, image_size: usize) -> io::Result<Self> {
        let mut file = File::create_new(folder.join(RECORDS))?;
        // A file system without locks has no processes that would ask for them.
        let _ = file.try_lock();
        file.write_all(&header(family, image_size))?;
        Ok(Self(Mutex::new(State { file, records: Vec::new() })))
    }

    /// Appends one.
    pub fn add(&self, record: Record) -> io::Result<()> {
        let mut state = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        state.records.push(record);
        state.file.write_all(&record.to_bytes())
    }

    /// All records so far.
    pub fn records(&self) -> Vec<Record> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).records.clone()
    }

    /// Replaces the records by `records`, in the same file, which stays locked.
    pub fn replace(&self, records: &[Record]) -> io::Result<()> {
        let mut state = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        state.file.set_len(HEADER as u64)?;
        state.file.seek(SeekFrom::Start(HEADER as u64))?;
        let bytes: Vec<u8> = records.iter().flat_map(|record| record.to_bytes()).collect();
        state.file.write_all(&bytes)
    }
}

/// The records in `folder` of images of a size, with the family; `None` where there are none.
pub(super) fn read(folder: &Path, image_size: usize) -> Option<(u64, Vec<Record>)> {
    let bytes = files::read(&folder.join(RECORDS)).ok()?;
    let (head, rest) = bytes.split_at_checked(HEADER)?;
    let family = u64::from_le_bytes(head[24..].try_into().ok()?);
    if head != header(family, image_size) {
        return None;
    }
    let records = rest.as_chunks::<LENGTH>().0.iter().filter_map(Record::of_bytes);
    Some((family, records.collect()))
}
