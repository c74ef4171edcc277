//! What the generators under `tools/golden` and these tests share.

use models::{Encoder, EncoderConfig, FlatParameters, WeightRng, WeightStream};
use serde_json::Value;
use tch::nn::VarStore;
use tch::{Device, Kind, Tensor};

/// Numbers in -1..1: the finalizer of MurmurHash3 over position + FNV-1a hash of the name.
pub fn uniform(name: &str, count: usize) -> Vec<f64> {
    let hash = |hash: u32, byte: u8| (hash ^ u32::from(byte)).wrapping_mul(0x0100_0193);
    let seed = name.bytes().fold(0x811c_9dc5, hash);
    let number = |position: usize| {
        let mut h = (position as u32).wrapping_add(seed);
        h = (h ^ (h >> 16)).wrapping_mul(0x85eb_ca6b);
        h = (h ^ (h >> 13)).wrapping_mul(0xc2b2_ae35);
        f64::from(h ^ (h >> 16)) / f64::from(1u32 << 31) - 1.0
    };
    (0..count).map(number).collect()
}

/// An encoder for images of `side` pixels, and its weights.
pub fn build(config: &EncoderConfig, side: i64, kind: Kind) -> (VarStore, Box<dyn Encoder>) {
    let mut store = VarStore::new(Device::Cpu);
    store.set_kind(kind);
    let rng = WeightRng { seed: 0, stream: WeightStream::Student };
    let encoder = config.build(&store.root(), rng, side, kind);
    (store, encoder.expect("an encoder"))
}

/// The images of every case, `[count, 3, side, side]`.
pub fn images(count: usize, side: i64, kind: Kind) -> Tensor {
    let pixels = uniform("images", count * (3 * side * side) as usize);
    let pixels: Vec<f32> = pixels.iter().map(|u| (u * 0.5 + 0.5) as f32).collect();
    Tensor::from_slice(&pixels).view([count as i64, 3, side, side]).to_kind(kind)
}

/// `count` evenly spaced numbers of a tensor in row-major order.
pub fn picked(tensor: &Tensor, count: usize) -> Vec<f64> {
    let flat = tensor.detach().reshape([-1]).to_kind(Kind::Double);
    let step = flat.size()[0] / count as i64;
    (0..count as i64).map(|i| flat.double_value(&[i * step])).collect()
}

pub fn numbers(value: &Value) -> Vec<f64> {
    let list = value.as_array().expect("a list");
    list.iter().map(|x| x.as_f64().expect("a number")).collect()
}

/// Expects numbers as close as `tolerance`, relative to the largest of them or to 1.
#[track_caller]
pub fn assert_close(what: &str, found: &[f64], expected: &[f64], tolerance: f64) {
    assert_eq!(found.len(), expected.len(), "{what}");
    let scale = expected.iter().fold(1.0, |scale: f64, x| scale.max(x.abs()));
    for (found, expected) in found.iter().zip(expected) {
        let off = (found - expected).abs();
        assert!(off <= tolerance * scale, "{what}: {found}, not {expected}");
    }
}

/// Expects the features of each image.
#[track_caller]
pub fn check_features(what: &str, features: &Tensor, expected: &Value, tolerance: f64) {
    for (image, expected) in (0..).zip(expected.as_array().expect("a list")) {
        let expected = numbers(expected);
        let found = picked(&features.get(image), expected.len());
        assert_close(what, &found, &expected, tolerance);
    }
}

/// Expects the gradients of the weights that `expected` names.
#[track_caller]
pub fn check_gradients(
    what: &str,
    parameters: &FlatParameters,
    gradient: &Tensor,
    expected: &Value,
    tolerance: f64,
) {
    let named = parameters.named(gradient);
    let expected = expected.as_object().expect("gradients");
    assert!(!expected.is_empty(), "{what}");
    for (name, expected) in expected {
        let (_, found) = named.iter().find(|(own, _)| own == name).expect("a weight");
        let expected = numbers(expected);
        let found = picked(found, expected.len());
        assert_close(&format!("{what}, gradient of {name}"), &found, &expected, tolerance);
    }
}
