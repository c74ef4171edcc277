//! Lists the members of a tar archive by their headers, without reading images.
//!
//! # Reference
//! POSIX.1-2017, pax: ustar and pax formats; GNU tar manual, "Basic Tar Format": long names and
//! large sizes.

use std::collections::HashMap;
use std::fs::File;
use std::io::{BufReader, Read, Seek, SeekFrom};
use std::path::Path;

use super::contents::{Contents, ContentsBuilder, Location};
use super::name::Name;
use super::read_at::{damaged, read_at};
use super::samples::{MAX_LABEL_BYTES, may_be_label};
use crate::Error;

const BLOCK: u64 = 512;
/// Names and pax headers are no longer.
const MAX_HEADER_BYTES: u64 = 1 << 20;
const EXPECTED: &str = "a whole tar archive";

/// How other files begin that are named as tar archives, and what they are.
const OTHERS: [(&[u8], &str); 5] = [
    (b"\x1f\x8b", "a gzip-compressed file (gunzip it first)"),
    (b"BZh", "a bzip2-compressed file (bunzip2 it first)"),
    (b"\xfd7zXZ", "an xz-compressed file (unxz it first)"),
    (b"\x28\xb5\x2f\xfd", "a zstd-compressed file (unzstd it first)"),
    (b"PK\x03\x04", "a zip archive"),
];

/// Lists the archive at `path` of `length` bytes.
///
/// # Errors
/// If it is no tar archive, or can't be read. What is cut off or wrong further on is handed back
/// beside the members before it.
pub(super) fn list(path: &Path, file: &mut File, length: u64) -> Result<Contents, Error> {
    let mut contents = ContentsBuilder::default();
    let mut headers = Headers { path, file: BufReader::new(file), length, at: 0 };
    let mut first = true;
    loop {
        match headers.next() {
            Ok(Some(Entry { raw, kind, offset, length })) => match Name::new(&raw) {
                Ok(Some(name)) => {
                    add(&mut headers, &mut contents, &name, kind, (offset, length))?;
                }
                Ok(None) => {}
                Err(found) => contents.add_damage(damaged(path, "names of files in it", found)),
            },
            Ok(None) => break,
            Err(error) if first || matches!(error, Error::Io { .. }) => return Err(error),
            Err(error) => {
                contents.add_damage(error);
                break;
            }
        }
        first = false;
    }
    Ok(contents.finish())
}

fn add(
    headers: &mut Headers<'_>,
    contents: &mut ContentsBuilder,
    name: &Name,
    kind: Kind,
    (offset, length): (u64, u64),
) -> Result<(), Error> {
    let path = headers.path;
    match kind {
        Kind::File if may_be_label(name.as_str()) && length <= MAX_LABEL_BYTES => {
            let member = path.join(name.as_str());
            let content = read_at(&member, headers.file.get_mut(), offset, length);
            // The buffer is of another place now.
            headers.file.seek(SeekFrom::Start(headers.at)).map_err(Error::io(path, "read"))?;
            contents.add_label(path, name, &content?);
        }
        Kind::File => contents.add(name, Location::Stored { offset, length }),
        Kind::Link(target) => match Name::new(&target) {
            Ok(Some(target)) => match contents.location(&target) {
                Some(location) => contents.add(name, location),
                None => contents.add_other(name),
            },
            _ => contents.add_other(name),
        },
        Kind::Sparse => {
            let member = path.join(name.as_str());
            contents.add_damage(damaged(&member, "a file in one piece", "a sparse one"));
        }
        Kind::Folder => {}
        Kind::Other => contents.add_other(name),
    }
    Ok(())
}

/// A member: its raw name, what it is, and where its content is.
struct Entry {
    raw: String,
    kind: Kind,
    offset: u64,
    length: u64,
}

enum Kind {
    File,
    /// Another name of an earlier member.
    Link(String),
    Folder,
    Sparse,
    Other,
}

/// Reads headers.
struct Headers<'a> {
    path: &'a Path,
    file: BufReader<&'a mut File>,
    /// Bytes of the archive.
    length: u64,
    /// Where the next header is, and the reader.
    at: u64,
}

/// What headers before that of a member say of it.
#[derive(Default)]
struct Extended {
    name: Option<String>,
    link: Option<String>,
    pax: HashMap<String, String>,
}

