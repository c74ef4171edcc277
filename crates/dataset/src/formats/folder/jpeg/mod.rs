//! JPEG files, decoded by libjpeg: all kinds of sampling, scans and coding that it reads, the
//! pixels that it gives, and what it says of damage.
//!
//! Large files are decoded at 1/2, 1/4 or 1/8 of their size, which libjpeg does in the inverse
//! cosine transform, where that is enough for the size that is asked for.

mod headers;
mod libjpeg;
#[cfg(test)]
mod tests;

use std::ops::Range;

use image::RgbImage;
use image::metadata::Orientation;

pub(super) use libjpeg::Decompressor;

/// How many pixels are decoded for one of the result, across and down: Pillow's default
/// `reducing_gap` of thumbnails.
const REDUCING_GAP: u32 = 2;

/// The most of its size that an image can be reduced by in decoding.
pub(super) const DENOMINATORS: [u32; 3] = [8, 4, 2];

/// What the largest reduction is that leaves the shorter side `REDUCING_GAP` times `side` pixels.
pub(super) fn denominator(size: (u32, u32), side: u32) -> u32 {
    let gap = size.0.min(size.1) / REDUCING_GAP.saturating_mul(side).max(1);
    DENOMINATORS.into_iter().find(|denominator| *denominator <= gap).unwrap_or(1)
}

/// The turn that the camera notes in EXIF.
pub(super) fn orientation(bytes: &[u8]) -> Orientation {
    let exif = headers::exif(bytes).and_then(Orientation::from_exif_chunk);
    exif.unwrap_or(Orientation::NoTransforms)
}

/// The pixels at 1 / `denominator` of the size.
///
/// # Errors
/// What libjpeg can't decode, or says is damaged.
pub(super) fn pixels(decompressor: Decompressor<'_>, denominator: u32) -> Result<RgbImage, String> {
    let inks = decompressor.components() == 4;
    let (size, mut pixels) = decompressor.decode(denominator)?;
    if inks {
        pixels = cmyk_to_rgb(&pixels);
    }
    RgbImage::from_raw(size.0, size.1, pixels).ok_or_else(|| "fewer pixels than it says".into())
}

/// The RGB pixels of some rows at 1 / `denominator` of the size, in `pixels`.
///
/// # Errors
/// What libjpeg can't decode, or says is damaged, down to the last of the rows.
pub(super) fn rows(
    decompressor: Decompressor<'_>,
    denominator: u32,
    rows: Range<usize>,
    pixels: &mut Vec<u8>,
) -> Result<(), String> {
    let inks = decompressor.components() == 4;
    decompressor.decode_rows(denominator, rows, pixels)?;
    if inks {
        *pixels = cmyk_to_rgb(pixels);
    }
    Ok(())
}

/// Mixes inks, which are stored as Adobe's programs do: 255 for none.
///
/// # Reference
/// Pillow, `convert("RGB")` of CMYK.
fn cmyk_to_rgb(pixels: &[u8]) -> Vec<u8> {
    let mix = |stored: &[u8; 4]| {
        let [cyan, magenta, yellow, black] = stored.map(|stored| 255 - stored);
        let white = u16::from(255 - black);
        // (255 - black) * ink / 255, rounded.
        [cyan, magenta, yellow].map(|ink| (white - (white * u16::from(ink) + 127) / 255) as u8)
    };
    pixels.as_chunks::<4>().0.iter().flat_map(mix).collect()
}
