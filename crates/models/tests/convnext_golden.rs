//! ConvNeXt against the paper's formulas under timm's names, by `tools/golden/convnext.py`.

mod golden;
#[path = "golden/weights.rs"]
mod weights;

use golden::{assert_close, numbers, picked, uniform};
use models::{ConvNextConfig, Encoder, EncoderConfig, Mode, WeightRng, WeightStream};
use serde_json::{Value, json};
use tch::nn::VarStore;
use tch::{Device, Kind, Tensor, no_grad};
use weights::weights;

fn reference() -> Value {
    serde_json::from_str(include_str!("fixtures/convnext.json")).expect("the vectors are JSON")
}

fn build(kind: Kind) -> (VarStore, Box<dyn Encoder>) {
    let config: ConvNextConfig = serde_json::from_value(json!({"size": "tiny"})).unwrap();
    let mut store = VarStore::new(Device::Cpu);
    store.set_kind(kind);
    let rng = WeightRng { seed: 0, stream: WeightStream::Student };
    let encoder = EncoderConfig::ConvNext(config).build(&store.root(), rng, 48, kind);
    (store, encoder.expect("an encoder"))
}

#[test]
fn golden_features_match_the_formulas_of_the_paper() {
    let reference = reference();
    let cases = reference["cases"].as_array().expect("cases");
    assert_eq!(cases.len(), 2);
    for (case, kind) in cases.iter().flat_map(|case| [(case, Kind::Double), (case, Kind::Float)]) {
        let (store, encoder) = build(kind);
        for (name, mut tensor) in store.variables() {
            no_grad(|| tensor.copy_(&weights(&name, &tensor.size())));
        }
        let side = case["side"].as_i64().expect("a number");
        let expected = case["features"].as_array().expect("a list");
        let count = expected.len() as i64;
        let pixels = uniform("images", (count * 3 * side * side) as usize);
        let pixels: Vec<f32> = pixels.iter().map(|u| (u * 0.5 + 0.5) as f32).collect();
        let images = Tensor::from_slice(&pixels).view([count, 3, side, side]).to_kind(kind);
        let tolerance = if kind == Kind::Double { 1e-8 } else { 1e-4 };
        let features = encoder.forward(&images, Mode::Train);
        for (image, expected) in (0..).zip(expected) {
            let expected = numbers(expected);
            let found = picked(&features.get(image), expected.len());
            assert_close(&format!("{side} {kind:?}"), &found, &expected, tolerance);
        }
    }
}

#[test]
fn golden_names_and_shapes_are_timms() {
    let (store, _) = build(Kind::Float);
    let found: Value = store
        .variables()
        .into_iter()
        .map(|(name, tensor)| (name, json!(tensor.size())))
        .collect::<serde_json::Map<_, _>>()
        .into();
    assert_eq!(found, reference()["names"]);
}