impl Headers<'_> {
    /// The next member; `None` at the end.
    fn next(&mut self) -> Result<Option<Entry>, Error> {
        let mut extended = Extended::default();
        loop {
            let Some(block) = self.block()? else { return Ok(None) };
            let header = self.header(&block)?;
            let size = match extended.pax.get("size").filter(|_| !header.is_extension()) {
                Some(size) => size.parse().map_err(|_| self.wrong("a size that is no number"))?,
                None => header.size,
            };
            let offset = self.at;
            let has_content = !matches!(header.kind, b'1'..=b'6');
            let length = if has_content { size } else { 0 };
            match header.kind {
                b'L' => extended.name = Some(self.text(length)?),
                b'K' => extended.link = Some(self.text(length)?),
                b'x' => extended.pax.extend(self.pax(length)?),
                // Defaults for all members, which say nothing of names and sizes.
                b'g' => {}
                _ => {
                    let name = extended.pax.remove("path").or(extended.name);
                    let raw = name.unwrap_or(header.name);
                    let end = offset.checked_add(length);
                    if end.is_none_or(|end| end > self.length) {
                        let found = format!("one of {} bytes that ends in {raw}", self.length);
                        return Err(damaged(self.path, EXPECTED, found));
                    }
                    let link = extended.pax.remove("linkpath").or(extended.link);
                    let kind = match header.kind {
                        _ if extended.pax.keys().any(|key| key.starts_with("GNU.sparse.")) => {
                            Kind::Sparse
                        }
                        b'0' | 0 | b'7' if raw.ends_with('/') => Kind::Folder,
                        b'0' | 0 | b'7' => Kind::File,
                        b'1' => Kind::Link(link.unwrap_or(header.link)),
                        b'5' => Kind::Folder,
                        b'S' => Kind::Sparse,
                        _ => Kind::Other,
                    };
                    self.skip(length)?;
                    return Ok(Some(Entry { raw, kind, offset, length }));
                }
            }
            self.skip(length)?;
        }
    }

    /// The next block; `None` for one of zeros, which ends an archive.
    fn block(&mut self) -> Result<Option<[u8; BLOCK as usize]>, Error> {
        if self.at >= self.length {
            return match self.at {
                0 => Err(damaged(self.path, EXPECTED, "an empty file")),
                _ => Err(damaged(self.path, EXPECTED, "one without its end")),
            };
        }
        let mut block = [0; BLOCK as usize];
        if self.length - self.at < BLOCK {
            let mut start = vec![0; (self.length - self.at) as usize];
            self.file.read_exact(&mut start).map_err(Error::io(self.path, "read"))?;
            if self.at == 0 {
                return Err(damaged(self.path, EXPECTED, other(&start)));
            }
            self.at += BLOCK;
            return Err(self.wrong("an end within a header"));
        }
        self.file.read_exact(&mut block).map_err(Error::io(self.path, "read"))?;
        self.at += BLOCK;
        Ok((block != [0; BLOCK as usize]).then_some(block))
    }

    fn header(&self, block: &[u8; BLOCK as usize]) -> Result<Header, Error> {
        if Header::checksum(block) {
            return Header::of(block).ok_or_else(|| self.wrong("a size that is no number"));
        }
        if self.at == BLOCK {
            return Err(damaged(self.path, EXPECTED, other(block)));
        }
        Err(self.wrong("a damaged header"))
    }

    /// For something in the header before.
    fn wrong(&self, found: &str) -> Error {
        let at = self.at.saturating_sub(BLOCK);
        damaged(self.path, EXPECTED, format!("{found} at byte {at}"))
    }

    /// The content of a header that extends the next one.
    fn content(&mut self, length: u64) -> Result<Vec<u8>, Error> {
        if length > MAX_HEADER_BYTES || length > self.length - self.at {
            return Err(self.wrong("a header too long"));
        }
        let mut content = vec![0; length as usize];
        self.file.read_exact(&mut content).map_err(Error::io(self.path, "read"))?;
        let back = -(length as i64);
        self.file.seek_relative(back).map_err(Error::io(self.path, "read"))?;
        Ok(content)
    }

    fn text(&mut self, length: u64) -> Result<String, Error> {
        Ok(until_zero(&self.content(length)?))
    }

    /// The records of a pax header: their length in digits, a key, `=`, and a value.
    fn pax(&mut self, length: u64) -> Result<HashMap<String, String>, Error> {
        let content = self.content(length)?;
        let mut rest = content.as_slice();
        let mut records = HashMap::new();
        while !rest.is_empty() {
            let record = pax_record(rest).ok_or_else(|| self.wrong("a damaged pax header"))?;
            let (length, key, value) = record;
            records.insert(key, value);
            rest = &rest[length..];
        }
        Ok(records)
    }

    /// Goes to the header after a content of `length` bytes, which begins here.
    fn skip(&mut self, length: u64) -> Result<(), Error> {
        let padded = length.checked_next_multiple_of(BLOCK);
        let padded = padded.filter(|padded| *padded <= i64::MAX as u64);
        let next = padded.and_then(|padded| self.at.checked_add(padded));
        let (Some(padded), Some(next)) = (padded, next) else {
            return Err(self.wrong("a size beyond the end"));
        };
        self.file.seek_relative(padded as i64).map_err(Error::io(self.path, "read"))?;
        self.at = next;
        Ok(())
    }
}

