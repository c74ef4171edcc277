//! LeJEPA against its authors' formulas with given directions (set I).

use golden::{Tensors, cases, difference, largest, unit_columns};
use serde_json::Value;
use tch::{Device, Kind};

use super::*;

const KINDS: [(Kind, f64, f64); 2] = [(Kind::Double, 1e-9, 1e-8), (Kind::Float, 1e-5, 1e-5)];

fn grid(hyper: &Value) -> Grid {
    let points = hyper["points"].as_u64().unwrap() as u32;
    let intervals = match hyper["grid"] == "both signs" {
        true => (points - 1) / 2,
        false => points - 1,
    };
    Grid { largest: hyper["t_max"].as_f64().unwrap(), intervals }
}

#[test]
fn golden_losses_and_gradients_match_set_i() {
    let inputs = Tensors::open("ij_inputs.safetensors");
    let own = Tensors::open("i_lejepa.safetensors");
    let mut checked = 0;
    for case in cases("i_lejepa.json", "LeJEPA") {
        // What joins the rows of all views is not one of the two forms here.
        if case["form"] == "stable_pretraining" {
            continue;
        }
        let text = |key: &str| case[key].as_str().unwrap();
        let source = if text("z_file") == "ij_inputs.safetensors" { &inputs } else { &own };
        let views = case["n_views"].as_i64().unwrap();
        let global = case["n_global"].as_i64().unwrap();
        let hyper = &case["hyperparams"];
        let centered = if hyper["centre"] == "all views" { views } else { global };
        let directions = unit_columns(&inputs.get(text("directions")).to_kind(Kind::Double));
        for (kind, of_value, of_gradient) in KINDS {
            let z = source.get(text("z")).narrow(0, 0, views).to_kind(kind);
            let z = z.copy().set_requires_grad(true);
            let lambda = hyper["lambda"].as_f64().unwrap();
            let loss = lejepa(&z, centered, &directions.to_kind(kind), grid(hyper), lambda);
            let what = format!("{} {} {} {kind:?}", case["form"], case["case"], case["views"]);
            let (found, expected) = (loss.double_value(&[]), case["value"].as_f64().unwrap());
            let off = (found - expected).abs();
            assert!(off <= of_value * (1.0 + expected.abs()), "{what}: {found}, not {expected}");
            let gradient = &Tensor::run_backward(&[&loss], &[&z], false, false)[0];
            let most = case["grad1_max_abs"].as_f64().unwrap();
            if most == 0.0 {
                // Where all projections are 0 nothing leads away.
                assert!(largest(gradient) <= 1e-9, "{what}: {}", largest(gradient));
            } else {
                golden::assert_gradient(&what, gradient, &case, &own, of_gradient);
            }
            checked += 1;
        }
    }
    assert!(checked >= 2 * 20, "{checked} cases");
}

#[test]
fn golden_statistics_and_weights_match_set_i() {
    let own = Tensors::open("i_lejepa.safetensors");
    let of_form = |case: &Value| match case["form"].as_str().unwrap() {
        "paper" => LeJepaVariant::Paper.grid(),
        _ => LeJepaVariant::Minimal.grid(),
    };
    for case in cases("i_lejepa.json", "SIGReg_1d") {
        let rows = own.get(case["inputs"][0].as_str().unwrap()).to_kind(Kind::Double);
        let rows = rows.reshape([1, -1, 1]).set_requires_grad(true);
        let statistic = sigreg(&rows, of_form(&case)).sum(Kind::Double);
        let (found, expected) = (statistic.double_value(&[]), case["value"].as_f64().unwrap());
        assert!((found - expected).abs() <= 1e-9 * expected.abs(), "{case}: {found}");
        let gradient = &Tensor::run_backward(&[&statistic], &[&rows], false, false)[0];
        let expected = own.get(case["grad1"].as_str().unwrap()).view([1, -1, 1]);
        let off = difference(gradient, &expected);
        assert!(off <= 1e-8 * largest(&expected).max(1.0), "{case}: {off}");
    }
    for case in cases("i_lejepa.json", "SIGReg_constants") {
        let numbers =
            |key: &str| -> Vec<f64> { serde_json::from_value(case[key].clone()).unwrap() };
        let (knots, weights) = (numbers("knots_from_zero"), numbers("weights"));
        let found: Vec<_> = of_form(&case).points().collect();
        assert_eq!(found.len(), knots.len());
        for ((t, weight), (knot, expected)) in found.iter().zip(knots.iter().zip(&weights)) {
            assert!((t - knot).abs() < 1e-12 && (weight - expected).abs() < 1e-12, "{t} {weight}");
        }
        let sum: f64 = found.iter().map(|(_, weight)| weight).sum();
        assert!((sum - case["sum_of_weights"].as_f64().unwrap()).abs() < 1e-12);
    }
}

#[test]
fn the_statistic_of_normal_rows_is_what_is_expected_and_others_are_larger() {
    let expected = cases("i_lejepa.json", "SIGReg_constants")
        .iter()
        .find(|case| case["form"] == "minimal")
        .map(|case| case["expected_statistic_of_standard_normal_rows"].as_f64().unwrap())
        .unwrap();
    let rng = models::WeightRng { seed: 1, stream: models::WeightStream::Method };
    // 4,000 samples of 64 rows.
    let rows = rng.draw("rows", &[1, 64, 4000], models::Init::Normal { deviation: 1.0 });
    let grid = LeJepaVariant::Minimal.grid();
    let mean = |x: &Tensor| sigreg(x, grid).mean(Kind::Float).double_value(&[]);
    assert!((mean(&rows) - expected).abs() < 0.05, "{} {expected}", mean(&rows));
    assert!(mean(&(&rows * 2.0)) > 2.0 * expected && mean(&(&rows + 1.0)) > 2.0 * expected);
    let zeros = Tensor::zeros([1, 64, 1], (Kind::Float, Device::Cpu));
    assert!(mean(&zeros) > 20.0);
}
