//! Exporting a trained encoder: files that others load, and a card that says what they are.

use end_to_end::Place;
use serde_json::json;
use sha2::{Digest, Sha256};

#[test]
fn an_encoder_leaves_as_torchscript_and_as_safetensors() {
    let place = Place::trained("simclr");
    let measured = ["evaluate", "run", "--protocol", "knn", "--out", "run/evaluation.json"];
    place.run(&measured).done();
    let export = |format: &str, out: &str, more: &[&str]| {
        let start = ["export", "run", "--format", format, "--out", out, "--json"];
        place.run(&[&start[..], more].concat()).done().json()
    };
    for input in ["u8", "float"] {
        let said = export("torchscript", "encoder.pt", &["--input", input]);
        assert_eq!((&said["features"], &said["step"]), (&json!(8), &json!(16)));
        // TorchScript is a zip archive.
        assert_eq!(place.read("encoder.pt")[..4], *b"PK\x03\x04");
        let card = place.read_json("encoder.pt.card.json");
        let found = card["input"].as_str().unwrap().to_owned();
        assert_eq!(found.contains("uint8"), input == "u8", "{found}");
        let sum = Sha256::digest(place.read("encoder.pt"));
        let sum: String = sum.iter().map(|byte| format!("{byte:02x}")).collect();
        assert_eq!((&card["sha256"], &said["sha256"]), (&json!(sum), &json!(sum)));
        assert_eq!(card["results"]["accuracy"]["knn"]["images"], 32);
        assert_eq!(card["license"], json!(null));
        // Labeled images are trained on too, without their labels.
        assert_eq!(card["training"]["data"]["images"], 96 + 32);
        assert_eq!(card["training"]["duration"], "2 epochs, 16 steps");
    }
    export("safetensors", "weights", &["--license", "CC BY 4.0"]);
    assert_eq!(place.read("weights"), place.read("run/encoder.safetensors"));
    let text = String::from_utf8(place.read("weights.card.md")).unwrap();
    assert!(text.contains("trained by simclr") && text.contains("CC BY 4.0"), "{text}");

    // Other weights have not been measured, and are others.
    export("safetensors", "early", &["--checkpoint", "epoch:1"]);
    assert_ne!(place.read("early"), place.read("weights"));
    assert_eq!(place.read_json("early.card.json")["results"], json!(null));
}

#[test]
fn an_export_that_can_not_be_made_leaves_nothing() {
    let place = Place::trained("simclr");
    let export = |run: &'static str, out: &'static str, more: &[&'static str]| {
        let start = ["export", run, "--format", "torchscript", "--out", out];
        [&start[..], more].concat()
    };
    place.refuses(&export("run", "no/encoder.pt", &[]), &["no/encoder.pt", "expected a file"]);
    place.refuses(&export("nothing", "encoder.pt", &[]), &["nothing", "expected a run"]);
    place.refuses(
        &export("run", "encoder.pt", &["--checkpoint", "epoch:7"]),
        &["no checkpoint after epoch 7"],
    );
    place.refuses(&["export", "run", "--format", "onnx", "--out", "x"], &["onnx", "torchscript"]);
}
