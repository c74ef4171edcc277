//! Decoded pixels against those of Pillow, of libjpeg, and of readers written by hand (reference
//! set P).

use std::path::PathBuf;

use image::RgbImage;
use safetensors::SafeTensors;
use serde_json::Value;

use super::decode::decode_file;
use super::jpeg::JpegLayout;

fn reference(name: &str) -> PathBuf {
    let folder = std::env::var_os("TWINVIEW_REFERENCE").map_or_else(
        || PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../../tests/reference")),
        PathBuf::from,
    );
    folder.join(name)
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

/// Mean difference of two images of one size, in levels.
fn mean_difference(a: &RgbImage, b: &RgbImage) -> f64 {
    assert_eq!(a.dimensions(), b.dimensions());
    let pairs = a.as_raw().iter().zip(b.as_raw());
    pairs.map(|(a, b)| f64::from(a.abs_diff(*b))).sum::<f64>() / a.as_raw().len() as f64
}

#[test]
fn unusual_jpeg_files_are_as_libjpeg_reads_them() {
    let folder = PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/jpeg"));
    let cases = [
        ("noninterleaved-420", true),
        ("noninterleaved-440", true),
        ("chroma-finer-than-luma", true),
        ("interleaved-420", false),
    ];
    for (name, unusual) in cases {
        let path = folder.join(name).with_extension("jpg");
        let layout = JpegLayout::of(&std::fs::read(&path).unwrap()).unwrap();
        assert_eq!((layout.unusual, layout.components), (unusual, 3), "{name}");
        let expected = image::open(path.with_extension("png")).unwrap().into_rgb8();
        let difference = mean_difference(&decode_file(&path).unwrap(), &expected);
        assert!(difference < 0.5, "{name}: {difference}");
    }
}
