//! A borrowed image: three planes of bytes, with the order that they have on disk.

use crate::transpose::transpose;

/// How the pixels of one plane follow each other.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum PixelOrder {
    /// Left to right, then top to bottom.
    RowMajor,
    /// Top to bottom, then left to right: STL-10's order.
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

impl<'a> Image<'a> {
    /// The planes in row-major order: borrowed where they already are, else transposed into `scratch`.
    ///
    /// This is the one place where column-major planes are turned.
    pub fn row_major<'s>(&self, scratch: &'s mut Vec<u8>) -> &'s [u8]
    where
        'a: 's,
    {
        match self.order {
            PixelOrder::RowMajor => self.bytes,
            PixelOrder::ColumnMajor => {
                let (width, height) = (self.width, self.height);
                scratch.resize(self.bytes.len(), 0);
                let planes = self.bytes.chunks_exact(width * height);
                for (from, to) in planes.zip(scratch.chunks_exact_mut(width * height)) {
                    transpose(from, to, height, width);
                }
                scratch
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn column_major_planes_of_a_wide_image_become_rows() {
        // Two columns of three rows a plane: 0 1 2 | 3 4 5, then the same plus 10 and plus 20.
        let bytes: Vec<u8> = [0, 10, 20]
            .iter()
            .flat_map(|plane| (0..6).map(move |i| plane + i))
            .collect();
        let image = Image {
            bytes: &bytes,
            width: 2,
            height: 3,
            order: PixelOrder::ColumnMajor,
        };
        let mut scratch = Vec::new();
        let expected = [
            0, 3, 1, 4, 2, 5, 10, 13, 11, 14, 12, 15, 20, 23, 21, 24, 22, 25,
        ];
        assert_eq!(image.row_major(&mut scratch), expected);
    }

    #[test]
    fn row_major_planes_are_borrowed() {
        let bytes: Vec<u8> = (0..18).collect();
        let image = Image {
            bytes: &bytes,
            width: 3,
            height: 2,
            order: PixelOrder::RowMajor,
        };
        let mut scratch = Vec::new();
        assert!(std::ptr::eq(image.row_major(&mut scratch), &bytes[..]));
        assert!(scratch.is_empty());
    }
}
