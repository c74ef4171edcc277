//! Vision transformers against timm's: names, shapes and numbers, by `tools/golden/vit.py`.

mod golden;
#[path = "golden/timm.rs"]
mod timm;

use models::EncoderConfig;
use serde_json::{Value, json};
use tch::Kind;

fn reference() -> Value {
    serde_json::from_str(include_str!("fixtures/vit.json")).expect("the vectors are JSON")
}

fn config(size: &Value, patch: &Value, image: &Value) -> EncoderConfig {
    let vit = json!({"size": size, "patch_size": patch, "img_size": image});
    serde_json::from_value(json!({"vit": vit})).expect("a configuration")
}

#[test]
fn golden_vision_transformers_match_timm() {
    let reference = reference();
    let cases = reference["cases"].as_array().expect("cases");
    for case in cases {
        let config = config(&case["size"], &case["patch"], &case["image"]);
        // timm interpolates in float32.
        let tolerance = if case["image"] == case["side"] { 1e-8 } else { 1e-5 };
        timm::check_numbers(&config, case, Kind::Double, tolerance);
        timm::check_numbers(&config, case, Kind::Float, 1e-4);
    }
    for (key, expected) in [("size", "small tiny"), ("patch", "12 16 8")] {
        let mut found: Vec<String> =
            cases.iter().map(|case| case[key].to_string().replace('"', "")).collect();
        found.sort();
        found.dedup();
        assert_eq!(found.join(" "), expected);
    }
    assert!(cases.iter().any(|case| case["image"] != case["side"]));
}

#[test]
fn golden_names_and_shapes_are_timms() {
    for (size, names) in reference()["names"].as_object().expect("names") {
        timm::check_names(&config(&json!(size), &json!(16), &json!(224)), names);
    }
}
