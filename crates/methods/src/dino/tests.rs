//! DINO and KoLeo as in DINOv2's code (set K).

use golden::{Tensors, cases, difference, largest};
use tch::{Kind, no_grad};

use super::*;

const KINDS: [(Kind, f64, f64); 2] = [(Kind::Double, 1e-9, 2e-7), (Kind::Float, 1e-5, 2e-5)];

/// The views of `rows`, one after the other, of `images` each.
fn views(rows: &Tensor, images: i64) -> Vec<Tensor> {
    rows.split(images, 0)
}

#[test]
fn golden_targets_losses_and_gradients_match_set_k() {
    let tensors = Tensors::open("k_dinov2.safetensors");
    let mut checked = 0;
    for case in cases("k_dinov2.json", "DINO") {
        let number = |key: &str| case["hyperparams"][key].as_f64().unwrap();
        let images = case["B"].as_i64().unwrap();
        let of_case = |key: &str| tensors.get(case[key].as_str().unwrap());
        for (kind, of_value, of_gradient) in KINDS {
            let get = |name: &str| tensors.get(name).to_kind(kind).copy();
            let student =
                ["student_global", "student_local"].map(|name| get(name).set_requires_grad(true));
            let temp = Tensor::from(number("teacher_temp")).to_kind(kind);
            let targets = match case["form"].as_str().unwrap() {
                "sinkhorn" => {
                    let iterations = case["hyperparams"]["iterations"].as_u64().unwrap() as u32;
                    balanced(&views(&get("teacher_1"), images), &temp, iterations)
                }
                _ => {
                    let center = of_case("center_before").to_kind(kind).view([1, -1]);
                    centered(&views(&get("teacher_2"), images), &center, &temp)
                }
            };
            let what = format!("{} {} {kind:?}", case["form"], case["case"]);
            let expected = of_case("targets").to_kind(Kind::Double);
            let off = difference(&Tensor::cat(&targets, 0), &expected.view([2 * images, -1]));
            assert!(off <= if kind == Kind::Double { 1e-10 } else { 1e-5 }, "{what}: {off}");
            let all: Vec<Tensor> = student.iter().flat_map(|rows| views(rows, images)).collect();
            let loss = paper(&all, &targets, number("student_temp"));
            let (found, expected) = (loss.double_value(&[]), case["value"].as_f64().unwrap());
            let off = (found - expected).abs();
            assert!(off <= of_value * (1.0 + expected), "{what}: {found}, not {expected}");
            let gradients = Tensor::run_backward(&[&loss], &student, false, false);
            for (key, gradient) in ["grad1", "grad2"].iter().zip(&gradients) {
                let expected = of_case(key);
                let off = difference(gradient, expected) / largest(expected);
                assert!(off <= of_gradient, "{what}: {key} off by {off}");
            }
            checked += 1;
        }
    }
    assert_eq!(checked, 8, "cases of set K");
}

#[test]
fn golden_koleo_matches_set_k() {
    let tensors = Tensors::open("k_dinov2.safetensors");
    for case in cases("k_dinov2.json", "KoLeo") {
        for (kind, of_value, of_gradient) in KINDS {
            let name = case["inputs"][0].as_str().unwrap();
            let features = tensors.get(name).to_kind(kind).copy().set_requires_grad(true);
            // Two views or one, by the shape of what is given.
            let loss = match case["form"] == "one view" {
                true => koleo(&features),
                false => {
                    let rows = features.view([-1, features.size()[features.dim() - 1]]);
                    let half = rows.size()[0] / 2;
                    koleo(&rows.narrow(0, 0, half)) + koleo(&rows.narrow(0, half, half))
                }
            };
            let (found, expected) = (loss.double_value(&[]), case["value"].as_f64().unwrap());
            let off = (found - expected).abs();
            assert!(off <= of_value * (1.0 + expected.abs()), "{kind:?}: {found}, not {expected}");
            let gradient = &Tensor::run_backward(&[&loss], &[&features], false, false)[0];
            assert!(largest(gradient).is_finite());
            if let Some(name) = case["grad1"].as_str() {
                let expected = no_grad(|| tensors.get(name).view_as(gradient));
                let off = difference(gradient, &expected) / largest(&expected);
                assert!(off <= of_gradient, "{kind:?}: gradient off by {off}");
            }
        }
    }
}
