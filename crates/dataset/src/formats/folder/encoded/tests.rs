//! Parts of files are those of the whole images.

use std::fs;

use image::metadata::Orientation;
use image::{DynamicImage, ImageFormat, Rgb, RgbImage};

use super::*;
use crate::formats::folder::jpeg;

/// An image without symmetries, whose sides no reduction divides.
fn picture() -> RgbImage {
    RgbImage::from_fn(37, 27, |x, y| {
        Rgb([(x * 6) as u8, (y * 9) as u8, (40 + 3 * (x / 5) + 7 * (y / 4)) as u8])
    })
}

/// A JPEG file with EXIF data that says how the camera was held, 1 to 8.
fn jpeg_file(orientation: u8) -> Vec<u8> {
    let mut bytes = Vec::new();
    let picture = DynamicImage::from(picture());
    picture.write_to(&mut std::io::Cursor::new(&mut bytes), ImageFormat::Jpeg).unwrap();
    // One entry: tag 0x0112, type short, count 1.
    let exif = [
        &b"Exif\0\0II*\0\x08\0\0\0\x01\0\x12\x01\x03\0\x01\0\0\0"[..],
        &[orientation, 0, 0, 0, 0, 0, 0, 0],
    ]
    .concat();
    let length = (exif.len() as u16 + 2).to_be_bytes();
    [&bytes[..2], &[0xff, 0xe1], &length, &exif, &bytes[2..]].concat()
}

/// The file at `path`, read.
fn read(path: &Path) -> EncodedImage<'_> {
    let source = Box::leak(Box::new(Source::Folders));
    EncodedFile { source, path, stamp: None }.read().unwrap()
}

#[test]
fn parts_are_those_of_the_upright_image() {
    let folder = tempfile::tempdir().unwrap();
    for number in 1..=8 {
        let path = folder.path().join(format!("{number}.jpg"));
        let bytes = jpeg_file(number);
        fs::write(&path, &bytes).unwrap();
        assert_eq!(jpeg::orientation(&bytes), Orientation::from_exif(number).unwrap());
        let mut image = read(&path);
        let expected = if number > 4 { [27, 37] } else { [37, 27] };
        assert_eq!(image.size(), expected);
        for denominator in [1, 2, 4, 8] {
            let decompressor = jpeg::Decompressor::new(&bytes).unwrap();
            let mut whole = DynamicImage::from(jpeg::pixels(decompressor, denominator).unwrap());
            whole.apply_orientation(jpeg::orientation(&bytes));
            let whole = whole.into_rgb8();
            let (width, height) = (whole.width() as usize, whole.height() as usize);
            let cuts = [[0..width, 0..height], [1..width, height / 2..height], [0..2, 1..3]];
            for [columns, rows] in cuts {
                image.decode(denominator, columns.clone(), rows.clone()).unwrap();
                let mut scratch = Vec::new();
                let part = image.part(columns.clone(), rows.clone(), &mut scratch);
                assert_eq!([part.left, part.top], [columns.start, rows.start]);
                for channel in 0..3 {
                    for y in rows.clone() {
                        for x in columns.clone() {
                            let at =
                                (channel * part.height + y - part.top) * part.width + x - part.left;
                            let pixel = whole.get_pixel(x as u32, y as u32).0[channel];
                            assert_eq!(part.bytes[at], pixel, "{number} 1/{denominator} {x} {y}");
                        }
                    }
                }
            }
        }
    }
}

#[test]
fn a_reduced_crop_shows_the_same_part() {
    let folder = tempfile::tempdir().unwrap();
    let crop = [8.0, 4.0, 16.0, 12.0];
    for (orientation, expected) in [
        (1, [1.0, 0.5, 2.0, 1.5]),
        // 37 columns are 4.625 of 8, so that the first one of five is filled to five eighths.
        (2, [1.375, 0.5, 2.0, 1.5]),
        // 27 rows are 3.375.
        (3, [1.375, 1.125, 2.0, 1.5]),
        (6, [1.625, 0.5, 2.0, 1.5]),
        (8, [1.0, 0.875, 2.0, 1.5]),
    ] {
        let path = folder.path().join(format!("{orientation}.jpg"));
        fs::write(&path, jpeg_file(orientation)).unwrap();
        assert_eq!(read(&path).reduced(crop, 8), expected, "{orientation}");
    }
}

#[test]
fn the_reduction_leaves_as_many_pixels_as_the_view_has() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("1.jpg");
    fs::write(&path, jpeg_file(1)).unwrap();
    let mut image = read(&path);
    let denominator = |image: &EncodedImage<'_>, width: f64, height: f64| {
        image.denominator([0.0, 0.0, width, height], 96, 96)
    };
    for (width, height, expected) in
        [(96.0, 96.0, 1), (191.0, 400.0, 1), (192.0, 192.0, 2), (768.0, 5000.0, 8), (30.0, 20.0, 1)]
    {
        assert_eq!(denominator(&image, width, height), expected, "{width} x {height}");
    }
    // 300 megapixels are never decoded at their size.
    image.size = [20_000, 15_000];
    assert_eq!(denominator(&image, 100.0, 100.0), 4);
    let png = folder.path().join("1.png");
    picture().save(&png).unwrap();
    assert_eq!(denominator(&read(&png), 768.0, 768.0), 1);
}

#[test]
fn other_formats_are_decoded_whole() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("1.png");
    picture().save(&path).unwrap();
    let mut image = read(&path);
    image.decode(1, 0..1, 0..1).unwrap();
    let mut scratch = Vec::new();
    let part = image.part(30..37, 20..27, &mut scratch);
    assert_eq!(part.bytes[0], picture().get_pixel(30, 20).0[0]);
    assert_eq!(part.bytes[3 * 49 - 1], picture().get_pixel(36, 26).0[2]);
}
