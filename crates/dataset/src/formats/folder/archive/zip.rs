//! Lists the members of a zip archive by its central directory, and reads single ones.
//!
//! # Reference
//! PKWARE, APPNOTE.TXT 6.3.10: 4.3.7 (local file header), 4.3.12 (central directory), 4.3.14 and
//! 4.3.15 (ZIP64), 4.3.16 (end of central directory).

use std::fs::File;
use std::io::{BufReader, Read, Seek, SeekFrom};
use std::path::Path;

use flate2::read::DeflateDecoder;

use super::contents::{Contents, ContentsBuilder, Location, ZipMember};
use super::name::Name;
use super::read_at::{damaged, read_at};
use super::samples::{MAX_LABEL_BYTES, may_be_label};
use crate::Error;
use crate::formats::folder::decode::MAX_FILE_BYTES;
use crate::formats::folder::entries::is_read;

const EXPECTED: &str = "a whole zip archive";

const END: &[u8; 4] = b"PK\x05\x06";
const END_LENGTH: usize = 22;
const END64: &[u8; 4] = b"PK\x06\x06";
const END64_LENGTH: usize = 56;
const LOCATOR64: &[u8; 4] = b"PK\x06\x07";
const LOCATOR64_LENGTH: usize = 20;
const ENTRY: &[u8; 4] = b"PK\x01\x02";
const ENTRY_LENGTH: usize = 46;
const LOCAL: &[u8; 4] = b"PK\x03\x04";
const LOCAL_LENGTH: usize = 30;
/// The longest comment, which is after the end of the directory.
const MAX_COMMENT: u64 = u16::MAX as u64;
/// In a 16 or 32-bit field: the number is in a ZIP64 record.
const IN_64: u64 = u32::MAX as u64;
/// Bytes that are asked for before any are read.
const MAX_START: u64 = 1 << 26;
/// A byte of deflated data gives no more.
const MAX_RATIO: u64 = 1032;

/// Lists the archive at `path` of `length` bytes.
///
/// # Errors
/// If it has no directory, or can't be read. What is wrong with members is handed back beside the
/// others.
pub(super) fn list(path: &Path, file: &mut File, length: u64) -> Result<Contents, Error> {
    let directory = Directory::find(path, file, length)?;
    let mut contents = ContentsBuilder::default();
    let mut labels = Vec::new();
    let start = file.seek(SeekFrom::Start(directory.start));
    start.map_err(Error::io(path, "read"))?;
    let mut reader = BufReader::new(&mut *file);
    for number in 0..directory.entries {
        let Some(entry) = Entry::read(&mut reader).map_err(Error::io(path, "read"))? else {
            let found = format!("a directory that ends after {number} of {}", directory.entries);
            contents.add_damage(damaged(path, EXPECTED, format!("{found} members")));
            break;
        };
        match Name::new(&entry.name) {
            Ok(Some(name)) => match entry.member(&directory, length) {
                _ if entry.is_folder() => {}
                _ if entry.is_link() => contents.add_other(&name),
                Ok(member) if may_be_label(name.as_str()) && member.length <= MAX_LABEL_BYTES => {
                    labels.push((name, member));
                }
                Ok(member) => contents.add(&name, Location::Zip(member)),
                Err(_) if !is_read(Path::new(name.as_str())) => contents.add_other(&name),
                Err(found) => {
                    let member = path.join(name.as_str());
                    contents.add_damage(damaged(&member, "a whole member of a zip archive", found));
                }
            },
            Ok(None) => {}
            Err(found) => contents.add_damage(damaged(path, "names of files in it", found)),
        }
    }
    for (name, member) in labels {
        match read(&path.join(name.as_str()), file, member) {
            Ok(content) => contents.add_label(path, &name, &content),
            Err(error) => contents.add_damage(error),
        }
    }
    Ok(contents.finish())
}

