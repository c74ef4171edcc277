//! Vision transformers against timm's: names, shapes and numbers, by `tools/golden/vit.py`.

mod golden;
#[path = "golden/weights.rs"]
mod weights;

use golden::{assert_close, numbers, picked, uniform};
use models::{Encoder, EncoderConfig, FlatParameters, Mode, VitConfig, WeightRng, WeightStream};
use serde_json::{Value, json};
use tch::nn::VarStore;
use tch::{Device, Kind, Tensor, no_grad};
use weights::weights;

fn reference() -> Value {
    serde_json::from_str(include_str!("fixtures/vit.json")).expect("the vectors are JSON")
}

fn build(config: &Value, kind: Kind) -> (VarStore, Box<dyn Encoder>) {
    let config: VitConfig = serde_json::from_value(config.clone()).expect("a configuration");
    let mut store = VarStore::new(Device::Cpu);
    store.set_kind(kind);
    let rng = WeightRng { seed: 0, stream: WeightStream::Student };
    let encoder = EncoderConfig::Vit(config).build(&store.root(), rng, 48, kind);
    (store, encoder.expect("an encoder"))
}

/// Expects the features and, in float64, the gradients of a case.
fn check(case: &Value, kind: Kind) {
    let config =
        json!({"size": case["size"], "patch_size": case["patch"], "img_size": case["image"]});
    let (store, encoder) = build(&config, kind);
    for (name, mut tensor) in store.variables() {
        no_grad(|| tensor.copy_(&weights(&name, &tensor.size())));
    }
    let parameters = FlatParameters::flatten(&store);
    let side = case["side"].as_i64().expect("a number");
    let images = case["features"].as_array().expect("a list").len() as i64;
    let pixels = uniform("images", (images * 3 * side * side) as usize);
    let pixels: Vec<f32> = pixels.iter().map(|u| (u * 0.5 + 0.5) as f32).collect();
    let images = Tensor::from_slice(&pixels).view([images, 3, side, side]).to_kind(kind);
    let tolerance = match kind {
        // timm interpolates in float32.
        Kind::Double if case["image"] == case["side"] => 1e-8,
        Kind::Double => 1e-5,
        _ => 1e-4,
    };
    let what = format!("{config} at {side}, {kind:?}");
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
        for (name, expected) in case["gradients"].as_object().expect("gradients") {
            let (_, found) = named.iter().find(|(own, _)| own == name).expect("a weight");
            let expected = numbers(expected);
            let found = picked(found, expected.len());
            assert_close(&format!("{what}, {name}"), &found, &expected, tolerance);
        }
    }
}

#[test]
fn golden_vision_transformers_match_timm() {
    let reference = reference();
    let cases = reference["cases"].as_array().expect("cases");
    for case in cases {
        check(case, Kind::Double);
        check(case, Kind::Float);
    }
    for (key, expected) in [("size", "small tiny"), ("patch", "12 16 8")] {
        let mut found: Vec<String> =
            cases.iter().map(|case| case[key].to_string().replace('"', "")).collect();
        found.sort();
        found.dedup();
        assert_eq!(found.join(" "), expected);
    }
    assert!(cases.iter().any(|case| case["image"] != case["side"]));
}

#[test]
fn golden_names_and_shapes_are_timms() {
    for (size, names) in reference()["names"].as_object().expect("names") {
        let (store, _) =
            build(&json!({"size": size, "patch_size": 16, "img_size": 224}), Kind::Float);
        let found: Value = store
            .variables()
            .into_iter()
            .map(|(name, tensor)| (name, json!(tensor.size())))
            .collect::<serde_json::Map<_, _>>()
            .into();
        assert_eq!(&found, names, "{size}");
    }
}
