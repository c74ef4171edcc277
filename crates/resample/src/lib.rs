//! Antialiased resampling of one plane of bytes, by `fast_image_resize`.
//!
//! That crate's kernels are generic and take a minute to compile wherever they are used with a new
//! kind of image. Here they are instantiated once: to bytes for `dataset`, to fixed-point numbers
//! for `augment`, which goes on computing with them.
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
use fast_image_resize::pixels::{InnerPixel, U8, U16};
use fast_image_resize::{FilterType, PixelTrait, ResizeAlg, ResizeOptions, Resizer};

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
    /// A region as fixed-point numbers, and what became of it.
    fine: [Vec<U16>; 2],
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
        run(&mut self.resizer, &source, region, rectangle, &mut target);
    }

    /// As [`resample`](Self::resample), to fixed-point numbers with `BITS` fraction bits: what a
    /// byte would round away stays.
    ///
    /// # Panics
    /// Where a plane's length doesn't match its size, or a part isn't inside the whole.
    pub fn resample_finely<const BITS: u32>(
        &mut self,
        (plane, size): (&[u8], (usize, usize)),
        region: Region,
        rectangle: Rectangle,
        (out, out_size): (&mut [i16], (usize, usize)),
    ) {
        const { assert!(BITS <= 7, "a byte and its fraction fit in an i16") };
        assert_eq!(plane.len(), size.0 * size.1, "bytes of a plane");
        let [source, target] = &mut self.fine;
        source.clear();
        for row in plane.chunks_exact(size.0).skip(region.top).take(region.height) {
            let row = &row[region.left..][..region.width];
            source.extend(row.iter().map(|&byte| U16::new(u16::from(byte) << BITS)));
        }
        target.resize(out.len(), U16::new(0));
        let source = TypedImageRef::new(region.width as u32, region.height as u32, source)
            .expect("a region lies inside its plane");
        let (width, height) = (out_size.0 as u32, out_size.1 as u32);
        let mut image = TypedImage::from_pixels_slice(width, height, target)
            .expect("an output plane has width x height numbers");
        let whole = Region { left: 0, top: 0, ..region };
        run(&mut self.resizer, &source, whole, rectangle, &mut image);
        for (out, value) in out.iter_mut().zip(target) {
            *out = value.0 as i16;
        }
    }
}

/// Fills `target` with what `rectangle` shows of the `region` of `source`.
fn run<P: InnerPixel + PixelTrait>(
    resizer: &mut Resizer,
    source: &TypedImageRef<'_, P>,
    region: Region,
    rectangle: Rectangle,
    target: &mut TypedImage<'_, P>,
) {
    let [left, top, width, height] =
        [region.left, region.top, region.width, region.height].map(|side| side as u32);
    let source = TypedCroppedImage::from_ref(source, left, top, width, height)
        .expect("a region lies inside its plane");
    let Rectangle { left, top, width, height } = rectangle;
    let options = ResizeOptions::new()
        .resize_alg(ResizeAlg::Convolution(FilterType::Bilinear))
        .crop(left, top, width, height);
    resizer.resize_typed(&source, target, &options).expect("a rectangle lies inside its region");
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
        let mut fine = [0i16; 2];
        let mut resampler = Resampler::new();
        resampler.resample_finely::<4>((&plane, (4, 2)), WHOLE, rectangle, (&mut fine, (2, 1)));
        // 57.14 and 182.86 in sixteenths.
        assert_eq!(fine, [914, 2926]);
    }

    #[test]
    fn pixels_outside_of_the_region_are_not_seen() {
        let plane = [255, 10, 10, 255, 255, 10, 10, 255];
        let region = Region { left: 1, top: 0, width: 2, height: 2 };
        let rectangle = Rectangle { left: 0.0, top: 0.0, width: 2.0, height: 2.0 };
        let mut out = [0u8; 9];
        Resampler::new().resample((&plane, (4, 2)), region, rectangle, (&mut out, (3, 3)));
        assert_eq!(out, [10; 9]);
        let mut fine = [0i16; 9];
        let mut resampler = Resampler::new();
        resampler.resample_finely::<4>((&plane, (4, 2)), region, rectangle, (&mut fine, (3, 3)));
        assert_eq!(fine, [160; 9]);
    }
}
