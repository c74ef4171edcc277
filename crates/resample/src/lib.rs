//! Antialiased resampling of one plane of bytes, by `fast_image_resize`.
//!
//! That crate's kernels are generic and take a minute to compile wherever they are used with a new
//! kind of image. Here they are instantiated once, and not again when `dataset` changes.
//!
//! ```
//! use resample::{Rectangle, Region, Resampler};
//!
//! // Two rows of four pixels, halved in both directions.
//! let plane = [0, 80, 160, 240, 0, 80, 160, 240];
//! let whole = Region { left: 0, top: 0, width: 4, height: 2 };
//! let all = Rectangle { left: 0.0, top: 0.0, width: 4.0, height: 2.0 };
//! let mut half = [0; 2];
//! Resampler::new().resample((&plane, (4, 2)), whole, all, (&mut half, (2, 1)));
//! assert_eq!(half, [57, 183]);
//! ```

use fast_image_resize::images::{TypedCroppedImage, TypedImage, TypedImageRef};
use fast_image_resize::pixels::U8;
use fast_image_resize::{FilterType, ResizeAlg, ResizeOptions, Resizer};

/// Whole pixels of a plane.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Region {
    /// First column.
    pub left: usize,
    /// First row.
    pub top: usize,
    /// Columns.
    pub width: usize,
    /// Rows.
    pub height: usize,
}

/// A rectangle in pixels, edges anywhere.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Rectangle {
    /// Left edge.
    pub left: f64,
    /// Top edge.
    pub top: f64,
    /// Width.
    pub width: f64,
    /// Height.
    pub height: f64,
}

/// Resamples planes; keeps its buffers between calls.
#[derive(Debug, Default)]
pub struct Resampler {
    resizer: Resizer,
}

impl Resampler {
    /// A resampler that has allocated nothing yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// Fills `out`, a row-major plane of `out_size` (width, height), with what `rectangle` shows.
    ///
    /// The filter is a triangle as wide as the reduction: antialiased bilinear. `plane` is
    /// row-major, of `size` (width, height). Only pixels inside `region` are looked at, as if they
    /// had been cut out first; `rectangle` is relative to it.
    ///
    /// # Panics
    /// Where a plane's bytes don't match its size, or a part isn't inside the whole.
    pub fn resample(
        &mut self,
        (plane, size): (&[u8], (usize, usize)),
        region: Region,
        rectangle: Rectangle,
        (out, out_size): (&mut [u8], (usize, usize)),
    ) {
        let source = TypedImageRef::<U8>::from_buffer(size.0 as u32, size.1 as u32, plane)
            .expect("a plane has width x height bytes");
        let mut target = TypedImage::<U8>::from_buffer(out_size.0 as u32, out_size.1 as u32, out)
            .expect("an output plane has width x height bytes");
        let [left, top, width, height] =
            [region.left, region.top, region.width, region.height].map(|side| side as u32);
        let source = TypedCroppedImage::from_ref(&source, left, top, width, height)
            .expect("a region lies inside its plane");
        let Rectangle { left, top, width, height } = rectangle;
        let options = ResizeOptions::new()
            .resize_alg(ResizeAlg::Convolution(FilterType::Bilinear))
            .crop(left, top, width, height);
        let resized = self.resizer.resize_typed(&source, &mut target, &options);
        resized.expect("a rectangle lies inside its region");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const WHOLE: Region = Region { left: 0, top: 0, width: 4, height: 2 };

    #[test]
    fn halving_averages_with_a_triangle() {
        // Reduction 2: taps 1/8, 3/8, 3/8, 1/8, renormalized where the border cuts them.
        let mut out = [0u8; 2];
        let rectangle = Rectangle { left: 0.0, top: 0.0, width: 4.0, height: 2.0 };
        let plane = [0, 80, 160, 240, 0, 80, 160, 240];
        Resampler::new().resample((&plane, (4, 2)), WHOLE, rectangle, (&mut out, (2, 1)));
        // (3 * 0 + 3 * 80 + 160) / 7 and its mirror image.
        assert_eq!(out, [57, 183]);
    }

    #[test]
    fn pixels_outside_of_the_region_are_not_seen() {
        let plane = [255, 10, 10, 255, 255, 10, 10, 255];
        let region = Region { left: 1, top: 0, width: 2, height: 2 };
        let rectangle = Rectangle { left: 0.0, top: 0.0, width: 2.0, height: 2.0 };
        let mut out = [0u8; 9];
        Resampler::new().resample((&plane, (4, 2)), region, rectangle, (&mut out, (3, 3)));
        assert_eq!(out, [10; 9]);
    }
}
