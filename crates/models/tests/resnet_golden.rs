//! Residual networks against torchvision's: names, shapes and numbers, by `tools/golden/resnet.py`.

mod golden;

use golden::{
    assert_close, build, check_features, check_gradients, images, numbers, picked, uniform,
};
use models::{EncoderConfig, FlatParameters, Mode, ResNetConfig, ResNetNorm, Stem, buffers};
use serde_json::Value;
use tch::{Kind, Tensor, no_grad};

/// What encoders are built for; residual networks take images of any side.
const SIDE: i64 = 32;

fn reference() -> Value {
    serde_json::from_str(include_str!("fixtures/resnet.json")).expect("the vectors are JSON")
}

/// The tensor called `name`, as the generator makes it.
fn weights(name: &str, shape: &[i64]) -> Tensor {
    if name.ends_with("num_batches_tracked") {
        return Tensor::from(3i64);
    }
    let count = shape.iter().product::<i64>() as usize;
    let rule: Box<dyn Fn(f64) -> f64> = match *shape {
        [o, _, h, w] => {
            let bound = (6.0 / (o * h * w) as f64).sqrt();
            Box::new(move |u: f64| u * bound)
        }
        _ if name.ends_with("running_var") => Box::new(|u: f64| 2.0 + u),
        _ if name.ends_with(".weight") => Box::new(|u: f64| 1.0 + 0.25 * u),
        _ => Box::new(|u: f64| 0.25 * u),
    };
    let values: Vec<f32> = uniform(name, count).into_iter().map(|u| rule(u) as f32).collect();
    Tensor::from_slice(&values).view(shape)
}

fn check(case: &Value, kind: Kind, tolerance: f64) {
    let setting = |key: &str| case[key].clone();
    let config = serde_json::json!({
        "depth": setting("depth"), "stem": setting("stem"), "norm": setting("norm"),
    });
    let what = format!("{config} {kind:?}");
    let encoder = serde_json::from_value(config).expect("a configuration");
    let (store, encoder) = build(&EncoderConfig::ResNet(encoder), SIDE, kind);
    for (name, mut tensor) in store.variables() {
        no_grad(|| tensor.copy_(&weights(&name, &tensor.size())));
    }
    let parameters = FlatParameters::flatten(&store);
    let side = case["side"].as_i64().expect("a number");
    let count = case["train"].as_array().expect("a list").len();
    let images = images(count, side, kind);
    let features = |what: &str, features: &Tensor| {
        check_features(what, features, &case[what], tolerance);
    };
    features("eval", &no_grad(|| encoder.forward(&images, Mode::Eval)));
    let trained = encoder.forward(&images, Mode::Train);
    features("train", &trained);
    let pattern = Tensor::from_slice(&uniform("loss", trained.numel()));
    let pattern = pattern.view_as(&trained).to_kind(kind);
    let gradient = parameters.gradient(&(&trained * pattern).sum(kind));
    features("eval_after_train", &no_grad(|| encoder.forward(&images, Mode::Eval)));
    let running = case["running"].as_object().expect("statistics");
    let named = store.variables();
    for (name, expected) in running {
        let expected = numbers(expected);
        let channels = named[name].narrow(0, 0, expected.len() as i64);
        let found = picked(&channels, expected.len());
        assert_close(&format!("{what} {name}"), &found, &expected, tolerance);
    }
    let statistics = buffers(&store);
    assert_eq!(statistics.len(), running.len() / 2 * 3, "{what}");
    for (name, count) in statistics.iter().filter(|(name, _)| name.ends_with("tracked")) {
        assert_eq!(count.int64_value(&[]), 4, "{what} {name}");
    }
    // In float32 rounding decides about single positions of ReLU and of max pooling.
    if kind == Kind::Double {
        check_gradients(&what, &parameters, &gradient, &case["gradients"], tolerance);
    }
}

#[test]
fn golden_resnets_match_torchvision() {
    let reference = reference();
    let cases = reference["cases"].as_array().expect("cases");
    for case in cases {
        check(case, Kind::Double, 1e-7);
        check(case, Kind::Float, 1e-4);
    }
    let settings = |key: &str| {
        let mut found: Vec<String> = cases.iter().map(|case| case[key].to_string()).collect();
        found.sort();
        found.dedup();
        found.join(" ")
    };
    assert_eq!(settings("depth"), "18 34 50");
    assert_eq!(settings("stem"), "\"imagenet\" \"small\" \"stl\"");
    assert_eq!(settings("norm"), "\"batch\" \"group\"");
}

#[test]
fn golden_names_and_shapes_are_torchvisions() {
    for (depth, names) in reference()["names"].as_object().expect("names") {
        for (stem, side) in [(Stem::ImageNet, 7), (Stem::Small, 3), (Stem::Stl, 3)] {
            let depth = depth.parse().expect("a number");
            let config = ResNetConfig::new(depth, stem, ResNetNorm::Batch);
            let what = format!("{config:?}");
            let (store, _) = build(&EncoderConfig::ResNet(config), SIDE, Kind::Float);
            let mut found: Vec<(String, Vec<i64>)> =
                store.variables().into_iter().map(|(name, tensor)| (name, tensor.size())).collect();
            found.sort();
            let names = names.as_object().expect("shapes by names").iter();
            let mut expected: Vec<(String, Vec<i64>)> = names
                .map(|(name, shape)| {
                    let shape = serde_json::from_value(shape.clone()).expect("a shape");
                    (name.clone(), shape)
                })
                .collect();
            let stem = expected.iter_mut().find(|(name, _)| name == "conv1.weight");
            stem.expect("a stem").1 = vec![64, 3, side, side];
            expected.sort();
            assert_eq!(found, expected, "{what}");
        }
    }
}
