//! Encoders against timm's, by the generators that use `tools/golden/by_timm.py`.

use models::{EncoderConfig, FlatParameters, Mode};
use serde_json::{Value, json};
use tch::{Kind, Tensor, no_grad};

use crate::golden::{build, check_features, check_gradients, images, uniform};

/// What encoders are built for; those of timm take images of any side.
const SIDE: i64 = 48;

/// Expects the features and, in float64, the gradients of a case.
pub fn check_numbers(config: &EncoderConfig, case: &Value, kind: Kind, tolerance: f64) {
    let (store, encoder) = build(config, SIDE, kind);
    for (name, mut tensor) in store.variables() {
        no_grad(|| tensor.copy_(&weights(&name, &tensor.size())));
    }
    let parameters = FlatParameters::flatten(&store);
    let side = case["side"].as_i64().expect("a number");
    let what = format!("{config:?} at {side}, {kind:?}");
    let count = case["features"].as_array().expect("a list").len();
    let features = encoder.forward(&images(count, side, kind), Mode::Train);
    check_features(&what, &features, &case["features"], tolerance);
    if kind == Kind::Double {
        let pattern = Tensor::from_slice(&uniform("loss", features.numel())).view_as(&features);
        let gradient = parameters.gradient(&(&features * pattern).sum(kind));
        check_gradients(&what, &parameters, &gradient, &case["gradients"], tolerance);
    }
}

/// Expects timm's names and shapes.
pub fn check_names(config: &EncoderConfig, expected: &Value) {
    let (store, _) = build(config, SIDE, Kind::Float);
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