/// Reads a member; `path` is that of the archive with the member's name.
pub(super) fn read(path: &Path, file: &mut File, member: ZipMember) -> Result<Vec<u8>, Error> {
    let ZipMember { header, packed, length, deflated, crc } = member;
    let wrong = |found: String| damaged(path, "a whole member of a zip archive", found);
    if length > MAX_FILE_BYTES {
        let expected = format!("at most {MAX_FILE_BYTES} bytes");
        return Err(Error::Length { path: path.to_owned(), expected, found_bytes: length });
    }
    let local = read_at(path, file, header, LOCAL_LENGTH as u64)?;
    if !local.starts_with(LOCAL) {
        return Err(wrong(format!("no header at byte {header}")));
    }
    let names = number(&local, 26, 2) + number(&local, 28, 2);
    let start = file.seek(SeekFrom::Start(header + LOCAL_LENGTH as u64 + names));
    start.map_err(Error::io(path, "read"))?;
    let packed = file.take(packed);
    let mut bytes = Vec::with_capacity(length.min(MAX_START) as usize);
    let read = if deflated {
        DeflateDecoder::new(packed).take(length + 1).read_to_end(&mut bytes)
    } else {
        packed.take(length + 1).read_to_end(&mut bytes)
    };
    read.map_err(|error| wrong(error.to_string()))?;
    if bytes.len() as u64 != length {
        return Err(wrong(format!("other than the {length} bytes of its header")));
    }
    if crc32fast::hash(&bytes) != crc {
        return Err(wrong("other content than its checksum says".to_owned()));
    }
    Ok(bytes)
}

/// The central directory.
struct Directory {
    entries: u64,
    /// Its place in the file.
    start: u64,
    /// What is before the archive, as in self-extracting ones: places count from its end.
    before: u64,
}

impl Directory {
    fn find(path: &Path, file: &mut File, length: u64) -> Result<Self, Error> {
        let wrong = |found: &str| damaged(path, EXPECTED, found);
        let tail = length.min(MAX_COMMENT + (END_LENGTH + LOCATOR64_LENGTH) as u64);
        let bytes = read_at(path, file, length - tail, tail)?;
        let starts = |at: &usize| {
            let comment = bytes.get(at + 20..at + 22).map(|field| number(field, 0, 2) as usize);
            bytes[*at..].starts_with(END)
                && comment.is_some_and(|comment| at + END_LENGTH + comment <= bytes.len())
        };
        let Some(at) = (0..bytes.len()).rev().find(starts) else {
            let is_zip = read_at(path, file, 0, length.min(4))? == LOCAL;
            return Err(wrong(if is_zip { "one without its end" } else { "other content" }));
        };
        let end = length - tail + at as u64;
        let field = |offset: usize, size: usize| number(&bytes, at + offset, size);
        if !matches!((field(4, 2), field(6, 2)), (0, 0) | (0xffff, _) | (_, 0xffff)) {
            return Err(wrong("a part of one in several files"));
        }
        let (mut entries, mut size, mut start) = (field(10, 2), field(12, 4), field(16, 4));
        let mut end_of_directory = end;
        if (entries == 0xffff || size == IN_64 || start == IN_64)
            && let Some(locator) = at.checked_sub(LOCATOR64_LENGTH)
            && bytes[locator..].starts_with(LOCATOR64)
        {
            let place = number(&bytes, locator + 8, 8);
            let place = place.checked_add(END64_LENGTH as u64).filter(|after| *after <= length);
            let place = place.ok_or_else(|| wrong("a ZIP64 record beyond its end"))?;
            let place = place - END64_LENGTH as u64;
            let record = read_at(path, file, place, END64_LENGTH as u64)?;
            if !record.starts_with(END64) {
                return Err(wrong("no ZIP64 record where it should be"));
            }
            entries = number(&record, 32, 8);
            size = number(&record, 40, 8);
            start = number(&record, 48, 8);
            end_of_directory = place;
        }
        let before = start.checked_add(size).and_then(|used| end_of_directory.checked_sub(used));
        let before = before.ok_or_else(|| wrong("one that begins before the file"))?;
        Ok(Self { entries, start: before + start, before })
    }
}

/// An entry of the directory.
struct Entry {
    name: String,
    /// The system that it was made on.
    system: u8,
    flags: u64,
    method: u64,
    crc: u32,
    packed: u64,
    length: u64,
    attributes: u64,
    header: u64,
}

