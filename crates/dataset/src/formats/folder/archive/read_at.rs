//! Reading a part of an archive, and what is said of damage.

use std::fs::File;
use std::io::{Read, Seek, SeekFrom};
use std::path::Path;

use crate::Error;
use crate::formats::folder::decode::{self, MAX_FILE_BYTES};

/// Reads `length` bytes at `offset`; both were checked against the length of the archive.
pub(super) fn read_at(
    path: &Path,
    file: &mut File,
    offset: u64,
    length: u64,
) -> Result<Vec<u8>, Error> {
    if length > MAX_FILE_BYTES {
        let expected = format!("at most {MAX_FILE_BYTES} bytes");
        return Err(Error::Length { path: path.to_owned(), expected, found_bytes: length });
    }
    file.seek(SeekFrom::Start(offset)).map_err(Error::io(path, "read"))?;
    let mut bytes = decode::buffer(path, length)?;
    file.take(length).read_to_end(&mut bytes).map_err(Error::io(path, "read"))?;
    if bytes.len() as u64 != length {
        let found = format!("its archive cut off after {} bytes of it", bytes.len());
        return Err(Error::Changed { path: path.to_owned(), found });
    }
    Ok(bytes)
}

/// For an archive that can't be read.
pub(super) fn damaged(path: &Path, expected: &'static str, found: impl Into<String>) -> Error {
    Error::Archive { path: path.to_owned(), expected, found: found.into() }
}
