//! Learning rates of layers, by DINOv2's and timm's rules (set M).

use golden::{Tensors, cases, difference};
use models::FlatParameters;
use serde_json::Value;
use tch::nn::VarStore;
use tch::{Device, Kind, Tensor};

use crate::adam::Adam;
use crate::adamw::AdamW;
use crate::layer_decay::Levels;
use crate::no_decay::is_bias_or_norm;
use crate::update_rule::{StepContext, UpdateRule};
use crate::{AdamVariant, DeviceScalar, LayerDecayConfig, LayerDecayRule};

#[test]
fn golden_factors_match_set_m() {
    let mut checked = 0;
    for case in cases("m_groups.json", "lr_groups") {
        let name = case["name"].as_str().unwrap();
        if name.contains("with classifier") {
            // Encoders have none.
            continue;
        }
        let rule = match case["form"].as_str().unwrap() {
            "dinov2" => LayerDecayRule::Dinov2,
            _ => LayerDecayRule::Timm,
        };
        let config = LayerDecayConfig {
            rule,
            decay: case["layer_decay"].as_f64().unwrap(),
            patch_embed: case["patch_embed_multiplier"].as_f64().unwrap_or(1.0),
        };
        let parameters = case["backbone"].as_array().unwrap();
        let own = |parameter: &Value| format!("encoder.{}", parameter["name"].as_str().unwrap());
        let names: Vec<String> = parameters.iter().map(own).collect();
        let levels = Levels::of(&names.iter().map(String::as_str).collect::<Vec<_>>());
        for (parameter, own) in parameters.iter().zip(&names) {
            let expected = parameter["lr_multiplier"].as_f64().unwrap();
            let found = config.factor(own, &levels);
            assert!((found - expected).abs() < 1e-12, "{name}: {own} {found}, not {expected}");
            if rule == LayerDecayRule::Timm {
                let last = own.rsplit('.').next().unwrap();
                let matrix = last == "weight" && !own.contains("norm") && !own.contains("bn");
                let matrix = matrix && !own.contains("downsample.1");
                let dimensions =
                    if matrix || last.contains("token") || last == "pos_embed" { 2 } else { 1 };
                let decays = parameter["wd_multiplier"] == 1.0;
                assert_eq!(!is_bias_or_norm(own, dimensions), decays, "{own}");
            }
            checked += 1;
        }
        assert_eq!(config.factor("projection.0.weight", &levels), 1.0);
    }
    assert!(checked > 150, "{checked} parameters");
}

/// AdamW with given factors of learning rate and weight decay, and a last layer whose learning rate
/// is 0 at first.
#[test]
fn golden_steps_of_adamw_with_factors_match_set_m() {
    let tensors = Tensors::open("m_groups.safetensors");
    let case = cases("m_groups.json", "AdamW_groups");
    let case = case.iter().find(|case| case["form"] == "last layer's rate is 0").unwrap();
    let numbers = |key: &str| -> Vec<f64> { serde_json::from_value(case[key].clone()).unwrap() };
    let (lr, last_lr, decay) = (numbers("lr"), numbers("last_layer_lr"), numbers("weight_decay"));
    for parameter in case["parameters"].as_array().unwrap() {
        let get = |key: &str| tensors.get(parameter[key].as_str().unwrap()).to_kind(Kind::Double);
        let (initial, gradients, after) = (get("w0"), get("grads"), get("after_each_step"));
        let mut store = VarStore::new(Device::Cpu);
        store.set_kind(Kind::Double);
        let weight = store.root().add("weight", initial.flatten(0, -1).copy(), true);
        let parameters = FlatParameters::flatten(&store);
        let number = |key: &str| parameter[key].as_f64().unwrap();
        let mut rule = AdamW {
            adam: Adam::new(AdamVariant::Pytorch, [0.9, 0.999], 1e-8, &parameters),
            decay: DeviceScalar::new(0.0, (Kind::Double, Device::Cpu)),
            decay_mask: parameters.flat().ones_like() * number("wd_multiplier"),
            lr_factors: Some(parameters.flat().ones_like() * number("lr_multiplier")),
        };
        let last = parameter["is_last_layer"] == true;
        for step in 0..lr.len() {
            let context = StepContext {
                steps: step as u64 + 1,
                lr: if last { last_lr[step] } else { lr[step] },
                weight_decay: decay[step],
            };
            let gradient = gradients.get(step as i64).flatten(0, -1);
            let mut weights = parameters.flat().shallow_clone();
            rule.begin_step(context);
            tch::no_grad(|| rule.update(&mut weights, &gradient));
            let expected = after.get(step as i64).flatten(0, -1);
            let off = difference(&weight, &expected);
            assert!(off <= 1e-7, "{}: step {step} off by {off}", parameter["name"]);
        }
    }
}

#[test]
fn an_encoder_without_blocks_has_the_whole_learning_rate() {
    let config = LayerDecayConfig { rule: LayerDecayRule::Timm, decay: 0.5, patch_embed: 1.0 };
    let store = VarStore::new(Device::Cpu);
    let encoder = store.root() / "encoder";
    let _ = encoder.add("conv1", Tensor::zeros([3], (Kind::Float, Device::Cpu)), true);
    let factors = config.factors(&FlatParameters::flatten(&store));
    assert_eq!(factors, Tensor::ones([3], (Kind::Float, Device::Cpu)));
    let wrong = LayerDecayConfig { decay: 1.5, ..config };
    let error = wrong.validate("optimizer.adamw").unwrap_err().to_string();
    let says = "optimizer.adamw.layer_decay.decay: expected a number above 0, at most 1, found 1.5";
    assert_eq!(error, says);
}
