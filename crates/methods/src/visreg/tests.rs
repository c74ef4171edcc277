//! VISReg against its authors' formulas with given directions (set J).

use golden::{Tensors, cases, difference, largest, unit_columns};
use serde_json::Value;

use super::*;

fn config(case: &Value) -> VisRegConfig {
    let number = |key: &str| case["hyperparams"][key].as_f64().unwrap();
    VisRegConfig {
        variant: match case["form"].as_str().unwrap() {
            "visreg" => VisRegVariant::Paper,
            _ => VisRegVariant::Lightly,
        },
        lambda: number("lambda"),
        slices: 1,
        scale: number("scale"),
        shape: number("shape"),
        center: number("centre"),
    }
}

#[test]
fn golden_losses_and_gradients_match_set_j() {
    let inputs = Tensors::open("ij_inputs.safetensors");
    let own = Tensors::open("j_visreg.safetensors");
    let mut checked = 0;
    for case in cases("j_visreg.json", "VISReg") {
        let text = |key: &str| case[key].as_str().unwrap();
        let source = if text("z_file") == "ij_inputs.safetensors" { &inputs } else { &own };
        let count = |key: &str| case[key].as_i64().unwrap();
        let directions = unit_columns(&inputs.get(text("directions")).to_kind(Kind::Double));
        let edge = case["edge"].as_str().unwrap_or_default();
        for (kind, of_value, of_gradient) in [(Kind::Double, 1e-9, 1e-8), (Kind::Float, 1e-5, 1e-5)]
        {
            let z = source.get(text("z")).narrow(0, 0, count("n_views")).to_kind(kind);
            let z = z.copy().set_requires_grad(true);
            let directions = directions.to_kind(kind);
            let loss = visreg(&z, count("n_global"), &directions, &config(&case));
            let what = format!("{} {} {edge} {kind:?}", case["form"], case["case"]);
            let (found, expected) = (loss.double_value(&[]), case["value"].as_f64().unwrap());
            let off = (found - expected).abs();
            assert!(off <= of_value * (1.0 + expected.abs()), "{what}: {found}, not {expected}");
            let gradient = &Tensor::run_backward(&[&loss], &[&z], false, false)[0];
            let most = case["grad1_max_abs"].as_f64().unwrap();
            if edge.starts_with("collapsed") {
                // All rows are equal: the gradient depends on how the sort orders them.
                let found = largest(gradient);
                assert!(found > most / 10.0 && found < most * 10.0, "{what}: {found}");
            } else if let Some(name) = case["grad1"].as_str() {
                let expected = own.get(name);
                let of_gradient = match (kind, expected.kind()) {
                    (Kind::Double, Kind::Float) => 2e-7,
                    _ => of_gradient,
                };
                let off = difference(gradient, expected) / most;
                assert!(off <= of_gradient, "{what}: gradient off by {off}");
            } else if kind == Kind::Double {
                let off = (largest(gradient) - most).abs() / most;
                assert!(off <= 1e-7, "{what}: largest gradient off by {off}");
            }
            checked += 1;
        }
    }
    assert!(checked >= 2 * 18, "{checked} cases");
}

#[test]
fn golden_parts_and_quantiles_match_set_j() {
    let inputs = Tensors::open("ij_inputs.safetensors");
    let own = Tensors::open("j_visreg.safetensors");
    for case in cases("j_visreg.json", "VISReg_part") {
        let text = |key: &str| case[key].as_str().unwrap();
        let views = case["n_views"].as_i64().unwrap();
        let z = inputs.get(text("z")).narrow(0, 0, views).to_kind(Kind::Double);
        let z = z.copy().set_requires_grad(true);
        let directions = unit_columns(&inputs.get(text("directions")).to_kind(Kind::Double));
        let [scale, shape, center] = parts(&z, &directions, VisRegVariant::Lightly);
        let part = match text("part") {
            "scale" => scale,
            "shape" => shape,
            _ => center,
        };
        let (found, expected) = (part.double_value(&[]), case["value"].as_f64().unwrap());
        assert!((found - expected).abs() <= 1e-9 * expected, "{case}: {found}");
        let gradient = &Tensor::run_backward(&[&part], &[&z], false, false)[0];
        let expected = own.get(text("grad1"));
        let tolerance = if expected.kind() == Kind::Double { 1e-8 } else { 2e-7 };
        let off = difference(gradient, expected) / largest(expected);
        assert!(off <= tolerance, "{}: gradient off by {off}", text("part"));
    }
    for case in cases("j_visreg.json", "VISReg_quantiles") {
        let expected = own.get(case["quantiles"].as_str().unwrap());
        let off = difference(&quantiles(case["case"].as_i64().unwrap(), Device::Cpu), expected);
        assert!(off <= 1e-9, "{case}: {off}");
    }
}
