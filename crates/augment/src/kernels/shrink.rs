//! Antialiased resampling of a box that is larger than the output.

use dataset::Part;
use resample::{Rectangle, Region, Resampler};

use super::FRACTION_BITS;
use crate::CropBox;

/// A resizer and the pixels it made. Its coefficient tables are allocated for every view.
#[derive(Default)]
pub(crate) struct Shrinker {
    resampler: Resampler,
    planes: Vec<i16>,
}

impl Shrinker {
    /// The box in `width` x `height` pixels: planes of row-major numbers with [`FRACTION_BITS`]
    /// fraction bits.
    ///
    /// Only the pixels that the box touches are looked at, as if they had been cut out first.
    pub fn shrink(&mut self, from: &Part<'_>, crop: &CropBox, width: usize, height: usize) {
        let (left, columns, inside) = pixels(crop.left, crop.width, from.left + from.width);
        let (top, rows, below) = pixels(crop.top, crop.height, from.top + from.height);
        let region =
            Region { left: left - from.left, top: top - from.top, width: columns, height: rows };
        let rectangle =
            Rectangle { left: inside.0, top: below.0, width: inside.1, height: below.1 };
        self.planes.resize(3 * width * height, 0);
        let sources = from.bytes.chunks_exact(from.width * from.height);
        for (source, out) in sources.zip(self.planes.chunks_exact_mut(width * height)) {
            let source = (source, (from.width, from.height));
            let out = (out, (width, height));
            self.resampler
                .resample_finely::<{ FRACTION_BITS as u32 }>(source, region, rectangle, out);
        }
    }

    /// The planes that the last call made.
    pub fn planes(&self) -> &[i16] {
        &self.planes
    }
}

/// First pixel and number of pixels that a box touches, and where the box lies in them.
fn pixels(start: f64, length: f64, limit: usize) -> (usize, usize, (f64, f64)) {
    let first = start.floor();
    let end = (start + length).ceil().min(limit as f64);
    let inside = start - first;
    let mut length = length.min(end - first - inside);
    while inside + length > end - first {
        length = length.next_down();
    }
    (first as usize, (end - first) as usize, (inside, length))
}
