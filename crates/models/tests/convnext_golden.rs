//! ConvNeXt against timm's: names, shapes and numbers, by `tools/golden/convnext.py`.

mod golden;
#[path = "golden/timm.rs"]
mod timm;

use models::EncoderConfig;
use serde_json::{Value, json};
use tch::Kind;

fn reference() -> Value {
    serde_json::from_str(include_str!("fixtures/convnext.json")).expect("the vectors are JSON")
}

fn config(size: &Value) -> EncoderConfig {
    serde_json::from_value(json!({"convnext": {"size": size}})).expect("a configuration")
}

#[test]
fn golden_convnexts_match_timm() {
    let reference = reference();
    let cases = reference["cases"].as_array().expect("cases");
    assert_eq!(cases.len(), 2);
    for case in cases {
        timm::check_numbers(&config(&case["size"]), case, Kind::Double, 1e-8);
        timm::check_numbers(&config(&case["size"]), case, Kind::Float, 1e-4);
    }
}

#[test]
fn golden_names_and_shapes_are_timms() {
    for (size, names) in reference()["names"].as_object().expect("names") {
        timm::check_names(&config(&json!(size)), names);
    }
}
