//! Chooses `C` and scores features from a file, as the linear protocol does:
//! `linear_choice FILE...`.
//!
//! Each safetensors file has `train_x`, `test_x` (float32) and `train_y`, `test_y` (int64). Prints
//! one line of JSON per file: the report, the test accuracy of every `C` that was tried, and the
//! seconds that choosing and fitting took. `tools/sklearn/compare.py` reads it.

#![allow(clippy::print_stdout, reason = "an example reports to its user")]

use std::collections::HashMap;
use std::ops::ControlFlow;
use std::time::Instant;

use eval::{Features, LabeledData, LinearReport, LinearSettings, Protocol, Report, evaluate};
use serde_json::json;
use tch::Tensor;

fn main() {
    for path in std::env::args().skip(1) {
        let tensors = Tensor::read_safetensors(&path).expect("a safetensors file");
        let tensors: HashMap<String, Tensor> = tensors.into_iter().collect();
        let (train, test) = (features(&tensors, "train"), features(&tensors, "test"));
        let start = Instant::now();
        let report = linear(&train, &test, LinearSettings::default());
        let seconds = start.elapsed().as_secs_f64();
        let by_c = report.validation.iter().map(|score| {
            let settings = LinearSettings { cs: vec![score.c], ..LinearSettings::default() };
            json!({"c": score.c, "accuracy": linear(&train, &test, settings).test.accuracy})
        });
        let by_c: Vec<_> = by_c.collect();
        println!("{}", json!({"report": report, "test_by_c": by_c, "seconds": seconds}));
    }
}

fn linear(train: &Features, test: &Features, settings: LinearSettings) -> LinearReport {
    let data = LabeledData { train, test: Some(test), folds: &[], images: None };
    let on_progress = |_, _| ControlFlow::Continue(());
    match evaluate(&Protocol::Linear(settings), &data, &on_progress).expect("valid features") {
        Report::Linear(report) => report,
        other => unreachable!("{other:?} of the linear protocol"),
    }
}

fn features(tensors: &HashMap<String, Tensor>, split: &str) -> Features {
    let labels = Vec::<i64>::try_from(&tensors[&format!("{split}_y")]).expect("int64 labels");
    let labels: Vec<u16> = labels.into_iter().map(|label| label as u16).collect();
    let x = tensors[&format!("{split}_x")].shallow_clone();
    Features::new(x, &labels).expect("finite features")
}