/// The length of the first record in `bytes`, its key and its value.
fn pax_record(bytes: &[u8]) -> Option<(usize, String, String)> {
    let space = bytes.iter().take(20).position(|&byte| byte == b' ')?;
    let length: usize = str::from_utf8(&bytes[..space]).ok()?.parse().ok()?;
    let record = bytes.get(space + 1..length)?.strip_suffix(b"\n")?;
    let equals = record.iter().position(|&byte| byte == b'=')?;
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    Some((length, text(&record[..equals]), text(&record[equals + 1..])))
}

/// The fields of a header.
struct Header {
    name: String,
    size: u64,
    kind: u8,
    link: String,
}

impl Header {
    fn of(block: &[u8; BLOCK as usize]) -> Option<Self> {
        let mut name = until_zero(&block[..100]);
        // GNU tar has other fields in the place of the prefix.
        if &block[257..263] == b"ustar\0" && block[345] != 0 {
            name = format!("{}/{name}", until_zero(&block[345..500]));
        }
        let size = number(&block[124..136])?;
        Some(Self { name, size, kind: block[156], link: until_zero(&block[157..257]) })
    }

    /// Whether the sum of the bytes is right; some writers took them for signed.
    fn checksum(block: &[u8; BLOCK as usize]) -> bool {
        let counted = |at: usize| if (148..156).contains(&at) { b' ' } else { block[at] };
        let unsigned: u64 = (0..block.len()).map(|at| u64::from(counted(at))).sum();
        let signed: i64 = (0..block.len()).map(|at| i64::from(counted(at) as i8)).sum();
        let noted = number(&block[148..156]);
        noted.is_some_and(|noted| noted == unsigned || noted as i64 == signed)
    }

    /// Whether it extends the next header.
    fn is_extension(&self) -> bool {
        matches!(self.kind, b'L' | b'K' | b'x' | b'g')
    }
}

/// A number in octal digits, or in binary where its first bit is set.
fn number(field: &[u8]) -> Option<u64> {
    let (first, rest) = field.split_first()?;
    if first & 0x80 != 0 {
        let (high, low) = rest.split_at(rest.len().saturating_sub(8));
        // A negative one, or one beyond 64 bits, is none.
        let fits = *first == 0x80 && high.iter().all(|&byte| byte == 0);
        return fits.then(|| low.iter().fold(0, |number, &byte| number << 8 | u64::from(byte)));
    }
    let text = until_zero(field);
    match text.trim() {
        "" => Some(0),
        digits => u64::from_str_radix(digits, 8).ok(),
    }
}

fn until_zero(bytes: &[u8]) -> String {
    let end = bytes.iter().position(|&byte| byte == 0).unwrap_or(bytes.len());
    String::from_utf8_lossy(&bytes[..end]).into_owned()
}

/// What a file is that is no tar archive.
fn other(start: &[u8]) -> &'static str {
    let known = OTHERS.iter().find(|(magic, _)| start.starts_with(magic));
    known.map_or("other content", |(_, what)| what)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_octal_or_binary_in_fields_of_any_length() {
        assert_eq!(number(b"0000644\0"), Some(0o644));
        assert_eq!(number(b"        "), Some(0));
        assert_eq!(number(b"0000008\0"), None);
        assert_eq!(number(&[0x80, 0, 0, 0, 0, 1, 2]), Some(258));
        assert_eq!(number(&[0x80, 0, 0, 0, 0, 0, 1, 2]), Some(258));
        let long = [0x80, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 3];
        assert_eq!(number(&long), Some((1 << 56) + 3));
        // Beyond 64 bits, and a negative one.
        assert_eq!(number(&[0x80, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0]), None);
        assert_eq!(number(&[0xff; 12]), None);
        assert_eq!(number(&[0xff; 8]), None);
        assert_eq!(number(&[]), None);
    }
}
