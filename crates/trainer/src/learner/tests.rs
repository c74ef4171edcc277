//! A step of DINOv2 from images to gradients, against its own code (set K).

use golden::{Tensors, cases, difference, largest};
use serde_json::{Value, json};
use tch::Kind;

use super::*;
use crate::tests::tiny_config;

/// The configuration of the networks and of the method of a case.
fn config(case: &Value) -> Config {
    let about = |key: &str| case["architecture"][key].as_i64().unwrap();
    let variant = match case["form"] == "centering" {
        true => json!({"centering": {"center_momentum": case["hyperparams"]["center_momentum"]}}),
        false => json!({"sinkhorn": {"iterations": 3}}),
    };
    let hyper = &case["hyperparams"];
    let mut config = tiny_config("simclr");
    let method = json!({"dinov2": {
        "variant": variant, "mask_probability": 0.5, "mask_ratio": [0.1, 0.5],
        "dino": hyper["dino_weight"], "ibot": hyper["ibot_weight"],
        "koleo": hyper["koleo_weight"], "separate_heads": false,
        "student_temp": hyper["student_temp"],
        "teacher_temp": {"constant": hyper["teacher_temp"]},
        "teacher_momentum": {"constant": 0.99},
    }});
    config.method = serde_json::from_value(method).unwrap();
    let vit = json!({"vit": {
        "size": {"custom": {
            "embed_dim": about("dim"), "num_heads": about("heads"), "depth": about("depth"),
        }},
        "patch_size": about("patch"), "img_size": about("image"), "layer_scale": 1e-5,
        "register_tokens": about("registers"), "no_embed_class": true,
    }});
    config.encoder = serde_json::from_value(vit).unwrap();
    config.image_size = about("image") as usize;
    let head = json!({"dino_head": {
        "hidden_dims": [about("hidden"), about("hidden")], "bottleneck_dim": about("bottleneck"),
        "output_dim": about("K"), "norm_last_layer": false,
    }});
    config.projection = serde_json::from_value(head).unwrap();
    config
}

/// DINOv2's name of a tensor of the student, below `net_student.`.
fn their_name(own: &str) -> String {
    let name = own.strip_prefix("encoder.").map(|name| format!("backbone.{name}"));
    let name = name.unwrap_or_else(|| own.replace("projection.", "dino_head."));
    [
        ("reg_token", "register_tokens"),
        ("dense1", "mlp.0"),
        ("dense2", "mlp.2"),
        ("dense3", "mlp.4"),
        ("gains", "last_layer.weight_g"),
        ("prototypes", "last_layer.weight_v"),
    ]
    .iter()
    .fold(name, |name, (ours, theirs)| name.replace(ours, theirs))
}

/// What a tensor of theirs called `name` is here: the class token has the position embedding of its
/// own, which is apart there.
fn values(name: &str, prefix: &str, tensors: &Tensors) -> Tensor {
    let get = |name: &str| tensors.get(&format!("{prefix}{name}")).to_kind(Kind::Double);
    let positions = || get("backbone.pos_embed");
    match name {
        "backbone.cls_token" => get(name) + positions().narrow(1, 0, 1),
        "backbone.pos_embed" => positions().slice(1, 1, None, 1),
        _ => get(name),
    }
}

fn load(networks: &EncoderAndHead, prefix: &str, tensors: &Tensors) {
    for (name, mut own) in networks.store.variables() {
        if !name.starts_with("method.") {
            let values = values(&their_name(&name), prefix, tensors);
            no_grad(|| own.copy_(&values.view_as(&own)));
        }
    }
}

