//! Decoded pixels against those of Pillow, of libjpeg, and of readers written by hand (reference
//! set P).

use std::path::{Path, PathBuf};

use image::{DynamicImage, ImageEncoder, RgbImage};
use safetensors::SafeTensors;
use serde_json::Value;

use super::bad_files::BadFiles;
use super::decode::{decode, read};
use super::entries::Entries;
use super::scan::scan_classes;
use super::source::Source;
use super::unused::Unused;
use super::walk::Walk;
use crate::Error;
use crate::resize::Resizer;

fn reference(name: &str) -> PathBuf {
    let folder = std::env::var_os("TWINVIEW_REFERENCE").map_or_else(
        || PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../../tests/reference")),
        PathBuf::from,
    );
    folder.join(name)
}

/// The image as large as it is, upright.
fn decode_file(path: &Path) -> Result<RgbImage, Error> {
    let decoded = decode(path, &read(path, None)?, usize::MAX)?;
    let mut upright = DynamicImage::from(decoded.pixels);
    upright.apply_orientation(decoded.orientation);
    Ok(upright.into_rgb8())
}

#[test]
fn pixels_are_those_of_set_p() {
    let text = std::fs::read_to_string(reference("p_images.json")).unwrap();
    let document: Value = serde_json::from_str(&text).unwrap();
    let bytes = std::fs::read(reference("p_images.safetensors")).unwrap();
    let tensors = SafeTensors::deserialize(&bytes).unwrap();
    let mut wrong = Vec::new();
    let cases = document["cases"].as_array().unwrap();
    for case in cases {
        let name = case["file"].as_str().unwrap();
        let expected = tensors.tensor(case["rgb"].as_str().unwrap()).unwrap();
        let tolerance = case["tolerance"].as_u64().unwrap();
        let informative = case["informative"].as_bool().unwrap_or(false);
        match decode_file(&reference(name)) {
            Err(error) => wrong.push(format!("{error}")),
            Ok(image) => {
                let size = [image.height() as usize, image.width() as usize, 3];
                assert_eq!(expected.shape(), size, "{name}");
                let pairs = image.as_raw().iter().zip(expected.data());
                let most = pairs.map(|(a, b)| a.abs_diff(*b)).max().unwrap_or(0);
                if u64::from(most) > tolerance && !informative {
                    wrong.push(format!("{name}: off by {most}, {tolerance} allowed"));
                }
            }
        }
    }
    assert_eq!(cases.len(), 61);
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[test]
fn jpeg_files_that_decoders_differ_on_are_as_libjpeg_reads_them() {
    let folder = PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/jpeg"));
    let names =
        ["noninterleaved-420", "noninterleaved-440", "chroma-finer-than-luma", "interleaved-420"];
    for name in names {
        let path = folder.join(name).with_extension("jpg");
        let expected = image::open(path.with_extension("png")).unwrap().into_rgb8();
        assert_eq!(decode_file(&path).unwrap(), expected, "{name}");
    }
}

#[test]
fn jpeg_files_damaged_inside_are_refused() {
    let folder = PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/jpeg"));
    let cases = [
        ("cut-then-end-marker", "damaged data: premature end of data segment"),
        ("cut-then-second-image", "damaged data: premature end of data segment"),
        ("middle-third-zeroed", "damaged data: premature end of data segment"),
        ("without-end-marker", "a file without its end"),
    ];
    for (name, found) in cases {
        let path = folder.join(name).with_extension("jpg");
        let error = decode_file(&path).unwrap_err().to_string();
        let expected = format!("{name}.jpg: expected a whole JPEG image, found {found}");
        assert!(error.ends_with(&expected), "{error}");
    }
    decode_file(&folder.join("whole.jpg")).unwrap();
}

/// A drawing with edges and texture, as a JPEG that is noted to be turned.
fn photograph(width: u32, height: u32, orientation: u8) -> Vec<u8> {
    let pixel = |x: u32, y: u32| {
        let disk = (x.abs_diff(width / 3).pow(2) + y.abs_diff(height / 2).pow(2)) < width * 40;
        let wave = (x * 255 / width) as u8 / 2 + (y * 255 / height) as u8 / 2;
        let texture = (x * 7 + y * 13) % 31;
        image::Rgb([wave, if disk { 200 } else { 255 - wave }, 100 + texture as u8])
    };
    let mut jpeg = Vec::new();
    let mut encoder = image::codecs::jpeg::JpegEncoder::new_with_quality(&mut jpeg, 95);
    let tag = [1, 0x12, 0, 3, 0, 0, 0, 1, 0, orientation, 0, 0, 0, 0, 0, 0];
    let exif = [b"MM\0\x2a\0\0\0\x08\0\x01".as_slice(), &tag].concat();
    encoder.set_exif_metadata(exif).unwrap();
    RgbImage::from_fn(width, height, pixel).write_with_encoder(encoder).unwrap();
    jpeg
}

#[test]
fn an_image_reduced_in_decoding_looks_as_the_whole_one_does() {
    let side = 32;
    let fitted = |bytes: &[u8], decoded_for: usize| {
        let image = decode(Path::new("photo.jpg"), bytes, decoded_for).unwrap();
        let mut planes = vec![0; 3 * side * side];
        Resizer::new().fit_image(&image, &mut planes, side);
        (image.pixels.dimensions(), planes)
    };
    // The last columns and rows are of 7, 1 and 5 pixels in eight.
    for (width, height, orientation) in [(1023, 769, 1), (769, 1021, 6), (1023, 769, 3)] {
        let bytes = photograph(width, height, orientation);
        let (size, reduced) = fitted(&bytes, side);
        assert_eq!(size, (width.div_ceil(8), height.div_ceil(8)));
        let (whole_size, whole) = fitted(&bytes, usize::MAX);
        assert_eq!(whole_size, (width, height));
        let difference: f64 =
            reduced.iter().zip(&whole).map(|(a, b)| f64::from(a.abs_diff(*b))).sum();
        let difference = difference / whole.len() as f64;
        assert!(difference < 0.5, "{width} x {height}: {difference}");
    }
}

#[test]
fn there_are_as_many_classes_as_labels_have_values() {
    // A label is written from 1 on, in two bytes.
    let scan = |classes: usize| {
        let folders = (0..classes).map(|class| PathBuf::from(format!("none/{class}"))).collect();
        let (mut bad, mut unused) = (BadFiles::Refused, Unused::new(None));
        let entries = Entries { folders, ..Entries::default() };
        let mut walk = Walk::new(&Source::Folders, &mut bad, &mut unused);
        let scanned = scan_classes(Path::new("photos"), entries, &mut walk);
        scanned.unwrap_err().to_string()
    };
    assert_eq!(scan(65_536), "photos: expected at most 65535 classes, found 65536");
    // One fewer is looked into.
    assert!(scan(65_535).starts_with("none/0: "), "{}", scan(65_535));
}
