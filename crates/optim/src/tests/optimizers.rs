//! The optimizers against reference vectors, and properties of each.

use golden::{Tensors, difference, largest};
use serde_json::{Value, json};
use tch::{Kind, Tensor, no_grad};

use super::{all_optimizers, parameters, parse, small};
use crate::{Optimizer, OptimizerConfig, StepCount};

/// How far each parameter of [`small`] moves in the first step along `gradient`.
fn first_step(config: &OptimizerConfig, gradient: &Tensor) -> Vec<(String, Tensor)> {
    let parameters = small();
    let before = parameters.flat().copy();
    let mut optimizer = Optimizer::new(config, &parameters);
    optimizer.step(&parameters, gradient, StepCount { step: 0, total: 10 });
    parameters.named(&no_grad(|| parameters.flat() - before))
}

/// A case of set H. Its parameter is a vector, which is excluded where there are exclusions.
fn of_set_h(case: &Value) -> OptimizerConfig {
    let given = &case["hyperparams"];
    let constant = |key: &str| json!({"constant": given[key]});
    let mut lars = json!({
        "lr": constant("lr"), "momentum": given["momentum"], "trust_coefficient": 0.001,
        "weight_decay": constant("weight_decay"), "exclude_bias_and_norm": false,
    });
    parse(match case["optimizer"].as_str().unwrap() {
        "torch_adam" | "torch_adam_eps1e-7" => json!({"adam": {
            "variant": "pytorch", "lr": constant("lr"), "betas": given["betas"], "epsilon": given["eps"],
        }}),
        "torch_adamw" => json!({"adamw": {
            "lr": constant("lr"), "betas": given["betas"], "epsilon": given["eps"],
            "weight_decay": constant("weight_decay"), "exclude_bias_and_norm": false,
        }}),
        "torch_sgd" | "torch_sgd_nesterov" => json!({"sgd": {
            "lr": constant("lr"), "momentum": given["momentum"], "nesterov": given["nesterov"] == true,
            "weight_decay": constant("weight_decay"), "exclude_bias_and_norm": false,
        }}),
        "lightly_lars" => json!({"lars": lars}),
        "lightly_lars_no_decay" => {
            // There nothing is adapted that isn't decayed.
            lars["exclude_bias_and_norm"] = json!(true);
            json!({"lars": lars})
        }
        other => panic!("no optimizer called {other}"),
    })
}

#[test]
fn golden_optimizers_match_set_h() {
    let reference = golden::json("h_optim.json");
    let after = Tensors::open("h_optim.safetensors");
    let inputs = Tensors::open("h_keras_adam.safetensors");
    let cases = reference["optimizers"].as_array().unwrap();
    let mut cases: Vec<_> = cases
        .iter()
        .map(|case| {
            let name = case["w_after_each_step"].as_str().unwrap();
            (of_set_h(case), after.get(name))
        })
        .collect();
    let keras = json!({"adam": {
        "variant": "keras", "lr": {"constant": 0.001}, "betas": [0.9, 0.999], "epsilon": 1e-7,
    }});
    cases.push((parse(keras), inputs.get("keras_adam_f64")));
    let steps = inputs.get("grads").size()[0] as u64;
    for (config, after) in cases {
        // There LARS adds 1e-8 to what it divides by, which moves these weights by 5e-11.
        for (kind, tolerance) in [(Kind::Double, 1e-10), (Kind::Float, 1e-6)] {
            let parameters = parameters(&[("w", inputs.get("w0").shallow_clone())], kind);
            let mut optimizer = Optimizer::new(&config, &parameters);
            for step in 0..steps {
                let gradient = inputs.get("grads").get(step as i64).to_kind(kind);
                optimizer.step(&parameters, &gradient, StepCount { step, total: steps });
                let expected = after.get(step as i64);
                let off = difference(parameters.flat(), &expected);
                let allowed = tolerance * largest(&expected).max(1.0);
                assert!(off <= allowed, "{config:?} {kind:?} step {step}: off by {off}");
            }
        }
    }
}

