use std::collections::BTreeSet;

use golden::{Tensors, difference, largest};
use tch::Kind;

use super::*;

#[test]
fn golden_swapped_predictions_match_set_d() {
    let reference = golden::json("d_lightly.json");
    let tensors = Tensors::open("d_lightly.safetensors");
    let mut checked = BTreeSet::new();
    for case in reference["cases"].as_array().unwrap() {
        let loss = case["loss"].as_str().unwrap();
        if !["SwaV", "SwaV_crops_queue"].contains(&loss) {
            continue;
        }
        checked.insert(loss);
        let hyper = &case["hyperparams"];
        let number = |key: &str| hyper[key].as_f64().unwrap();
        let config = SwavConfig {
            temperature: number("temperature"),
            epsilon: number("sinkhorn_epsilon"),
            iterations: number("sinkhorn_iterations") as u32,
            prototypes: 1,
            queue_size: 0,
        };
        let names: Vec<_> =
            case["inputs"].as_array().unwrap().iter().map(|name| name.as_str().unwrap()).collect();
        for (kind, value, gradient, stored) in
            [(Kind::Double, 1e-9, 1e-8, 2e-7), (Kind::Float, 1e-5, 1e-5, 1e-5)]
        {
            let get = |name: &&str| tensors.get(name).to_kind(kind).copy();
            let (queued, scores): (Vec<_>, Vec<_>) =
                names.iter().partition(|name| name.contains(".zq"));
            let scores: Vec<_> =
                scores.iter().map(|name| get(name).set_requires_grad(true)).collect();
            let queued: Vec<Tensor> = queued.iter().map(get).collect();
            let queued = (!queued.is_empty()).then_some(&queued[..]);
            let loss = swapped_prediction(&scores, 2, queued, &config);
            let (found, expected) = (loss.double_value(&[]), case["value"].as_f64().unwrap());
            assert!(
                (found - expected).abs() <= value * (1.0 + expected.abs()),
                "{case} {kind:?}: {found}"
            );
            let gradients = Tensor::run_backward(&[&loss], &scores, false, false);
            for (number, found) in (1..).zip(&gradients) {
                let Some(key) = case[format!("grad{number}")].as_str() else {
                    continue;
                };
                let expected = tensors.get(key);
                let off = difference(found, expected) / largest(expected);
                let allowed = if expected.kind() == Kind::Double { gradient } else { stored };
                assert!(off <= allowed, "{key} {kind:?}: off by {off}");
            }
        }
    }
    assert_eq!(checked.len(), 2, "checked {checked:?}");
}

#[test]
fn codes_use_every_prototype_equally() {
    let scores = Tensor::arange(60, (Kind::Double, tch::Device::Cpu)).sin().view([12, 5]);
    let codes = sinkhorn(&(&scores / 0.5), 50);
    let rows = codes.sum_dim_intlist([1i64].as_slice(), false, Kind::Double);
    let columns = codes.sum_dim_intlist([0i64].as_slice(), false, Kind::Double);
    assert!((rows - 1.0).abs().max().double_value(&[]) < 1e-12);
    assert!((columns - 12.0 / 5.0).abs().max().double_value(&[]) < 1e-6);
}

const SHARP: &[f64] = &[0.9, 0.2, 0.1, 0.15, 0.6, -0.3, -0.5, -0.503, -0.499, 0.31, 0.301, -0.2];
/// By 60 decimal digits, without logarithms.
const SHARP_CODES: &[f64] = &[
    0.8841465596985618,
    1.6897034178323088e-59,
    0.11585344030143817,
    1.73445238783926e-108,
    1.0,
    1.0573934391880857e-58,
    8.433127343630203e-116,
    1.2833925337351814e-73,
    1.0,
    3.0155367627414e-42,
    0.6210785259286691,
    0.378921474071331,
];

/// Scores that lie many `epsilon` apart keep their codes, in 32 bits too.
#[test]
fn a_small_epsilon_loses_no_image() {
    let scores = Tensor::from_slice(SHARP).view([4, 3]);
    for (kind, allowed) in [(Kind::Double, 1e-9), (Kind::Float, 5e-4)] {
        let codes = sinkhorn(&(scores.to_kind(kind) / 0.003), 3);
        let expected = Tensor::from_slice(SHARP_CODES).view([4, 3]);
        let off = difference(&codes, &expected);
        assert!(off <= allowed, "{kind:?}: off by {off}");
        let rows = codes.sum_dim_intlist([1i64].as_slice(), false, Kind::Double);
        assert!((rows - 1.0).abs().max().double_value(&[]) < 1e-5);
    }
}

/// Every ordered pair of global views counts alike: the mean of the losses of pairs.
#[test]
fn of_three_global_views_every_one_predicts_the_codes_of_the_others() {
    let config =
        SwavConfig { temperature: 0.1, epsilon: 0.05, iterations: 3, prototypes: 1, queue_size: 0 };
    let numbers = Tensor::arange(3 * 12, (Kind::Double, tch::Device::Cpu));
    let views = (numbers * 1.7).sin().view([3, 4, 3]).unbind(0);
    let queue = Tensor::arange(3 * 6, (Kind::Double, tch::Device::Cpu)).cos().view([3, 2, 3]);
    let queue = queue.unbind(0);
    let loss = |chosen: &[usize], queued: bool| {
        let of = |all: &[Tensor]| -> Vec<Tensor> {
            chosen.iter().map(|&view| all[view].shallow_clone()).collect()
        };
        let queue = of(&queue);
        let queued = queued.then_some(&queue[..]);
        swapped_prediction(&of(&views), chosen.len(), queued, &config).double_value(&[])
    };
    for queued in [false, true] {
        let pairs = [[0, 1], [0, 2], [1, 2]].map(|pair| loss(&pair, queued));
        let off = loss(&[0, 1, 2], queued) - pairs.iter().sum::<f64>() / 3.0;
        assert!(off.abs() < 1e-12, "{off}");
    }
}
