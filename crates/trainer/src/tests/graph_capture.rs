//! Steps that a GPU may repeat as a CUDA graph are alike: every method, every form.

use methods::GraphCapture;
use serde_json::{Value, json};
use tch::Kind;

use super::micro_batch::{config, fitted, methods, step, task};
use crate::*;

const STEPS: u64 = 8;

/// Operators by which a step waits for a GPU, or copies numbers to it.
const OF_THE_HOST: [&str; 8] = [
    "aten::_local_scalar_dense",
    "aten::equal",
    "aten::is_nonzero",
    "aten::item",
    "aten::masked_select",
    "aten::nonzero",
    "aten::to.device",
    "aten::to.other",
];

/// `config` with numbers that change in every step, and with a weight that is frozen at first where
/// the head has prototypes.
fn scheduled(mut config: Config, optimizer: Value) -> Config {
    let mut method = serde_json::to_value(&config.method).unwrap();
    for settings in method.as_object_mut().unwrap().values_mut() {
        for (key, start, end) in [("teacher_temp", 0.04, 0.07), ("teacher_momentum", 0.9, 1.0)] {
            if settings.get(key).is_some() {
                settings[key] = json!({"cosine": {"start": start, "end": end}});
            }
        }
    }
    config.method = serde_json::from_value(method).unwrap();
    config.optimizer = serde_json::from_value(optimizer).unwrap();
    config.probe.optimizer = config.optimizer.clone();
    config
}

fn adamw() -> Value {
    let cosine = |start: f64| json!({"cosine": {"start": start, "end": 0.0}});
    json!({"adamw": {
        "lr": cosine(0.01), "betas": [0.9, 0.999], "epsilon": 1e-8, "weight_decay": cosine(0.1),
        "exclude_bias_and_norm": true,
    }})
}

fn with_vit(config: &mut Config, drop_path: Value) {
    config.image_size = 24;
    let size = json!({"custom": {"embed_dim": 8, "num_heads": 2, "depth": 2}});
    let vit = json!({"size": size, "patch_size": 8, "img_size": 24, "drop_path": drop_path});
    config.encoder = serde_json::from_value(json!({"vit": vit})).unwrap();
}

/// What a learner says of each step, and the operators of it.
fn steps(config: &Config, local: bool) -> Vec<(GraphCapture, Vec<String>)> {
    let mut learner = Learner::new(config, task(Kind::Float)).unwrap();
    let addresses = |learner: &Learner| {
        let tensors = checkpoint::tensors(learner).into_iter();
        tensors.map(|(name, tensor)| (name, tensor.data_ptr() as usize)).collect::<Vec<_>>()
    };
    let before = addresses(&learner);
    let made = (0..STEPS).map(|number| {
        let batch = fitted(config, step(number as i64, local, Kind::Float));
        learner.begin_step(StepCount { step: number, total: STEPS }, batch.images);
        let says = learner.graph_capture();
        let (measured, calls) = operators::called_by(|| learner.run_step(&batch).unwrap());
        assert!(measured.loss.double_value(&[]).is_finite());
        (says, calls)
    });
    let made = made.collect();
    // A graph writes the tensors that it was captured with.
    assert_eq!(addresses(&learner), before, "{}", config.method.name());
    made
}

fn of_the_host(calls: &[String]) -> Vec<&String> {
    let found = |call: &&String| {
        let (name, arguments) = call.split_once(' ').unwrap_or((call, ""));
        // `to_device`: no dtype is asked for, but a device.
        let (_, options) = arguments.split_once("] ").unwrap_or_default();
        let to_device = options.starts_with("None ") && !options.starts_with("None None None ");
        OF_THE_HOST.contains(&name) || name == "aten::to.dtype_layout" && to_device
    };
    calls.iter().filter(found).collect()
}

/// Every two steps that can be captured call the same operators with the same numbers, and none of
/// the host. How many there are.
fn check(what: &str, made: &[(GraphCapture, Vec<String>)]) -> usize {
    let captured: Vec<_> = made
        .iter()
        .filter(|(says, _)| *says == GraphCapture::Now)
        .map(|(_, calls)| calls)
        .collect();
    for calls in &captured {
        let found = of_the_host(calls);
        assert!(found.is_empty(), "{what}: {found:#?}");
        let other = calls.iter().zip(captured[0]).find(|(own, first)| own != first);
        assert_eq!(other, None, "{what}");
        assert_eq!(calls.len(), captured[0].len(), "{what}");
    }
    captured.len()
}