/// Several parameters, some of them excluded, under schedules: computed by
/// `tools/golden/optimizers.py`.
#[test]
fn golden_optimizers_tell_parameters_apart() {
    let text = include_str!("../../tests/fixtures/optimizers.json");
    let fixture: Value = serde_json::from_str(text).unwrap();
    let numbers = |list: &Value| -> Vec<f64> { serde_json::from_value(list.clone()).unwrap() };
    let total = fixture["steps"].as_u64().unwrap();
    let given: Vec<(&str, Tensor)> = fixture["parameters"]
        .as_array()
        .unwrap()
        .iter()
        .map(|parameter| {
            let shape: Vec<i64> = serde_json::from_value(parameter["shape"].clone()).unwrap();
            let values = Tensor::from_slice(&numbers(&parameter["values"]));
            (parameter["name"].as_str().unwrap(), values.view(&shape[..]))
        })
        .collect();
    let gradients = fixture["gradients"].as_array().unwrap();
    let cases = fixture["cases"].as_array().unwrap();
    for case in cases {
        let config = parse(case["optimizer"].clone());
        config.validate("optimizer").unwrap();
        for (kind, tolerance) in [(Kind::Double, 1e-12), (Kind::Float, 1e-6)] {
            let parameters = parameters(&given, kind);
            let mut optimizer = Optimizer::new(&config, &parameters);
            let after = case["weights"].as_array().unwrap();
            assert_eq!(after.len(), gradients.len());
            for (step, (gradient, after)) in (0..).zip(gradients.iter().zip(after)) {
                let gradient = Tensor::from_slice(&numbers(gradient)).to_kind(kind);
                optimizer.step(&parameters, &gradient, StepCount { step, total });
                let expected = Tensor::from_slice(&numbers(after));
                let off = difference(parameters.flat(), &expected);
                assert!(
                    off <= tolerance * largest(&expected).max(1.0),
                    "{config:?} {kind:?} step {step}: off by {off}"
                );
            }
        }
    }
    assert_eq!(cases.len(), 6);
}

#[test]
fn without_gradient_and_decay_nothing_moves() {
    let zeros = small().flat().zeros_like();
    for config in all_optimizers(json!({"constant": 0.5}), 0.0) {
        for (name, moved) in first_step(&config, &zeros) {
            assert_eq!(largest(&moved), 0.0, "{config:?} {name}");
        }
    }
}

#[test]
fn what_is_excluded_is_not_decayed() {
    let zeros = small().flat().zeros_like();
    for config in &all_optimizers(json!({"constant": 0.5}), 0.1)[2..] {
        let moved = first_step(config, &zeros);
        let moved: Vec<f64> = moved.iter().map(|(_, moved)| largest(moved)).collect();
        assert!(moved[0] > 0.0 && moved[1] == 0.0 && moved[2] == 0.0, "{config:?} {moved:?}");
        let mut all = serde_json::to_value(config).unwrap();
        for settings in all.as_object_mut().unwrap().values_mut() {
            settings["exclude_bias_and_norm"] = json!(false);
        }
        let moved = first_step(&parse(all), &zeros);
        assert!(moved.iter().all(|(_, moved)| largest(moved) > 0.0), "{config:?} {moved:?}");
    }
}

#[test]
fn the_steps_of_lars_do_not_depend_on_the_scale_of_the_gradient() {
    let lars = all_optimizers(json!({"constant": 2.0}), 0.0).pop().unwrap();
    let gradient = (small().flat().detach() * 7.0).sin();
    let (once, thousandfold) =
        (first_step(&lars, &gradient), first_step(&lars, &(&gradient * 1000.0)));
    assert!(difference(&once[0].1, &thousandfold[0].1) < 1e-14);
    // As long as its parameter, but for the coefficient and the step size.
    let (_, weight) = small().named(small().flat()).remove(0);
    let (step, length) = (once[0].1.norm(), weight.norm());
    assert!(difference(&step, &(length * 0.002)) < 1e-14);
    // What is excluded is not adapted.
    for index in [1, 2] {
        let scaled = &once[index].1 * 1000.0;
        assert!(largest(&scaled) > 1.0 && difference(&scaled, &thousandfold[index].1) < 1e-9);
    }
}

#[test]
fn numbers_out_of_range_name_their_key() {
    let all = all_optimizers(json!({"constant": 0.1}), 0.1);
    let [adamw, sgd, nesterov, lars] = [2, 3, 4, 5].map(|index| &all[index]);
    let warm = json!({"warmup": {"start": 0.0, "end": 1.0, "warmup_fraction": 1.5}});
    let falling = json!({"cosine": {"start": 0.1, "end": -0.1}});
    for (config, path, value, says) in [
        (adamw, "adamw.lr", json!({"constant": -1}), "-1"),
        (adamw, "adamw.weight_decay", falling, "-0.1"),
        (adamw, "adamw.betas", json!([1.0, 0.9]), ".0: "),
        (adamw, "adamw.epsilon", json!(0), "positive"),
        (sgd, "sgd.lr", warm, "a fraction in 0..=1"),
        (sgd, "sgd.momentum", json!(1), "0..1"),
        (nesterov, "sgd.momentum", json!(0), "nesterov: expected false"),
        (lars, "lars.weight_decay", json!({"constant": -1}), "-1"),
        (lars, "lars.momentum", json!(-0.1), "0..1"),
        (lars, "lars.trust_coefficient", json!(0), "positive"),
    ] {
        config.validate("optimizer").unwrap();
        let mut changed = serde_json::to_value(config).unwrap();
        *changed.pointer_mut(&format!("/{}", path.replace('.', "/"))).unwrap() = value;
        let error = parse(changed).validate("optimizer").unwrap_err().to_string();
        let optimizer = path.split('.').next().unwrap();
        assert!(
            error.starts_with(&format!("optimizer.{optimizer}.")) && error.contains(says),
            "{path}: {error}"
        );
    }
}
