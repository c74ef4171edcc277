//! Thumbnails: sprite sheets of small images, and JPEG encoding.

use ::image::codecs::jpeg::JpegEncoder;
use ::image::{Rgb, RgbImage};

use crate::resize::Resizer;
use crate::{Error, Split};

/// Looks like the original and takes about a tenth of a PNG's bytes.
const QUALITY: u8 = 85;

/// All images of `split` at `side` x `side` pixels, `columns` in a row, without gaps: the shorter
/// side is brought to `side`, and the center is shown.
///
/// # Panics
/// If `columns` or `side` is 0.
pub fn thumbnails(split: &Split, columns: usize, side: usize) -> RgbImage {
    assert!(columns > 0 && side > 0, "a sheet of no size");
    let rows = split.len().div_ceil(columns);
    let mut sheet = RgbImage::new((columns * side) as u32, (rows * side) as u32);
    let mut fitter = Resizer::new();
    let (mut scratch, mut small) = (Vec::new(), vec![0; 3 * side * side]);
    for index in 0..split.len() {
        let planes = split.image(index).row_major(&mut scratch);
        let size = (split.width(), split.height());
        fitter.fit_planes(planes, size, &mut small, (side, side));
        let (left, top) = (index % columns * side, index / columns * side);
        for (y, x) in (0..side).flat_map(|y| (0..side).map(move |x| (y, x))) {
            let color = std::array::from_fn(|channel| small[(channel * side + y) * side + x]);
            sheet.put_pixel((left + x) as u32, (top + y) as u32, Rgb(color));
        }
    }
    sheet
}

/// `image` as a JPEG.
///
/// # Errors
/// [`Error::Argument`] where it is too large for one: 65535 pixels a side.
pub fn jpeg(image: &RgbImage) -> Result<Vec<u8>, Error> {
    let mut bytes = Vec::new();
    let encoded = JpegEncoder::new_with_quality(&mut bytes, QUALITY).encode_image(image);
    encoded.map_err(|error| Error::Argument {
        name: "picture",
        expected: "at most 65535 pixels a side".into(),
        found: error.to_string(),
    })?;
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::PixelOrder;

    #[test]
    fn every_image_stands_at_its_place() {
        // Three images of 4 x 2 pixels, each of one shade.
        let bytes = [10u8, 120, 250].into_iter().flat_map(|shade| [shade; 24]);
        let split = Split::in_memory(bytes.collect(), None, 4, 2, PixelOrder::ColumnMajor);
        let sheet = thumbnails(&split, 2, 2);
        assert_eq!(sheet.dimensions(), (4, 4));
        for (x, y, shade) in [(0, 0, 10), (1, 1, 10), (3, 0, 120), (0, 2, 250), (3, 3, 0)] {
            assert_eq!(sheet.get_pixel(x, y), &Rgb([shade; 3]), "{x} {y}");
        }
        assert_eq!(thumbnails(&split.select(&[2]), 2, 3).dimensions(), (6, 3));
    }

    #[test]
    fn a_jpeg_reads_back_nearly_the_same() {
        let image = RgbImage::from_fn(40, 24, |x, y| Rgb([(6 * x) as u8, (10 * y) as u8, 90]));
        let bytes = jpeg(&image).unwrap();
        let back = ::image::load_from_memory(&bytes).unwrap().into_rgb8();
        assert_eq!(back.dimensions(), (40, 24));
        let worst = image.iter().zip(back.iter()).map(|(a, b)| a.abs_diff(*b)).max();
        assert!(worst.unwrap() < 24, "{worst:?}");
    }

    #[test]
    fn what_is_too_large_is_refused() {
        let error = jpeg(&RgbImage::new(1, 65_536)).unwrap_err();
        assert!(error.to_string().contains("at most 65535 pixels"), "{error}");
    }
}
