//! Looks at the headers of pages before memory is allocated for what they say.
//!
//! A page begins with its length before and after compression, and the library makes room for both.
//! A damaged file of a few bytes could ask for gigabytes.
//!
//! # Reference
//! `PageHeader` of <https://github.com/apache/parquet-format>, `src/main/thrift/parquet.thrift`,
//! written as <https://github.com/apache/thrift/blob/master/doc/specs/thrift-compact-protocol.md>.

use std::fs::File;
use std::io::{BufReader, Read, Seek, SeekFrom};

use parquet::basic::Compression;
use parquet::errors::ParquetError;
use parquet::file::metadata::ParquetMetaData;

use crate::formats::folder::decode::MAX_FILE_BYTES;

/// How many times as long as its compressed form a page can be, beside a few bytes.
const MOST_OF_SNAPPY: u64 = 24;
const MOST_OF_GZIP: u64 = 1040;
const BESIDE: u64 = 1024;

/// The deepest structure in a header.
const DEPTH: usize = 8;

/// Checks the pages of some columns of a file of `length` bytes.
///
/// # Errors
/// If a page is not inside the file, or says of itself to be longer than it can become.
pub(super) fn check(
    file: &File,
    metadata: &ParquetMetaData,
    columns: &[usize],
    length: u64,
) -> Result<(), ParquetError> {
    let mut reader = BufReader::new(file);
    for group in metadata.row_groups() {
        for &column in columns {
            let chunk = group.column(column);
            let most = match chunk.compression() {
                Compression::UNCOMPRESSED => 1,
                Compression::SNAPPY => MOST_OF_SNAPPY,
                _ => MOST_OF_GZIP,
            };
            // Not `byte_range`, which panics where one of them is negative.
            let place = chunk.dictionary_page_offset().unwrap_or(chunk.data_page_offset());
            let bytes = chunk.compressed_size();
            let [start, end] = range(place, bytes, length)
                .ok_or_else(|| wrong(format!("a column of {bytes} bytes at byte {place}")))?;
            let mut at = start;
            while at < end {
                reader.seek(SeekFrom::Start(at))?;
                let [whole, compressed] = Header { reader: &mut reader }.lengths()?;
                at = reader.stream_position()?;
                let room = compressed.saturating_mul(most).saturating_add(BESIDE);
                if compressed > end.saturating_sub(at) || whole > room.min(MAX_FILE_BYTES) {
                    let found = format!("a page of {whole} bytes, compressed to {compressed}");
                    return Err(wrong(found));
                }
                at += compressed;
            }
        }
    }
    Ok(())
}

/// The start and the end of `bytes` at `place`, if they are inside a file of `length` bytes.
fn range(place: i64, bytes: i64, length: u64) -> Option<[u64; 2]> {
    let (start, bytes) = (u64::try_from(place).ok()?, u64::try_from(bytes).ok()?);
    let end = start.checked_add(bytes).filter(|end| *end <= length)?;
    Some([start, end])
}

fn wrong(found: String) -> ParquetError {
    ParquetError::General(found)
}

/// The header of a page.
struct Header<'a, R> {
    reader: &'a mut R,
}

