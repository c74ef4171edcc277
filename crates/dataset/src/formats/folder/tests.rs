//! Decoded pixels against those of Pillow and of readers written by hand (reference set P).

use std::path::PathBuf;

use safetensors::SafeTensors;
use serde_json::Value;

use super::decode::decode_file;

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
