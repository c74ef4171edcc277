//! Tests, and what they share.

mod clip;
mod layer_decay;
mod no_decay;
mod optimizers;
mod resume;
mod schedule;

use models::FlatParameters;
use serde_json::{Value, json};
use tch::nn::VarStore;
use tch::{Device, Kind, Tensor};

use crate::OptimizerConfig;

/// Every optimizer, with this learning rate and weight decay; biases and norms are excluded where
/// there is a choice.
fn all_optimizers(lr: Value, weight_decay: f64) -> Vec<OptimizerConfig> {
    let decay = json!({"constant": weight_decay});
    let adam = |form: &str| {
        json!({"adam": {
            "variant": form, "lr": lr, "betas": [0.9, 0.99], "epsilon": 1e-8,
        }})
    };
    let sgd = |nesterov: bool| {
        json!({"sgd": {
            "lr": lr, "momentum": 0.9, "nesterov": nesterov,
            "weight_decay": decay, "exclude_bias_and_norm": true,
        }})
    };
    let all = [
        adam("pytorch"),
        adam("keras"),
        json!({"adamw": {
            "lr": lr, "betas": [0.9, 0.99], "epsilon": 1e-8,
            "weight_decay": decay, "exclude_bias_and_norm": true,
        }}),
        sgd(false),
        sgd(true),
        json!({"lars": {
            "lr": lr, "momentum": 0.9, "trust_coefficient": 0.001,
            "weight_decay": decay, "exclude_bias_and_norm": true,
        }}),
    ];
    all.map(parse).into()
}

fn parse(config: Value) -> OptimizerConfig {
    serde_json::from_value(config).unwrap()
}

/// Parameters of these names, shapes and values.
fn parameters(named: &[(&str, Tensor)], kind: Kind) -> FlatParameters {
    let mut store = VarStore::new(Device::Cpu);
    store.set_kind(kind);
    for (name, values) in named {
        let _ = store.root().add(name, values.to_kind(kind).copy(), true);
    }
    FlatParameters::flatten(&store)
}

/// A matrix, a bias and a class token, of doubles.
fn small() -> FlatParameters {
    let values = |shape: &[i64]| {
        let count: i64 = shape.iter().product();
        (Tensor::arange(count, (Kind::Double, Device::Cpu)) * 0.3 + 0.5).view(shape)
    };
    let named =
        [("weight", values(&[2, 3])), ("bias", values(&[2])), ("cls_token", values(&[1, 1, 2]))];
    parameters(&named, Kind::Double)
}
