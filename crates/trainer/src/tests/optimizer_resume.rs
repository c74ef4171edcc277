//! A learner that was saved and restored continues bit-identically, with every optimizer.

use std::ops::Range;
use std::path::Path;

use optim::OptimizerConfig;
use serde_json::json;
use tch::{Device, Kind, Tensor};

use super::tiny_config;
use crate::checkpoint::{self, Header};
use crate::{DTypes, DeviceBatch, Learner, LearnerOptions, StepCount};

/// Planned number of steps.
const STEPS: u64 = 6;

fn learner(optimizer: &OptimizerConfig) -> Learner {
    let mut config = tiny_config("moco");
    config.optimizer = optimizer.clone();
    config.probe.optimizer = optimizer.clone();
    config.train.grad_clip_norm = Some(1.0);
    let task = LearnerOptions {
        classes: Some(3),
        device: Device::Cpu,
        dtypes: DTypes { master: Kind::Float, compute: Kind::Float },
    };
    Learner::new(&config, task).unwrap()
}

/// Views of noise, another one every step.
fn step(number: u64) -> DeviceBatch {
    let images = |count: i64| {
        let pixels = Tensor::arange(count * 3 * 32 * 32, (Kind::Double, Device::Cpu));
        let pixels = (pixels * 12.9898 + (number + 1) as f64).sin() * 43_758.545_3;
        let pixels = pixels.frac().abs().view([count, 3, 32, 32]);
        pixels.to_kind(Kind::Float)
    };
    DeviceBatch {
        masks: None,
        views: vec![images(8)],
        images: 4,
        labeled: 3,
        probe: Some((images(3), Tensor::from_slice(&[0i64, 1, 2]))),
    }
}

fn train(learner: &mut Learner, steps: Range<u64>) {
    for number in steps {
        learner.step(&step(number), StepCount { step: number, total: STEPS }).unwrap();
    }
}

fn save(learner: &Learner, path: &Path) {
    let probe = learner.probe.as_ref().unwrap();
    let header = Header {
        optimizer_steps: [learner.optimizer.steps(), probe.optimizer.steps()],
        ..Header::start(String::new(), String::new())
    };
    checkpoint::save(path, learner, &header).unwrap();
}

fn optimizers() -> Vec<OptimizerConfig> {
    let rate = json!({"warmup_cosine": {"start": 0.0, "peak": 0.01, "end": 0.001, "warmup_fraction": 0.4}});
    let decay = json!({"constant": 0.01});
    let adam = |form: &str| {
        json!({"adam": {
            "variant": form, "lr": rate, "betas": [0.9, 0.99], "epsilon": 1e-8,
        }})
    };
    let sgd = |nesterov: bool| {
        json!({"sgd": {
            "lr": rate, "momentum": 0.9, "nesterov": nesterov,
            "weight_decay": decay, "exclude_bias_and_norm": true,
        }})
    };
    let all = [
        adam("pytorch"),
        adam("keras"),
        json!({"adamw": {
            "lr": rate, "betas": [0.9, 0.99], "epsilon": 1e-8,
            "weight_decay": decay, "exclude_bias_and_norm": true,
        }}),
        sgd(false),
        sgd(true),
        json!({"lars": {
            "lr": rate, "momentum": 0.9, "trust_coefficient": 0.001,
            "weight_decay": decay, "exclude_bias_and_norm": true,
        }}),
    ];
    all.map(|config| serde_json::from_value(config).unwrap()).into()
}

#[test]
fn a_restored_learner_goes_on_with_the_same_bits() {
    let folder = tempfile::tempdir().unwrap();
    for config in optimizers() {
        let path = folder.path().join("saved");
        let mut whole = learner(&config);
        train(&mut whole, 0..STEPS);
        let mut first = learner(&config);
        train(&mut first, 0..STEPS / 2);
        save(&first, &path);
        let mut second = learner(&config);
        checkpoint::load(&path, &mut second).unwrap();
        train(&mut second, STEPS / 2..STEPS);
        let (whole, parts) = (checkpoint::tensors(&whole), checkpoint::tensors(&second));
        assert_eq!(whole.len(), parts.len());
        for ((name, whole), (_, parts)) in whole.iter().zip(&parts) {
            assert!(whole == parts, "{config:?}: {name}");
        }
    }
}

#[test]
fn state_has_the_names_of_parameters_and_that_of_another_optimizer_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let all = optimizers();
    let (adam, lars) = (&all[0], &all[5]);
    for (config, other, own, missing) in [
        (adam, lars, ["moment1", "moment2"], "momentum"),
        (lars, adam, ["momentum", "momentum"], "moment1"),
    ] {
        let saved = learner(config);
        let names: Vec<String> =
            checkpoint::tensors(&saved).into_iter().map(|(name, _)| name).collect();
        for (parameter, what) in ["encoder.conv1.weight", "probe.bias"]
            .iter()
            .flat_map(|parameter| own.map(|what| (parameter, what)))
        {
            let name = format!("optimizer.{parameter}.{what}");
            assert!(names.contains(&name), "{name}: {names:?}");
        }
        assert!(!names.iter().any(|name| name.ends_with(missing)));
        let path = folder.path().join("saved");
        save(&saved, &path);
        let error = checkpoint::load(&path, &mut learner(other)).unwrap_err();
        let error = error.to_string();
        assert!(
            error.contains("expected a tensor optimizer.") && error.contains(missing),
            "{error}"
        );
    }
}

#[test]
fn a_clipped_step_is_as_long_as_it_may_be() {
    let plain = json!({"sgd": {
        "lr": {"constant": 1.0}, "momentum": 0.0, "nesterov": false,
        "weight_decay": {"constant": 0.0}, "exclude_bias_and_norm": false,
    }});
    let mut config = tiny_config("simclr");
    config.optimizer = serde_json::from_value(plain).unwrap();
    let lengths = [None, Some(1e-4), Some(1e9)].map(|most| {
        config.train.grad_clip_norm = most;
        let task = LearnerOptions {
            classes: None,
            device: Device::Cpu,
            dtypes: DTypes { master: Kind::Double, compute: Kind::Double },
        };
        let mut learner = Learner::new(&config, task).unwrap();
        let before = learner.parameters.flat().copy();
        let views = vec![step(0).views[0].to_kind(Kind::Double)];
        let step = DeviceBatch { views, masks: None, probe: None, images: 4, labeled: 0 };
        let measured = learner.step(&step, StepCount { step: 0, total: 1 }).unwrap();
        let moved = (learner.parameters.flat() - before).norm();
        [moved, measured.gradient_norm].map(|length| length.double_value(&[]))
    });
    let [[free, gradient], [clipped, reported], [longer, _]] = lengths;
    assert!(gradient > 1e-3 && (free - gradient).abs() < 1e-9, "{gradient}");
    assert!((clipped - 1e-4).abs() < 1e-6, "{clipped}");
    assert_eq!((reported, longer), (gradient, free));
}
