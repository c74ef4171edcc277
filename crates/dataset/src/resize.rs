//! Resizes images to the size of a set: shorter side to that size, then a center crop.

use ::image::metadata::Orientation;
use ::image::{DynamicImage, GrayImage, RgbImage};
use resample::{Rectangle, Region, Resampler};

use crate::Error;
use crate::memory::Reservation;

/// Planes of a source up to this length are kept for the next image.
const KEPT_BYTES: usize = 64 << 20;

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

/// What a file gave, not yet turned upright.
#[derive(Debug)]
pub(crate) struct DecodedImage {
    pub pixels: RgbImage,
    /// Width and height of the image in these pixels. An image that was reduced in decoding may
    /// fill its last column and row in part.
    pub extent: (f64, f64),
    /// The turn that makes it upright.
    pub orientation: Orientation,
    /// The memory for it and for the planes made of it.
    pub _reservation: Reservation,
}

/// Row-major planes of one image: red, green, blue.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Planes {
    pub bytes: Vec<u8>,
    /// In pixels.
    pub width: usize,
    pub height: usize,
}

/// Crops centers and resizes them with a triangle filter as wide as the reduction (antialiased
/// bilinear).
///
/// Cropping the source first and resizing once gives what resizing and then cropping would, but
/// whole sides need no rounding to pixels. Keeps its buffers between images.
#[derive(Default)]
pub(crate) struct Resizer {
    resampler: Resampler,
    /// Planes of the source.
    planes: Vec<u8>,
}

impl Resizer {
    pub fn new() -> Self {
        Self::default()
    }

    /// Row-major planes of `from_size` to row-major planes of `to_size`, each (width, height).
    pub fn fit_planes(&mut self, planes: &[u8], from_size: Size, out: &mut [u8], to_size: Size) {
        let extent = (from_size.0 as f64, from_size.1 as f64);
        self.fit_extent(planes, from_size, extent, out, to_size);
    }

    /// As [`fit_planes`](Self::fit_planes), of images that fill `extent` of the source alone, from
    /// the top left corner.
    fn fit_extent(
        &mut self,
        planes: &[u8],
        from_size: Size,
        extent: (f64, f64),
        out: &mut [u8],
        to_size: Size,
    ) {
        let region = Region { left: 0, top: 0, width: from_size.0, height: from_size.1 };
        let rectangle = center(extent, to_size);
        let from = planes.chunks_exact(from_size.0 * from_size.1);
        for (from, to) in from.zip(out.chunks_exact_mut(to_size.0 * to_size.1)) {
            self.resampler.resample((from, from_size), region, rectangle, (to, to_size));
        }
    }

    /// A decoded image to row-major planes of `size` x `size`, upright.
    pub fn fit_image(&mut self, image: &DecodedImage, out: &mut [u8], size: usize) {
        let DecodedImage { pixels, extent, orientation, .. } = image;
        let from_size = (pixels.width() as usize, pixels.height() as usize);
        if from_size == (size, size) && *extent == (size as f64, size as f64) {
            to_planes(pixels.as_raw(), out);
        } else {
            let mut planes = std::mem::take(&mut self.planes);
            planes.resize(pixels.as_raw().len(), 0);
            to_planes(pixels.as_raw(), &mut planes);
            self.fit_extent(&planes, from_size, *extent, out, (size, size));
            if planes.len() <= KEPT_BYTES {
                self.planes = planes;
            }
        }
        turn_upright(out, (size, size), *orientation);
    }

    /// A decoded image to row-major planes of all of it, upright. Its shorter side becomes `side`
    /// where it is longer.
    pub fn fit_whole(&mut self, image: &DecodedImage, out: &mut Planes, side: usize) {
        let DecodedImage { pixels, extent, orientation, .. } = image;
        let from_size = (pixels.width() as usize, pixels.height() as usize);
        let scale = (side as f64 / extent.0.min(extent.1)).min(1.0);
        let scaled = |length: f64| (length * scale).round().max(1.0) as usize;
        let to_size = (scaled(extent.0), scaled(extent.1));
        out.bytes.resize(3 * to_size.0 * to_size.1, 0);
        if to_size == from_size && *extent == (to_size.0 as f64, to_size.1 as f64) {
            to_planes(pixels.as_raw(), &mut out.bytes);
        } else {
            let mut planes = std::mem::take(&mut self.planes);
            planes.resize(pixels.as_raw().len(), 0);
            to_planes(pixels.as_raw(), &mut planes);
            let region = Region { left: 0, top: 0, width: from_size.0, height: from_size.1 };
            let all = Rectangle { left: 0.0, top: 0.0, width: extent.0, height: extent.1 };
            let from = planes.chunks_exact(from_size.0 * from_size.1);
            for (from, to) in from.zip(out.bytes.chunks_exact_mut(to_size.0 * to_size.1)) {
                self.resampler.resample((from, from_size), region, all, (to, to_size));
            }
            self.planes = planes;
        }
        (out.width, out.height) = turn_upright(&mut out.bytes, to_size, *orientation);
    }
}

/// Turns row-major planes of `size` upright; their size then.
fn turn_upright(planes: &mut [u8], size: Size, orientation: Orientation) -> Size {
    if orientation == Orientation::NoTransforms {
        return size;
    }
    let (width, height) = (size.0 as u32, size.1 as u32);
    let mut turned = size;
    for plane in planes.chunks_exact_mut(size.0 * size.1) {
        let upright = GrayImage::from_raw(width, height, plane.to_vec());
        let mut upright = DynamicImage::from(upright.expect("a plane is as large"));
        upright.apply_orientation(orientation);
        turned = (upright.width() as usize, upright.height() as usize);
        plane.copy_from_slice(upright.as_bytes());
    }
    turned
}

/// The largest centered part of an image of a width and height with the proportions of `to`.
fn center((width, height): (f64, f64), to: Size) -> Rectangle {
    let scale = (width / to.0 as f64).min(height / to.1 as f64);
    let inner = ((to.0 as f64 * scale).min(width), (to.1 as f64 * scale).min(height));
    let (left, top) = ((width - inner.0) / 2.0, (height - inner.1) / 2.0);
    Rectangle { left, top, width: inner.0, height: inner.1 }
}

fn to_planes(pixels: &[u8], out: &mut [u8]) {
    let (red, rest) = out.split_at_mut(out.len() / 3);
    let (green, blue) = rest.split_at_mut(rest.len() / 2);
    for (((pixel, red), green), blue) in
        pixels.as_chunks::<3>().0.iter().zip(red).zip(green).zip(blue)
    {
        [*red, *green, *blue] = *pixel;
    }
}
