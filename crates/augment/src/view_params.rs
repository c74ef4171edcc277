//! Sampled parameters of a view.

use std::ops::Range;

/// A rectangle of the source image in pixels; edges need not fall on whole pixels.
///
/// Pixel `i` covers `i..i + 1`, so `left = 0, width = image width` is the whole width.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct CropBox {
    /// Distance of the upper edge from the image's, in pixels.
    pub top: f64,
    /// Distance of the left edge from the image's, in pixels.
    pub left: f64,
    /// Height in pixels, above 0.
    pub height: f64,
    /// Width in pixels, above 0.
    pub width: f64,
}

impl CropBox {
    /// All of an image of `width` x `height` pixels.
    pub fn whole(width: usize, height: usize) -> CropBox {
        CropBox { top: 0.0, left: 0.0, height: height as f64, width: width as f64 }
    }

    /// The columns that the box touches of an image of `width` pixels.
    pub(crate) fn columns(&self, width: usize) -> Range<usize> {
        touched(self.left, self.width, width)
    }

    /// The rows that the box touches of an image of `height` pixels.
    pub(crate) fn rows(&self, height: usize) -> Range<usize> {
        touched(self.top, self.height, height)
    }
}

/// One operation on pixels with its parameters. Values are in units of the full range, 0..=1.
///
/// `blend(x, y) = clip(factor * x + (1 - factor) * y, 0, 1)`; gray is 0.2989 R + 0.587 G + 0.114 B.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum PixelOp {
    /// `blend(pixel, 0)`; factor in 0..=2.
    Brightness(f64),
    /// `blend(pixel, mean gray of the image)`; factor in 0..=2.
    Contrast(f64),
    /// `blend(pixel, its own gray)`; factor in 0..=2.
    Saturation(f64),
    /// Turns the hue (of hue, saturation, value) by a fraction of a full turn in -0.5..=0.5.
    Hue(f64),
    /// Every channel becomes the gray.
    Grayscale,
    /// Separable Gaussian filter; the border is reflected without repeating the edge pixel.
    GaussianBlur {
        /// Number of taps, odd; half of it is below both sides of the image.
        kernel_size: usize,
        /// Standard deviation in pixels, above 0.
        sigma: f64,
    },
    /// Inverts values at or above this threshold in 0..=1.
    Solarize(f64),
}

/// One view of one image: where it lies in the source, and what happens to its pixels, in order.
#[derive(Clone, Debug, PartialEq)]
pub struct ViewParams {
    /// The part of the source image that fills the view.
    pub crop: CropBox,
    /// Whether left and right are exchanged after the crop.
    pub flip: bool,
    /// The operations on pixels, first to last.
    pub pixel_ops: Vec<PixelOp>,
}

impl ViewParams {
    /// The view that shows all of an image of `width` x `height` pixels unchanged.
    pub fn whole(width: usize, height: usize) -> ViewParams {
        ViewParams { crop: CropBox::whole(width, height), flip: false, pixel_ops: Vec::new() }
    }
}

/// The pixels of one direction that a box touches.
fn touched(start: f64, length: f64, limit: usize) -> Range<usize> {
    let first = start.floor() as usize;
    let end = (start + length).ceil() as usize;
    first..end.max(first + 1).min(limit)
}
