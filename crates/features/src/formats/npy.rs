//! NumPy `.npy`, with the images' metadata in a CSV file of the same name.
//!
//! # Reference
//! <https://numpy.org/doc/stable/reference/generated/numpy.lib.format.html>, format version 1.0.

use std::io::{self, Write};
use std::ops::Range;

use files::AtomicFile;

use super::csv::Csv;
use crate::Table;
use crate::sink::Sink;

/// The array begins at a multiple of this.
const ALIGNMENT: usize = 64;

/// The features as an array, `[images, features]` or `[images, patches, features of a patch]`,
/// little-endian f32.
pub(crate) struct Npy<'a> {
    file: AtomicFile,
    beside: Box<Csv<'a>>,
}

impl<'a> Npy<'a> {
    /// Writes the head; the number of images is known.
    pub fn new(mut file: AtomicFile, beside: AtomicFile, table: &'a Table<'a>) -> io::Result<Self> {
        file.write_all(&head(&table.shape()))?;
        let beside = Box::new(Csv::new(beside, table, false)?);
        Ok(Self { file, beside })
    }
}

impl Sink for Npy<'_> {
    fn write(&mut self, rows: Range<usize>, features: &[f32]) -> io::Result<()> {
        self.beside.write(rows, features)?;
        write_floats(&mut self.file, features)
    }

    fn finish(self: Box<Self>) -> io::Result<Vec<AtomicFile>> {
        let Self { file, beside } = *self;
        let mut files = beside.finish()?;
        files.push(file);
        Ok(files)
    }
}

/// Magic number, version, length, and what the array is as a Python dictionary, padded.
fn head(shape: &[usize]) -> Vec<u8> {
    let sizes: Vec<String> = shape.iter().map(usize::to_string).collect();
    let sizes = sizes.join(", ");
    let mut text = format!("{{'descr': '<f4', 'fortran_order': False, 'shape': ({sizes}), }}");
    let before = b"\x93NUMPY\x01\x00".len() + 2;
    let length = (before + text.len() + 1).next_multiple_of(ALIGNMENT) - before;
    while text.len() + 1 < length {
        text.push(' ');
    }
    text.push('\n');
    let length = (length as u16).to_le_bytes();
    [b"\x93NUMPY\x01\x00", &length[..], text.as_bytes()].concat()
}

/// Writes numbers as little-endian bytes.
pub(crate) fn write_floats(file: &mut impl Write, numbers: &[f32]) -> io::Result<()> {
    numbers.iter().try_for_each(|number| file.write_all(&number.to_le_bytes()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_head_is_that_of_the_format() {
        for (shape, written) in [
            (&[3, 2][..], "3, 2"),
            (&[1_000_000, 2048], "1000000, 2048"),
            (&[usize::MAX; 2], "18446744073709551615, 18446744073709551615"),
            (&[5, 9, 192], "5, 9, 192"),
        ] {
            let head = head(shape);
            assert_eq!(&head[..8], b"\x93NUMPY\x01\x00");
            assert_eq!(usize::from(u16::from_le_bytes([head[8], head[9]])), head.len() - 10);
            assert_eq!(head.len() % ALIGNMENT, 0);
            let text = std::str::from_utf8(&head[10..]).unwrap();
            assert!(text.contains(&format!("'shape': ({written}), }}")), "{text}");
            assert!(text.ends_with('\n') && text.trim_end().ends_with('}'), "{text}");
        }
    }
}