impl<R: Read + Seek> Header<'_, R> {
    /// Reads it: the lengths of the page, before and after compression.
    fn lengths(&mut self) -> Result<[u64; 2], ParquetError> {
        let mut lengths = [None; 2];
        let mut field = 0;
        loop {
            let byte = self.byte()?;
            if byte == 0 {
                break;
            }
            let kind = byte & 15;
            match byte >> 4 {
                0 => field = self.zigzag()?,
                step => field += i64::from(step),
            }
            match (field, kind) {
                (2 | 3, 5) => {
                    let value = u64::try_from(self.zigzag()?).ok();
                    lengths[field as usize - 2] = value;
                }
                _ => self.skip(kind, DEPTH)?,
            }
        }
        match lengths {
            [Some(whole), Some(compressed)] => Ok([whole, compressed]),
            _ => Err(wrong("a page without its length".to_owned())),
        }
    }

    /// Skips a value.
    fn skip(&mut self, kind: u8, depth: usize) -> Result<(), ParquetError> {
        if depth == 0 {
            return Err(wrong("a header of too many levels".to_owned()));
        }
        match kind {
            // Of a field, the kind is the value.
            1 | 2 => {}
            3 => drop(self.byte()?),
            4..=6 => drop(self.zigzag()?),
            7 => self.forward(8)?,
            8 => {
                let bytes = self.varint()?;
                self.forward(bytes)?;
            }
            9 | 10 => {
                let byte = self.byte()?;
                let count = if byte >> 4 == 15 { self.varint()? } else { u64::from(byte >> 4) };
                for _ in 0..count {
                    match byte & 15 {
                        // In a list, a byte each.
                        1 | 2 => drop(self.byte()?),
                        kind => self.skip(kind, depth - 1)?,
                    }
                }
            }
            12 => loop {
                let byte = self.byte()?;
                if byte == 0 {
                    break;
                }
                if byte >> 4 == 0 {
                    self.zigzag()?;
                }
                self.skip(byte & 15, depth - 1)?;
            },
            kind => return Err(wrong(format!("a header with a value of kind {kind}"))),
        }
        Ok(())
    }

    fn forward(&mut self, bytes: u64) -> Result<(), ParquetError> {
        let bytes = i64::try_from(bytes).map_err(|_| wrong("a header without end".to_owned()))?;
        self.reader.seek(SeekFrom::Current(bytes))?;
        Ok(())
    }

    fn byte(&mut self) -> Result<u8, ParquetError> {
        let mut byte = [0];
        self.reader.read_exact(&mut byte)?;
        Ok(byte[0])
    }

    fn varint(&mut self) -> Result<u64, ParquetError> {
        let mut value = 0;
        for shift in (0..64).step_by(7) {
            let byte = self.byte()?;
            value |= u64::from(byte & 127) << shift;
            if byte < 128 {
                return Ok(value);
            }
        }
        Err(wrong("a number without end".to_owned()))
    }

    fn zigzag(&mut self) -> Result<i64, ParquetError> {
        let value = self.varint()?;
        Ok((value >> 1) as i64 ^ -((value & 1) as i64))
    }
}

#[cfg(test)]
mod tests {
    use std::io::Cursor;

    use super::*;

    fn lengths(bytes: &[u8]) -> Result<[u64; 2], ParquetError> {
        Header { reader: &mut Cursor::new(bytes) }.lengths()
    }

    #[test]
    fn lengths_are_found_among_other_fields() {
        // Type 0, lengths 300 and 7, a structure with a number, a list, and bytes; the end.
        let header = [
            0x15, 0, 0x15, 0xd8, 0x04, 0x15, 14, 0x2c, 0x15, 2, 0x29, 0x25, 2, 4, 0x18, 2, 9, 9, 0,
            0,
        ];
        assert_eq!(lengths(&header).unwrap(), [300, 7]);
        for end in 0..header.len() {
            lengths(&header[..end]).unwrap_err();
        }
    }

    #[test]
    fn columns_lie_inside_the_file() {
        assert_eq!(range(4, 6, 10), Some([4, 10]));
        for (place, bytes) in [(4, 7), (11, 0), (-1, 5), (1, -1), (i64::MAX, i64::MAX)] {
            assert_eq!(range(place, bytes, 10), None, "{bytes} bytes at {place}");
        }
    }

    #[test]
    fn what_is_no_header_is_an_error() {
        // No lengths, a negative one, endless levels, a number and a list without end.
        lengths(&[0]).unwrap_err();
        lengths(&[0x25, 1, 0x15, 2, 0]).unwrap_err();
        lengths(&[0x1c; 100]).unwrap_err();
        lengths(&[0xff; 100]).unwrap_err();
        lengths(&[0x19, 0xf5, 0xff, 0xff, 0xff, 0xff, 0x7f]).unwrap_err();
    }
}
