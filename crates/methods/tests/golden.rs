//! Set A: the seed's losses and gradients; set D: the published forms. In float64 and float32.

use golden::{Tensors, difference, largest};
use methods::{MethodConfig, Views};
use serde_json::{Value, json};
use tch::{Device, Kind, Tensor, nn::VarStore};

/// The reference's name of a method and the config that stands for it.
fn config(method: &str, hyper: &Value) -> Option<MethodConfig> {
    let config = match method {
        "SimCLR" => json!({"simclr": {"form": "seed", "temperature": hyper["temperature"]}}),
        "DINO" => json!({"dino": {
            "temperature": hyper["temperature"],
            "sharpening": hyper["sharpening"],
            "momentum": hyper["momentum_coeff"],
        }}),
        _ => return None,
    };
    Some(serde_json::from_value(config).unwrap())
}

struct Outcome {
    loss: f64,
    gradients: Vec<Tensor>,
}

fn run(config: &MethodConfig, student: [&Tensor; 2], teacher: [&Tensor; 2], kind: Kind) -> Outcome {
    let store = VarStore::new(Device::Cpu);
    let method = config.build(&store.root()).unwrap();
    let student = student.map(|p| p.to_kind(kind).set_requires_grad(true));
    let views = Views {
        student: student.iter().map(Tensor::shallow_clone).collect(),
        teacher: teacher.iter().map(|p| p.to_kind(kind)).collect(),
    };
    let loss = method.loss(&views);
    assert_eq!(loss.kind(), kind);
    let gradients = Tensor::run_backward(&[&loss], &student, false, false);
    Outcome {
        loss: loss.double_value(&[]),
        gradients,
    }
}

fn assert_close(what: &str, found: f64, expected: f64, tolerance: f64) {
    assert!(
        (found - expected).abs() <= tolerance,
        "{what}: {found} instead of {expected}"
    );
}

fn check(what: &str, case: &Value, outcome: &Outcome, gradients: &Tensors, kind: Kind) {
    let expected = case["loss_mean"].as_f64().unwrap();
    let tolerance = match kind {
        Kind::Double => 1e-9 * expected.abs(),
        _ => 1e-5 + 1e-5 * expected.abs(),
    };
    assert_close(what, outcome.loss, expected, tolerance);
    for (view, gradient) in ["grad1", "grad2"].into_iter().zip(&outcome.gradients) {
        let Some(key) = case[view].as_str() else {
            continue;
        };
        let expected = gradients.get(key);
        let tolerance = match (kind, expected.kind()) {
            (Kind::Double, Kind::Double) => 1e-8,
            (Kind::Double, _) => 2e-7,
            _ => 1e-5,
        };
        let off = difference(gradient, expected) / largest(expected);
        assert!(
            off <= tolerance,
            "{what} {view}: off by {off} of the largest entry"
        );
    }
}

#[test]
fn golden_losses_and_gradients_match_set_a() {
    let reference = golden::json("a_losses.json");
    let inputs = Tensors::open("a_inputs.safetensors");
    let mut checked = 0;
    for case in reference["cases"].as_array().unwrap() {
        let method = case["method"].as_str().unwrap();
        let Some(config) = config(method, &case["hyperparams"]) else {
            continue;
        };
        let gradients = Tensors::open(&format!("a_{}.safetensors", method.to_lowercase()));
        let names: Vec<_> = case["inputs"]
            .as_array()
            .unwrap()
            .iter()
            .map(|v| v.as_str().unwrap())
            .collect();
        let find = |suffix: &str| {
            let name = names.iter().find(|name| name.ends_with(suffix));
            inputs.get(name.copied().unwrap_or(names[0]))
        };
        for kind in [Kind::Double, Kind::Float] {
            let outcome = run(
                &config,
                [find(".p1"), find(".p2")],
                [find(".m1"), find(".m2")],
                kind,
            );
            let what = format!("{method} {} {} {kind:?}", case["case"], case["choice"]);
            check(&what, case, &outcome, &gradients, kind);
            checked += 1;
        }
    }
    assert_eq!(
        checked,
        2 * methods::CATALOG.len() * 3 * 2,
        "cases of set A"
    );
}

#[test]
fn golden_edge_cases_match_set_a() {
    let reference = golden::json("a_losses.json");
    let inputs = Tensors::open("a_inputs.safetensors");
    let edge = Tensors::open("a_edge.safetensors");
    let mut checked = 0;
    for case in reference["edge_cases"].as_array().unwrap() {
        let method = case["method"].as_str().unwrap();
        let Some(config) = config(method, &case["hyperparams"]) else {
            continue;
        };
        let find = |view: &str, fallback: &str| {
            let name = case[view]
                .as_str()
                .unwrap_or_else(|| case[fallback].as_str().unwrap());
            if edge.has(name) {
                edge.get(name)
            } else {
                inputs.get(name)
            }
        };
        let student = [find("p1", "p1"), find("p2", "p2")];
        let teacher = [find("m1", "p1"), find("m2", "p2")];
        let outcome = run(&config, student, teacher, Kind::Double);
        check(
            &format!("{method} {}", case["edge"]),
            case,
            &outcome,
            &edge,
            Kind::Double,
        );
        checked += 1;
    }
    assert_eq!(checked, methods::CATALOG.len() * 3, "edge cases of set A");
}

#[test]
fn golden_nt_xent_matches_set_d() {
    let reference = golden::json("d_lightly.json");
    let inputs = Tensors::open("a_inputs.safetensors");
    let gradients = Tensors::open("d_lightly.safetensors");
    let mut checked = 0;
    for case in reference["cases"].as_array().unwrap() {
        if case["loss"] != "NTXent" {
            continue;
        }
        let temperature = &case["hyperparams"]["temperature"];
        let config = json!({"simclr": {"form": "paper", "temperature": temperature}});
        let config: MethodConfig = serde_json::from_value(config).unwrap();
        let views = [0, 1].map(|view| inputs.get(case["inputs"][view].as_str().unwrap()));
        for kind in [Kind::Double, Kind::Float] {
            let outcome = run(&config, views, views, kind);
            let mut case = case.clone();
            case["loss_mean"] = case["value"].clone();
            let what = format!("NTXent {} {} {kind:?}", case["case"], case["choice"]);
            check(&what, &case, &outcome, &gradients, kind);
            checked += 1;
        }
    }
    assert_eq!(checked, 2 * 4, "cases of NT-Xent");
}
