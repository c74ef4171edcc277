//! Antialiased resampling of a box that is larger than the output, by `fast_image_resize`.

use fast_image_resize::images::{TypedCroppedImage, TypedImage, TypedImageRef};
use fast_image_resize::pixels::U8;
use fast_image_resize::{FilterType, ResizeAlg, ResizeOptions, Resizer};

use super::resample::Planes;
use crate::CropBox;

/// A resizer and the bytes it made. Its coefficient tables are allocated for every view.
#[derive(Default)]
pub(crate) struct Shrinker {
    resizer: Resizer,
    planes: Vec<u8>,
}

impl Shrinker {
    /// The box in `width` x `height` pixels: planes of row-major bytes.
    ///
    /// Only the pixels that the box touches are looked at, as if they had been cut out first.
    pub fn shrink(&mut self, from: Planes<'_>, crop: &CropBox, width: usize, height: usize) {
        let (left, columns, inside) = pixels(crop.left, crop.width, from.width);
        let (top, rows, below) = pixels(crop.top, crop.height, from.height);
        let options = ResizeOptions::new()
            .resize_alg(ResizeAlg::Convolution(FilterType::Bilinear))
            .crop(inside.0, below.0, inside.1, below.1);
        self.planes.resize(3 * width * height, 0);
        let sources = from.bytes.chunks_exact(from.width * from.height);
        for (source, out) in sources.zip(self.planes.chunks_exact_mut(width * height)) {
            let size = (from.width as u32, from.height as u32);
            let source = TypedImageRef::<U8>::from_buffer(size.0, size.1, source)
                .expect("a plane has width x height bytes");
            let source = TypedCroppedImage::from_ref(&source, left, top, columns, rows)
                .expect("a box lies inside its image");
            let mut out = TypedImage::<U8>::from_buffer(width as u32, height as u32, out)
                .expect("an output plane has width x height bytes");
            self.resizer
                .resize_typed(&source, &mut out, &options)
                .expect("a box lies inside the pixels it touches");
        }
    }

    /// The planes that the last call made.
    pub fn planes(&self) -> &[u8] {
        &self.planes
    }
}

/// First pixel and number of pixels that a box touches, and where the box lies in them.
fn pixels(start: f64, length: f64, limit: usize) -> (u32, u32, (f64, f64)) {
    let first = start.floor();
    let end = (start + length).ceil().min(limit as f64);
    let inside = start - first;
    let mut length = length.min(end - first - inside);
    while inside + length > end - first {
        length = length.next_down();
    }
    (first as u32, (end - first) as u32, (inside, length))
}
