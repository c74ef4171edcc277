//! Encoders against timm's, by the generators that use `tools/golden/by_timm.py`.

use models::{Encoder, EncoderConfig, FlatParameters, Mode, WeightRng, WeightStream};
use serde_json::{Value, json};
use tch::nn::VarStore;
use tch::{Device, Kind, Tensor, no_grad};

use crate::golden::{assert_close, numbers, picked, uniform};

pub fn build(config: &EncoderConfig, kind: Kind) -> (VarStore, Box<dyn Encoder>) {
    let mut store = VarStore::new(Device::Cpu);
    store.set_kind(kind);
    let rng = WeightRng { seed: 0, stream: WeightStream::Student };
    let encoder = config.build(&store.root(), rng, 48, kind);
    (store, encoder.expect("an encoder"))
}

/// Expects the features and, in float64, the gradients of a case.
pub fn check_numbers(config: &EncoderConfig, case: &Value, kind: Kind, tolerance: f64) {
    let (store, encoder) = build(config, kind);
    for (name, mut tensor) in store.variables() {
        no_grad(|| tensor.copy_(&weights(&name, &tensor.size())));
    }
    let parameters = FlatParameters::flatten(&store);
    let side = case["side"].as_i64().expect("a number");
    let images = case["features"].as_array().expect("a list").len() as i64;
    let pixels = uniform("images", (images * 3 * side * side) as usize);
    let pixels: Vec<f32> = pixels.iter().map(|u| (u * 0.5 + 0.5) as f32).collect();
    let images = Tensor::from_slice(&pixels).view([images, 3, side, side]).to_kind(kind);
    let what = format!("{config:?} at {side}, {kind:?}");
    let features = encoder.forward(&images, Mode::Train);
    for (image, expected) in (0..).zip(case["features"].as_array().expect("a list")) {
        let expected = numbers(expected);
        let found = picked(&features.get(image), expected.len());
        assert_close(&what, &found, &expected, tolerance);
    }
    if kind == Kind::Double {
        let pattern = Tensor::from_slice(&uniform("loss", features.numel())).view_as(&features);
        let gradient = parameters.gradient(&(&features * pattern).sum(kind));
        let named = parameters.named(&gradient);
        let gradients = case["gradients"].as_object().expect("gradients");
        assert!(!gradients.is_empty(), "{what}");
        for (name, expected) in gradients {
            let (_, found) = named.iter().find(|(own, _)| own == name).expect("a weight");
            let expected = numbers(expected);
            let found = picked(found, expected.len());
            assert_close(&format!("{what}, {name}"), &found, &expected, tolerance);
        }
    }
}

/// Expects timm's names and shapes.
pub fn check_names(config: &EncoderConfig, expected: &Value) {
    let (store, _) = build(config, Kind::Float);
    let shapes = store.variables().into_iter().map(|(name, tensor)| (name, json!(tensor.size())));
    let found: Value = shapes.collect::<serde_json::Map<_, _>>().into();
    assert_eq!(&found, expected, "{config:?}");
}

/// The tensor called `name`, as the generator makes it.
fn weights(name: &str, shape: &[i64]) -> Tensor {
    let rule: Box<dyn Fn(f64) -> f64> = match *shape {
        [_, ref inputs @ ..] if [1, 3].contains(&inputs.len()) => {
            let bound = (3.0 / inputs.iter().product::<i64>() as f64).sqrt();
            Box::new(move |u: f64| u * bound)
        }
        [_] if name.ends_with(".weight") => Box::new(|u: f64| 1.0 + 0.25 * u),
        _ => Box::new(|u: f64| 0.25 * u),
    };
    let drawn = uniform(name, shape.iter().product::<i64>() as usize);
    let values: Vec<f32> = drawn.into_iter().map(|u| rule(u) as f32).collect();
    Tensor::from_slice(&values).view(shape)
}
