//! Bringing images to the one size of a set: shorter side to the size, then the centre.

use ::image::RgbImage;
use fast_image_resize::images::{TypedImage, TypedImageRef};
use fast_image_resize::pixels::{InnerPixel, U8, U8x3};
use fast_image_resize::{FilterType, PixelTrait, ResizeAlg, ResizeOptions, Resizer};

use crate::Error;

/// Width and height in pixels.
type Size = (usize, usize);

/// Checks a size that was asked for.
pub(crate) fn check_size(size: usize) -> Result<(), Error> {
    if (8..=4096).contains(&size) {
        return Ok(());
    }
    Err(Error::Argument {
        name: "image size",
        expected: "8 to 4096 pixels".into(),
        found: size.to_string(),
    })
}

/// Crops centres and resizes them with a triangle filter as wide as the reduction (antialiased bilinear).
///
/// Cropping the source first and resizing once gives what resizing and then cropping would, but whole sides
/// need no rounding to pixels. Keeps its buffers between images.
pub(crate) struct Fitter {
    resizer: Resizer,
    options: ResizeOptions,
    /// Interleaved pixels of the fitted image.
    fitted: Vec<u8>,
}

impl Fitter {
    pub fn new() -> Self {
        let options = ResizeOptions::new()
            .resize_alg(ResizeAlg::Convolution(FilterType::Bilinear))
            .fit_into_destination(Some((0.5, 0.5)))
            .use_alpha(false);
        Self {
            resizer: Resizer::new(),
            options,
            fitted: Vec::new(),
        }
    }

    /// Row-major planes of `from_size` to row-major planes of `to_size`, each (width, height).
    pub fn fit_planes(&mut self, planes: &[u8], from_size: Size, out: &mut [u8], to_size: Size) {
        let (from_area, to_area) = (from_size.0 * from_size.1, to_size.0 * to_size.1);
        for (from, to) in planes
            .chunks_exact(from_area)
            .zip(out.chunks_exact_mut(to_area))
        {
            self.resize::<U8>(from, from_size, to, to_size);
        }
    }

    /// Interleaved pixels to row-major planes of `size` x `size`.
    pub fn fit_pixels(&mut self, image: &RgbImage, out: &mut [u8], size: usize) {
        let from_size = (image.width() as usize, image.height() as usize);
        if from_size == (size, size) {
            return to_planes(image.as_raw(), out);
        }
        let mut fitted = std::mem::take(&mut self.fitted);
        fitted.resize(3 * size * size, 0);
        self.resize::<U8x3>(image.as_raw(), from_size, &mut fitted, (size, size));
        to_planes(&fitted, out);
        self.fitted = fitted;
    }

    /// Generic over the pixel, so that only the kernels of these two kinds are compiled.
    fn resize<P: PixelTrait + InnerPixel>(
        &mut self,
        from: &[u8],
        from_size: Size,
        to: &mut [u8],
        to_size: Size,
    ) {
        let source = TypedImageRef::<P>::from_buffer(from_size.0 as u32, from_size.1 as u32, from)
            .expect("a whole image");
        let mut target = TypedImage::<P>::from_buffer(to_size.0 as u32, to_size.1 as u32, to)
            .expect("a whole image");
        self.resizer
            .resize_typed(&source, &mut target, &self.options)
            .expect("sides above zero");
    }
}

fn to_planes(pixels: &[u8], out: &mut [u8]) {
    let (red, rest) = out.split_at_mut(out.len() / 3);
    let (green, blue) = rest.split_at_mut(rest.len() / 2);
    for (((pixel, red), green), blue) in pixels
        .as_chunks::<3>()
        .0
        .iter()
        .zip(red)
        .zip(green)
        .zip(blue)
    {
        [*red, *green, *blue] = *pixel;
    }
}
