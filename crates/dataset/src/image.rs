//! A borrowed image: three planes of bytes, with the order that they have on disk.

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
                    for (x, column) in from.chunks_exact(height).enumerate() {
                        for (y, &value) in column.iter().enumerate() {
                            to[y * width + x] = value;
                        }
                    }
                }
                scratch
            }
        }
    }
}
