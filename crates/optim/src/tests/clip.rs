//! Gradient clipping.

use golden::{Tensors, cases, difference, largest};
use models::FlatParameters;
use tch::nn::VarStore;
use tch::{Device, Kind, Tensor};

use crate::{clip_grad_norm, clip_grad_norm_per_network};

#[test]
fn gradients_above_the_norm_are_scaled_and_others_keep_their_bits() {
    let gradient = Tensor::from_slice(&[3.0, -4.0]);
    let clipped = |max_norm| clip_grad_norm(&gradient, &gradient.norm(), max_norm);
    for max_norm in [5.1, 100.0] {
        assert_eq!(clipped(max_norm), gradient);
    }
    let short = clipped(2.5);
    assert!((short.norm().double_value(&[]) - 2.5).abs() < 1e-5);
    assert!(difference(&short, &(&gradient / 2.0)) < 1e-5);
    let zeros = gradient.zeros_like();
    assert_eq!(clip_grad_norm(&zeros, &zeros.norm(), 1.0), zeros);
}

#[test]
fn golden_clipping_of_all_and_of_each_network_matches_set_m() {
    let tensors = Tensors::open("m_groups.safetensors");
    for case in cases("m_groups.json", "clip") {
        let parts = case["parts"].as_array().unwrap();
        for (kind, tolerance) in [(Kind::Double, 1e-12), (Kind::Float, 1e-6)] {
            let mut store = VarStore::new(Device::Cpu);
            store.set_kind(kind);
            let mut gradients = Vec::new();
            for part in parts {
                let text = |key: &str| part[key].as_str().unwrap();
                let gradient = tensors.get(text("gradient")).to_kind(kind);
                let weights = gradient.zeros_like();
                let _ = (store.root() / text("network")).add(text("name"), weights, true);
                gradients.push(gradient.reshape([-1]));
            }
            let parameters = FlatParameters::flatten(&store);
            let gradient = Tensor::cat(&gradients, 0);
            let max_norm = case["max_norm"].as_f64().unwrap();
            let clipped = match case["form"].as_str().unwrap() {
                "each sub-network" => clip_grad_norm_per_network(&gradient, &parameters, max_norm),
                _ => clip_grad_norm(&gradient, &gradient.norm(), max_norm),
            };
            for (part, (_, found)) in parts.iter().zip(parameters.named(&clipped)) {
                let expected = tensors.get(part["clipped"].as_str().unwrap());
                let off = difference(&found, expected) / largest(expected);
                assert!(off <= tolerance, "{} {}: off by {off}", case["form"], part["name"]);
            }
        }
    }
}