impl Entry {
    /// The next entry; `None` where there is none.
    fn read(reader: &mut impl Read) -> std::io::Result<Option<Self>> {
        let mut fixed = [0; ENTRY_LENGTH];
        if !fill(reader, &mut fixed)? || !fixed.starts_with(ENTRY) {
            return Ok(None);
        }
        let field = |offset: usize, size: usize| number(&fixed, offset, size);
        let [name, extra, comment] = [28, 30, 32].map(|at| field(at, 2) as usize);
        let mut more = vec![0; name + extra + comment];
        if !fill(reader, &mut more)? {
            return Ok(None);
        }
        let mut large = zip64(&more[name..name + extra]).map(|at| &more[name + at.0..name + at.1]);
        let mut or_large = |number_in_32: u64| match &mut large {
            Some(rest) if number_in_32 == IN_64 && rest.len() >= 8 => {
                let value = number(rest, 0, 8);
                *rest = &rest[8..];
                value
            }
            _ => number_in_32,
        };
        let (length, packed, header) =
            (or_large(field(24, 4)), or_large(field(20, 4)), or_large(field(42, 4)));
        let system = fixed[5];
        let name = text(&more[..name]);
        // Windows programs write both.
        let name = if system == 0 { name.replace('\\', "/") } else { name };
        Ok(Some(Self {
            name,
            system,
            flags: field(8, 2),
            method: field(10, 2),
            crc: field(16, 4) as u32,
            packed,
            length,
            attributes: field(38, 4),
            header,
        }))
    }

    fn is_folder(&self) -> bool {
        self.name.ends_with('/')
    }

    fn is_link(&self) -> bool {
        self.system == 3 && (self.attributes >> 16) & 0o170_000 == 0o120_000
    }

    /// Where it is in the file of `length` bytes; else what is wrong with it.
    fn member(&self, directory: &Directory, length: u64) -> Result<ZipMember, String> {
        let &Self { packed, crc, .. } = self;
        if self.flags & 1 != 0 {
            return Err("an encrypted one".to_owned());
        }
        let deflated = match self.method {
            0 => false,
            8 => true,
            method => return Err(format!("one compressed by method {method}, not by deflate")),
        };
        let header = directory.before.checked_add(self.header);
        let end =
            header.and_then(|header| header.checked_add(LOCAL_LENGTH as u64)?.checked_add(packed));
        let most = if deflated { packed.saturating_mul(MAX_RATIO) } else { packed };
        match (header, end) {
            (Some(header), Some(end)) if end <= length && self.length <= most => {
                Ok(ZipMember { header, packed, length: self.length, deflated, crc })
            }
            _ => Err(format!("{} bytes, more than there are", self.length)),
        }
    }
}

/// Where the ZIP64 record is in the extra fields.
fn zip64(extra: &[u8]) -> Option<(usize, usize)> {
    let mut at = 0;
    while at + 4 <= extra.len() {
        let end = at + 4 + number(extra, at + 2, 2) as usize;
        if number(extra, at, 2) == 1 && end <= extra.len() {
            return Some((at + 4, end));
        }
        at = end;
    }
    None
}

/// A little-endian number of `size` bytes at `offset`.
fn number(bytes: &[u8], offset: usize, size: usize) -> u64 {
    let field = &bytes[offset..offset + size];
    field.iter().rev().fold(0, |number, &byte| number << 8 | u64::from(byte))
}

/// UTF-8; of another encoding a letter for each byte, so that different names stay so.
fn text(bytes: &[u8]) -> String {
    match str::from_utf8(bytes) {
        Ok(text) => text.to_owned(),
        Err(_) => bytes.iter().map(|&byte| char::from(byte)).collect(),
    }
}

/// Fills `bytes`; whether there was enough.
fn fill(reader: &mut impl Read, bytes: &mut [u8]) -> std::io::Result<bool> {
    match reader.read_exact(bytes) {
        Ok(()) => Ok(true),
        Err(error) if error.kind() == std::io::ErrorKind::UnexpectedEof => Ok(false),
        Err(error) => Err(error),
    }
}