#[test]
fn steps_of_every_method_that_can_be_captured_are_alike() {
    for method in methods() {
        let (config, local) = config(&method, None);
        let config = scheduled(config, adamw());
        let (name, made) = (config.method.name().to_owned(), steps(&config, local));
        let captured = check(&method.to_string(), &made);
        match name.as_str() {
            // Masks: what the test looks for is found where it is.
            "dinov2" => {
                assert_eq!(captured, 0);
                assert!(made.iter().all(|(_, calls)| !of_the_host(calls).is_empty()));
            }
            "distill" => assert_eq!(captured, 0),
            // Its queue is full after the first step.
            "swav" => {
                assert_eq!((captured, made[0].0), (STEPS as usize - 1, GraphCapture::Later));
                assert_ne!(made[0].1, made[1].1);
            }
            _ => assert_eq!(captured, STEPS as usize, "{method}"),
        }
    }
}

#[test]
fn passes_of_other_encoders_are_alike() {
    let dino = methods().into_iter().find(|method| method.pointer("/dino/variant/paper").is_some());
    let (mut vit, local) = config(&dino.unwrap(), None);
    with_vit(&mut vit, Value::Null);
    // Positions of local views are interpolated.
    vit.augment.views.last_mut().unwrap().size = ViewSize::Pixels(16);
    let (mut resnet, pair) = config(&methods()[0], None);
    let encoder = json!({"resnet": {"depth": 18, "stem": "imagenet", "norm": "batch"}});
    resnet.encoder = serde_json::from_value(encoder).unwrap();
    for (config, local) in [(vit, local), (resnet, pair)] {
        let what = config.encoder.name().to_owned();
        assert_eq!(check(&what, &steps(&scheduled(config, adamw()), local)), STEPS as usize);
    }
}

#[test]
fn updates_by_every_optimizer_are_alike() {
    let cosine = json!({"cosine": {"start": 0.01, "end": 0.0}});
    let mut layers = adamw();
    layers["adamw"]["layer_decay"] = json!({"rule": "timm", "decay": 0.7, "patch_embed": 1.0});
    let adam = |variant: &str| {
        json!({"adam": {
            "variant": variant, "lr": cosine, "betas": [0.9, 0.999], "epsilon": 1e-7,
        }})
    };
    let momentum = json!({
        "lr": cosine, "momentum": 0.9, "weight_decay": cosine, "exclude_bias_and_norm": true,
    });
    let with = |more: Value| {
        let mut all = momentum.clone();
        all.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        all
    };
    for optimizer in [
        adam("keras"),
        adam("pytorch"),
        layers,
        json!({"sgd": with(json!({"nesterov": true}))}),
        json!({"lars": with(json!({"trust_coefficient": 0.001}))}),
    ] {
        let (mut config, local) = config(&methods()[0], None);
        with_vit(&mut config, Value::Null);
        config.train.ema = Some(optim::Schedule::Cosine { start: 0.9, end: 1.0 });
        for (norm, per) in [
            (None, GradClipPer::All),
            (Some(1.0), GradClipPer::All),
            (Some(1.0), GradClipPer::Network),
        ] {
            config.train.grad_clip_norm = norm;
            config.train.grad_clip_per = per;
            let made = steps(&scheduled(config.clone(), optimizer.clone()), local);
            assert_eq!(check(&optimizer.to_string(), &made), STEPS as usize);
        }
    }
}

#[test]
fn what_is_frozen_at_first_is_captured_later() {
    let dino = methods().into_iter().find(|method| method.pointer("/dino/variant/paper").is_some());
    let (mut config, local) = config(&dino.unwrap(), None);
    config.train.freeze_last_layer = Some(0.5);
    let made = steps(&scheduled(config, adamw()), local);
    let says: Vec<_> = made.iter().map(|(says, _)| *says).collect();
    assert_eq!(says[..4], [GraphCapture::Later; 4]);
    assert_eq!(check("dino", &made), 4);
}

#[test]
fn random_numbers_of_the_cpu_are_not_captured() {
    let (mut config, local) = config(&methods()[0], None);
    with_vit(&mut config, json!({"rate": 0.1, "rule": "uniform"}));
    let learner = Learner::new(&config, task(Kind::Float)).unwrap();
    assert!(!local);
    assert_eq!(
        learner.graph_capture(),
        GraphCapture::Never("other paths are dropped in every step")
    );
}
