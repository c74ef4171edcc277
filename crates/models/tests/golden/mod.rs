//! What the generators under `tools/golden` and these tests share.

use serde_json::Value;
use tch::{Kind, Tensor};

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
