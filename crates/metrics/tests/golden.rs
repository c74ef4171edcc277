//! Contrastive and correlation accuracy against the reference vectors (set B).

use golden::Tensors;
use metrics::{Hits, contrastive_hits, correlation_hits};
use serde_json::Value;

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

#[test]
fn metrics_accumulate_as_the_reference_does() {
    let (json, tensors) = load("b_metrics");
    let mut checked = 0;
    for case in entries(&json, "cases").iter().filter(|case| case["case"].is_string()) {
        let measure = match text(case, "metric") {
            "contrastive" => contrastive_hits,
            "correlation" => correlation_hits,
            other => panic!("unknown metric {other}"),
        };
        let mut hits = Hits::default();
        for (batch, correct) in entries(case, "correct_after_each").iter().enumerate() {
            let view = |view| tensors.get(&format!("{}.batch{batch}.{view}", text(case, "case")));
            hits += measure(view("f1"), view("f2"));
            assert_eq!(Some(hits.correct), correct.as_u64(), "{case}, batch {batch}");
            let rows = case["rows_per_batch"].as_u64().expect("rows_per_batch");
            assert_eq!(hits.total, rows * (batch as u64 + 1), "{case}");
            let accuracy = case["running_result"][batch].as_f64().expect("running_result");
            assert!((hits.accuracy() - accuracy).abs() < 1e-7, "{case}, batch {batch}");
            checked += 1;
        }
    }
    assert!(checked > 0, "no cases");
}

#[test]
fn metrics_of_dead_features_and_zero_rows() {
    let (json, tensors) = load("b_metrics");
    let mut checked = 0;
    for case in entries(&json, "cases").iter().filter(|case| case["edge"].is_string()) {
        let name = text(case, "edge");
        let view = |view| tensors.get(&format!("{name}.{view}"));
        let mut check = |metric: &str, hits: Hits| {
            assert_eq!(Some(hits.total), case["rows"][metric].as_u64(), "{name} {metric}");
            let want = case[metric].as_f64().expect(metric);
            assert!((hits.accuracy() - want).abs() < 1e-7, "{name} {metric}: {hits:?}, {want}");
            checked += 1;
        };
        check("correlation", correlation_hits(view("f1"), view("f2")));
        // With identical rows every cosine is the same number up to the rounding of its own sum;
        // which of them is largest says nothing about an implementation.
        if name != "identical_rows" {
            check("contrastive", contrastive_hits(view("f1"), view("f2")));
        }
    }
    assert!(checked > 0, "no edge cases");
}
