//! Classifiers against the reference vectors (set G).

use std::collections::HashMap;
use std::ops::ControlFlow;

use eval::{
    Features, Knn, KnnSettings, LabeledData, LinearSettings, LogisticProblem, LogisticSettings,
    Protocol,
};
use golden::{Tensors, difference};
use serde_json::Value;
use tch::{Kind, Tensor};

fn load(set: &str) -> (Value, Tensors) {
    (golden::json(&format!("{set}.json")), Tensors::open(&format!("{set}.safetensors")))
}

fn entries<'a>(json: &'a Value, key: &str) -> &'a [Value] {
    let entries = json[key].as_array().expect(key);
    assert!(!entries.is_empty(), "{key} is empty");
    entries
}

fn text<'a>(entry: &'a Value, key: &str) -> &'a str {
    entry[key].as_str().expect(key)
}

fn features(tensors: &Tensors, split: &str) -> Features {
    let labels = Vec::<i64>::try_from(tensors.get(&format!("{split}_labels"))).expect("labels");
    let labels: Vec<u16> = labels.into_iter().map(|label| label as u16).collect();
    Features::new(tensors.get(&format!("{split}_features")).shallow_clone(), &labels)
        .expect("features")
}

#[test]
fn neighbors_votes_and_predictions() {
    let (json, tensors) = load("g_probe");
    let (train, test) = (features(&tensors, "train"), features(&tensors, "test"));
    for case in entries(&json, "knn") {
        let settings = KnnSettings {
            k: case["k"].as_u64().expect("k") as usize,
            temperature: case["temperature"].as_f64().expect("temperature"),
        };
        let knn = Knn::new(&train, &settings).expect("a valid kNN");
        let neighbors = knn.neighbors(test.x());
        assert_eq!(neighbors.indices, *tensors.get(text(case, "neighbours")));

        // The reference does not take the nearest neighbor's similarity out of the exponent.
        let nearest = (neighbors.similarities.narrow(1, 0, 1) / settings.temperature).exp();
        let scores = knn.scores(&neighbors) * nearest;
        let want = tensors.get(text(case, "scores"));
        let relative = (&scores - want) / want.clamp_min(1.0);
        assert!(relative.abs().max().double_value(&[]) < 1e-6, "{case}");

        let predictions = knn.predict(test.x());
        assert_eq!(
            predictions,
            Vec::<i64>::try_from(tensors.get(text(case, "prediction"))).unwrap()
        );
        let correct = predictions.iter().zip(test.label_vec()).filter(|(a, b)| **a == *b).count();
        assert_eq!(Some(correct as u64), case["correct_top1"].as_u64());
    }
}

#[test]
fn logistic_regression_reaches_the_optimum() {
    let (json, tensors) = load("g_probe");
    let (train, test) = (features(&tensors, "train"), features(&tensors, "test"));
    let problem = LogisticProblem::new(train.x(), train.labels()).expect("a valid problem");
    let settings = LogisticSettings { tolerance: 1e-9, ..LogisticSettings::default() };
    for case in entries(&json, "logistic_regression") {
        let fit = problem.fit(case["C"].as_f64().expect("C"), None, &settings).expect("a valid C");
        assert!(fit.converged, "{case}: {fit:?}");
        let exact = |key| tensors.get(text(case, key));
        assert!(difference(&fit.model.coef, exact("exact_coef")) < 1e-8, "{case}");
        assert!(difference(&fit.model.intercept, exact("exact_intercept")) < 1e-8, "{case}");
        let objective = case["objective"].as_f64().expect("objective");
        assert!((fit.objective - objective).abs() < 1e-8 * objective, "{case}");

        let p = fit.model.logits(test.x()).softmax(1, Kind::Double);
        assert!(difference(&p, exact("test_probabilities")) < 1e-5, "{case}");
        let predictions = fit.model.predict(test.x());
        let correct = predictions.iter().zip(test.label_vec()).filter(|(a, b)| **a == *b).count();
        assert_eq!(Some(correct as u64), case["correct_test"].as_u64());
    }
}

#[test]
fn the_default_tolerance_is_within_the_reference_tolerance() {
    let (json, tensors) = load("g_probe");
    let train = features(&tensors, "train");
    let problem = LogisticProblem::new(train.x(), train.labels()).expect("a valid problem");
    for case in entries(&json, "logistic_regression") {
        let c = case["C"].as_f64().expect("C");
        let fit = problem.fit(c, None, &LogisticSettings::default()).expect("a valid C");
        let exact = tensors.get(text(case, "exact_coef"));
        assert!(difference(&fit.model.coef, exact) < 1e-4, "{case}");
        assert!(difference(&fit.model.coef, exact) <= fit.gradient_norm, "{case}");
    }
}

/// The score of a linear classifier with C 1 as scikit-learn's metrics give it.
#[test]
fn golden_scores_are_those_of_scikit_learn() {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/fixtures");
    let named = Tensor::read_safetensors(format!("{folder}/linear_choice.safetensors")).unwrap();
    let tensors: HashMap<String, Tensor> = named.into_iter().collect();
    let file = std::fs::read_to_string(format!("{folder}/linear_choice.json")).unwrap();
    let json: Value = serde_json::from_str(&file).unwrap();
    for case in entries(&json, "cases") {
        let name = text(case, "name");
        let features = |split: &str| {
            let get = |key: &str| &tensors[&format!("{name}.{split}_{key}")];
            let labels = Vec::<i64>::try_from(get("y")).unwrap();
            let labels: Vec<u16> = labels.into_iter().map(|label| label as u16).collect();
            Features::new(get("x").shallow_clone(), &labels).unwrap()
        };
        let (train, test) = (features("train"), features("test"));
        let solver = LogisticSettings { tolerance: 1e-9, ..LogisticSettings::default() };
        let linear = LinearSettings { cs: vec![1.0], solver, ..LinearSettings::default() };
        let data = LabeledData { train: &train, test: Some(&test), folds: &[], images: None };
        let go_on = |_: usize, _: usize| ControlFlow::Continue(());
        let report = eval::evaluate(&Protocol::Linear(linear), &data, &go_on).unwrap();
        let (score, expected) = (report.test(), &case["test"]);
        assert_eq!(expected["correct"], score.correct, "{case}");
        let near = |key: &str, found: f64| {
            let off = (expected[key].as_f64().unwrap() - found).abs();
            assert!(off < 1e-12, "{key}: {found}, expected {}", expected[key]);
        };
        near("balanced_accuracy", score.balanced_accuracy);
        near("macro_f1", score.macro_f1);
        match case["classes"].as_u64().unwrap() {
            ..6 => assert_eq!(score.top5, None),
            _ => near("top5", score.top5.unwrap()),
        }
    }
}