#[test]
fn golden_steps_of_dinov2_match_set_k() {
    let tensors = Tensors::open("k_dinov2.safetensors");
    let mut checked = 0;
    for case in cases("k_dinov2.json", "DINOv2_network") {
        for kind in [Kind::Double, Kind::Float] {
            let dtypes = DTypes { master: kind, compute: kind };
            let task = LearnerOptions { classes: None, device: Device::Cpu, dtypes };
            let mut learner = Learner::new(&config(&case), task).unwrap();
            load(&learner.student, "net_student.", &tensors);
            load(&learner.teacher.as_ref().unwrap().networks, "net_teacher.", &tensors);
            let centering = case["form"] == "centering";
            let centers = [("center", "center_cls"), ("patch_center", "center_patches")];
            let center = |learner: &Learner, name: &str| {
                learner.student.store.variables()[&format!("method.{name}")].shallow_clone()
            };
            for (own, theirs) in centers.iter().filter(|_| centering) {
                let before = tensors.get(&format!("net_{theirs}"));
                no_grad(|| center(&learner, own).copy_(&before.view([1, -1])));
            }
            let images = |name: &str| (tensors.get(name).to_kind(kind) - 128.0) / 64.0;
            let batch = DeviceBatch {
                views: vec![images("net_images_global"), images("net_images_local")],
                masks: Some(tensors.get("net_masks").shallow_clone()),
                images: 2,
                labeled: 0,
                probe: None,
            };
            let count = StepCount { step: 0, total: 1 };
            learner.begin_step(count, batch.images);
            let forward = learner.forward(&batch).unwrap();
            let loss = learner.method.loss(&forward.projections);
            let what = format!("{} {kind:?}", case["form"]);
            let (found, expected) = (loss.double_value(&[]), case["value"].as_f64().unwrap());
            let bound = if kind == Kind::Double { 1e-9 } else { 1e-5 };
            assert!((found - expected).abs() <= bound * (1.0 + expected), "{what}: {found}");
            let gradient = learner.gradient(&loss, &forward, &batch).unwrap();
            check_gradients(&what, &learner.parameters, &gradient, &case, &tensors);
            no_grad(|| learner.method.update_state(&forward.projections));
            for (own, theirs) in centers.iter().filter(|_| centering) {
                let after = case[format!("{theirs}_after")].as_str().unwrap();
                let after = tensors.get(after).view([1, -1]);
                let off = difference(&center(&learner, own), &after);
                assert!(off <= if kind == Kind::Double { 1e-10 } else { 1e-5 }, "{what}: {off}");
            }
            checked += 1;
        }
    }
    assert_eq!(checked, 4);
}

/// Compares every gradient: some whole, the others by their lengths and their products with the
/// parameters.
fn check_gradients(
    what: &str,
    parameters: &FlatParameters,
    gradient: &Tensor,
    case: &Value,
    tensors: &Tensors,
) {
    let bound = if gradient.kind() == Kind::Double { 1e-8 } else { 2e-5 };
    let parts = parameters.named(gradient);
    for ((name, found), (_, parameter)) in parts.iter().zip(parameters.named(parameters.flat())) {
        let theirs = their_name(name);
        if let Some(key) = case["gradients"][&theirs].as_str() {
            let expected = tensors.get(key);
            let expected = match &theirs[..] {
                "backbone.pos_embed" => expected.slice(1, 1, None, 1),
                _ => expected.shallow_clone(),
            };
            let off = difference(found, &expected.view_as(found)) / largest(&expected);
            assert!(off <= bound, "{what}: gradient of {name} off by {off}");
        }
        if ["backbone.cls_token", "backbone.pos_embed"].contains(&&theirs[..]) {
            continue;
        }
        let summary = &case["gradient_summary"][&theirs];
        let number = |key: &str| summary[key].as_f64().unwrap_or_else(|| panic!("{theirs}"));
        let length = number("l2");
        let off = (found.norm().double_value(&[]) - length).abs();
        assert!(off <= bound * length, "{what}: gradient of {name} is {off} longer");
        let product = (found * &parameter).sum(gradient.kind()).double_value(&[]);
        let off = (product - number("dot_parameter")).abs();
        let allowed = bound * length * (1.0 + parameter.norm().double_value(&[]));
        assert!(off <= allowed, "{what}: product of {name} off by {off}");
    }
}
