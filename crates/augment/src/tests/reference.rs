//! Reference implementation of the transforms in `f32`, which the integer kernels are tested
//! against.

use crate::{CropBox, PixelOp, ViewParams};

/// Planes of values in 0..=1.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Picture {
    pub height: usize,
    pub width: usize,
    pub values: Vec<f32>,
}

impl Picture {
    /// Planar row-major bytes, divided by `scale`.
    pub fn from_bytes(bytes: &[u8], height: usize, width: usize, scale: f32) -> Picture {
        let values = bytes.iter().map(|&byte| f32::from(byte) / scale).collect();
        Picture { height, width, values }
    }

    fn plane(&self, channel: usize) -> &[f32] {
        let plane = self.height * self.width;
        &self.values[channel * plane..][..plane]
    }

    fn map(&self, f: impl Fn(f32) -> f32) -> Picture {
        let values = self.values.iter().map(|&value| f(value)).collect();
        Picture { values, ..*self }
    }

    /// Replaces every pixel's three values.
    fn map_pixels(&self, f: impl Fn([f32; 3]) -> [f32; 3]) -> Picture {
        let plane = self.height * self.width;
        let mut values = vec![0.0; 3 * plane];
        for i in 0..plane {
            let pixel = f([0, 1, 2].map(|channel| self.plane(channel)[i]));
            for (channel, value) in pixel.into_iter().enumerate() {
                values[channel * plane + i] = value;
            }
        }
        Picture { values, ..*self }
    }

    /// Every channel of another size: `f` gives the weighted source pixels of an output place.
    fn resample(
        &self,
        height: usize,
        width: usize,
        down: impl Fn(usize) -> Vec<(usize, f32)>,
        across: impl Fn(usize) -> Vec<(usize, f32)>,
    ) -> Picture {
        let (down, across): (Vec<_>, Vec<_>) =
            ((0..height).map(down).collect(), (0..width).map(across).collect());
        let mut values = Vec::with_capacity(3 * height * width);
        for channel in 0..3 {
            let plane = self.plane(channel);
            let narrow: Vec<f32> = plane
                .chunks_exact(self.width)
                .flat_map(|row| {
                    let sum =
                        |taps: &Vec<(usize, f32)>| taps.iter().map(|&(x, w)| w * row[x]).sum();
                    across.iter().map(sum).collect::<Vec<f32>>()
                })
                .collect();
            for taps in &down {
                for x in 0..width {
                    values.push(taps.iter().map(|&(y, w)| w * narrow[y * width + x]).sum());
                }
            }
        }
        Picture { height, width, values }
    }
}

/// Renders a view: crop, flip, steps.
pub(crate) fn render(view: &ViewParams, picture: &Picture, height: usize, width: usize) -> Picture {
    let mut picture = crop(picture, &view.crop, height, width, true);
    if view.flip {
        picture = flip(&picture);
    }
    view.pixel_ops.iter().fold(picture, |picture, &step| apply(&picture, step))
}

/// One step.
pub(crate) fn apply(picture: &Picture, step: PixelOp) -> Picture {
    match step {
        PixelOp::Brightness(factor) => picture.map(|value| blend(value, 0.0, factor)),
        PixelOp::Contrast(factor) => {
            let mean = mean_gray(picture);
            picture.map(|value| blend(value, mean, factor))
        }
        PixelOp::Saturation(factor) => picture.map_pixels(|pixel| {
            let gray = gray(pixel);
            pixel.map(|value| blend(value, gray, factor))
        }),
        PixelOp::Hue(shift) => picture.map_pixels(|pixel| turn_hue(pixel, shift as f32)),
        PixelOp::Grayscale => picture.map_pixels(|pixel| [gray(pixel); 3]),
        PixelOp::GaussianBlur { kernel_size, sigma } => blur(picture, kernel_size, sigma),
        PixelOp::Solarize(threshold) => {
            picture.map(|value| if value >= threshold as f32 { 1.0 - value } else { value })
        }
    }
}

fn blend(value: f32, toward: f32, factor: f64) -> f32 {
    let factor = factor as f32;
    (factor * value + (1.0 - factor) * toward).clamp(0.0, 1.0)
}

pub(crate) fn gray([red, green, blue]: [f32; 3]) -> f32 {
    0.2989 * red + 0.587 * green + 0.114 * blue
}

