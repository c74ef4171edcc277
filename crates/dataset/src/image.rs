//! Borrowed images: planes of `u8` in the pixel order of the file.

use std::ops::Range;

use ::image::{Rgb, RgbImage};

use crate::transpose::transpose;

/// Pixel order of a plane.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum PixelOrder {
    /// Rows, from top to bottom.
    RowMajor,
    /// Columns, from left to right: STL-10's order.
    ColumnMajor,
}

/// One RGB image of `3 * height * width` bytes: a red, a green and a blue plane.
#[derive(Clone, Copy, Debug)]
pub struct Image<'a> {
    /// The planes, one after the other; `u8` in 0..=255.
    pub bytes: &'a [u8],
    /// Width in pixels.
    pub width: usize,
    /// Height in pixels.
    pub height: usize,
    /// The order inside each plane.
    pub order: PixelOrder,
}

/// Row-major planes of a rectangle of an image.
#[derive(Clone, Copy, Debug)]
pub struct Part<'a> {
    /// Three planes of `height` rows of `width` bytes.
    pub bytes: &'a [u8],
    /// First column, in pixels of the image.
    pub left: usize,
    /// First row, in pixels of the image.
    pub top: usize,
    /// Columns of a plane.
    pub width: usize,
    /// Rows of a plane.
    pub height: usize,
}

/// Parts are turned in whole blocks of this side, in which turning is fastest.
const BLOCK: usize = 16;

impl<'a> Image<'a> {
    /// The planes in row-major order: borrowed where they already are, else transposed into
    /// `scratch`.
    ///
    /// # Panics
    /// If `bytes` has another length than `3 * height * width`.
    pub fn row_major<'s>(&self, scratch: &'s mut Vec<u8>) -> &'s [u8]
    where
        'a: 's,
    {
        self.row_major_part(0..self.width, 0..self.height, scratch).bytes
    }

    /// Row-major planes with at least the columns and rows asked for: the whole image, borrowed,
    /// where it is row-major already, else a little more than was asked for, transposed into
    /// `scratch`.
    ///
    /// This is the one place where column-major planes are turned.
    ///
    /// # Panics
    /// If the part is empty or not inside the image, or `bytes` has another length than
    /// `3 * height * width`.
    pub fn row_major_part<'s>(
        &self,
        columns: Range<usize>,
        rows: Range<usize>,
        scratch: &'s mut Vec<u8>,
    ) -> Part<'s>
    where
        'a: 's,
    {
        let (width, height) = (self.width, self.height);
        assert_eq!(self.bytes.len(), 3 * width * height, "{width}x{height}");
        let columns = whole_blocks(columns, width);
        let rows = whole_blocks(rows, height);
        if self.order == PixelOrder::RowMajor {
            return Part { bytes: self.bytes, left: 0, top: 0, width, height };
        }
        let area = columns.len() * rows.len();
        scratch.resize(3 * area, 0);
        let planes = self.bytes.chunks_exact(width * height);
        for (plane, to) in planes.zip(scratch.chunks_exact_mut(area)) {
            let from = &plane[columns.start * height + rows.start..];
            transpose(from, height, to, rows.len(), columns.len());
        }
        Part {
            bytes: scratch,
            left: columns.start,
            top: rows.start,
            width: columns.len(),
            height: rows.len(),
        }
    }
}

impl From<Image<'_>> for RgbImage {
    fn from(image: Image<'_>) -> Self {
        let (width, height) = (image.width, image.height);
        let mut scratch = Vec::new();
        let planes = image.row_major(&mut scratch);
        Self::from_fn(width as u32, height as u32, |x, y| {
            let at = y as usize * width + x as usize;
            Rgb(std::array::from_fn(|channel| planes[channel * width * height + at]))
        })
    }
}

/// The range, extended to multiples of [`BLOCK`] where `limit` allows it.
fn whole_blocks(range: Range<usize>, limit: usize) -> Range<usize> {
    assert!(range.start < range.end && range.end <= limit, "{range:?} of {limit}");
    range.start / BLOCK * BLOCK..range.end.next_multiple_of(BLOCK).min(limit)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn column_major_planes_of_a_wide_image_become_rows() {
        // Two columns of three rows a plane: 0 1 2 | 3 4 5, then the same plus 10 and plus 20.
        let bytes: Vec<u8> =
            [0, 10, 20].iter().flat_map(|plane| (0..6).map(move |i| plane + i)).collect();
        let image = Image { bytes: &bytes, width: 2, height: 3, order: PixelOrder::ColumnMajor };
        let mut scratch = Vec::new();
        let expected = [0, 3, 1, 4, 2, 5, 10, 13, 11, 14, 12, 15, 20, 23, 21, 24, 22, 25];
        assert_eq!(image.row_major(&mut scratch), expected);
        let rgb = RgbImage::from(image);
        assert_eq!(rgb.dimensions(), (2, 3));
        assert_eq!(rgb.get_pixel(1, 0).0, [3, 13, 23]);
        assert_eq!(rgb.get_pixel(0, 2).0, [2, 12, 22]);
    }

    #[test]
    fn a_part_holds_the_pixels_of_the_whole() {
        let (width, height) = (50, 37);
        let bytes: Vec<u8> = (0..3 * width * height).map(|i: usize| (i * 7 % 251) as u8).collect();
        let image = Image { bytes: &bytes, width, height, order: PixelOrder::ColumnMajor };
        let mut whole = Vec::new();
        let whole = image.row_major(&mut whole);
        for (columns, rows) in [(0..1, 0..1), (17..33, 15..16), (49..50, 36..37), (5..50, 0..37)] {
            let mut scratch = Vec::new();
            let part = image.row_major_part(columns.clone(), rows.clone(), &mut scratch);
            for plane in 0..3 {
                for y in rows.clone() {
                    for x in columns.clone() {
                        let at = (plane * part.height + y - part.top) * part.width + x - part.left;
                        let expected = whole[(plane * height + y) * width + x];
                        assert_eq!(part.bytes[at], expected, "plane {plane} ({x}, {y})");
                    }
                }
            }
        }
    }

    #[test]
    fn row_major_planes_are_borrowed() {
        let bytes: Vec<u8> = (0..18).collect();
        let image = Image { bytes: &bytes, width: 3, height: 2, order: PixelOrder::RowMajor };
        let mut scratch = Vec::new();
        assert!(std::ptr::eq(image.row_major(&mut scratch), &bytes[..]));
        assert!(scratch.is_empty());
    }
}