fn mean_gray(picture: &Picture) -> f32 {
    let pixels = picture.height * picture.width;
    let gray = |i| f64::from(gray([0, 1, 2].map(|channel| picture.plane(channel)[i])));
    ((0..pixels).map(gray).sum::<f64>() / pixels as f64) as f32
}

/// To hue, saturation, value; hue + shift modulo 1; and back.
fn turn_hue([red, green, blue]: [f32; 3], shift: f32) -> [f32; 3] {
    let (max, min) = (red.max(green).max(blue), red.min(green).min(blue));
    let chroma = max - min;
    if chroma == 0.0 {
        return [red, green, blue];
    }
    let sector = if max == red {
        (green - blue) / chroma
    } else if max == green {
        2.0 + (blue - red) / chroma
    } else {
        4.0 + (red - green) / chroma
    };
    let hue = (sector / 6.0 + shift).rem_euclid(1.0);
    [5.0, 3.0, 1.0].map(|offset: f32| {
        let k = (offset + 6.0 * hue).rem_euclid(6.0);
        max - chroma * k.min(4.0 - k).clamp(0.0, 1.0)
    })
}

pub(crate) fn flip(picture: &Picture) -> Picture {
    let last = picture.width - 1;
    let stay = |y| vec![(y, 1.0)];
    picture.resample(picture.height, picture.width, stay, |x| vec![(last - x, 1.0)])
}

fn blur(picture: &Picture, kernel_size: usize, sigma: f64) -> Picture {
    let half = (kernel_size / 2) as isize;
    let weight = |k: isize| (-((k * k) as f64) / (2.0 * sigma * sigma)).exp();
    let total: f64 = (-half..=half).map(weight).sum();
    let taps = |count: usize| {
        move |i: usize| {
            let reflected = |k: isize| {
                let (at, last) = ((i as isize + k).abs(), count as isize - 1);
                if at > last { 2 * last - at } else { at }
            };
            (-half..=half)
                .map(|k| (reflected(k) as usize, (weight(k) / total) as f32))
                .collect::<Vec<_>>()
        }
    };
    let (height, width) = (picture.height, picture.width);
    picture.resample(height, width, taps(height), taps(width))
}

/// The pixels that the box touches, cut out, then the box in them resized on the half-pixel grid.
pub(crate) fn crop(
    picture: &Picture,
    crop: &CropBox,
    height: usize,
    width: usize,
    antialias: bool,
) -> Picture {
    let taps = |start: f64, length: f64, count: usize| {
        move |i: usize| half_pixel(start, length, i, count, antialias)
    };
    let down = taps(crop.top, crop.height, height);
    picture.resample(height, width, down, taps(crop.left, crop.width, width))
}

/// A triangle around the output's center, as wide as two source pixels or, antialiased, two
/// outputs.
fn half_pixel(start: f64, length: f64, i: usize, count: usize, wide: bool) -> Vec<(usize, f32)> {
    let scale = length / count as f64;
    let (first, end) = (start.floor(), (start + length).ceil());
    let center = start + (i as f64 + 0.5) * scale;
    if scale <= 1.0 || !wide {
        let position = (center - 0.5).clamp(first, end - 1.0);
        let (left, right) = (position.floor(), position.ceil());
        let weight = (position - left) as f32;
        return vec![(left as usize, 1.0 - weight), (right as usize, weight)];
    }
    let weights = |x: usize| 1.0 - ((x as f64 + 0.5 - center) / scale).abs();
    let touched = first as usize..end as usize;
    let taps: Vec<_> = touched.filter(|&x| weights(x) > 0.0).collect();
    let total: f64 = taps.iter().map(|&x| weights(x)).sum();
    taps.into_iter().map(|x| (x, (weights(x) / total) as f32)).collect()
}

/// The original Keras repository's crop: corners of box and output aligned, pixels as points.
///
/// Its boxes are shares of the image, (y1, x1, y2, x2). The renderer draws the same boxes but
/// samples them on the half-pixel grid.
pub(crate) fn crop_corners(picture: &Picture, [y1, x1, y2, x2]: [f32; 4]) -> Picture {
    let taps = |from: f32, to: f32, count: usize| {
        move |i: usize| {
            let last = (count - 1) as f32;
            let position = from * last + i as f32 * ((to - from) * last / last);
            let weight = position - position.floor();
            vec![(position.floor() as usize, 1.0 - weight), (position.ceil() as usize, weight)]
        }
    };
    let (height, width) = (picture.height, picture.width);
    picture.resample(height, width, taps(y1, y2, height), taps(x1, x2, width))
}
