//! ConvNeXt through the binary: trained in parts, exported and taken up again.

use end_to_end::{Place, pretrain, tensors};
use serde_json::json;

#[test]
fn a_convnext_is_trained_exported_and_begun_from_under_timms_names() {
    let place = Place::furnished();
    place.put_config("simclr", |config| {
        config["encoder"] = json!({"convnext": {"size": "tiny", "drop_path": 0.1}});
    });
    let step = ["--max-steps", "1", "--set", "train.micro_batch=8"];
    place.run(&[&pretrain("simclr.json", "run")[..], &step].concat()).done();
    let stored = tensors(&place.path("run/encoder.safetensors"));
    let shape = |name: &str| {
        let found = stored.iter().find(|stored| stored.0 == name);
        found.unwrap_or_else(|| panic!("no {name}")).2.clone()
    };
    assert_eq!(shape("stages.3.blocks.2.mlp.fc1.weight"), [4 * 768, 768]);
    assert_eq!(shape("head.norm.weight"), [768]);
    let export = ["export", "run", "--format", "torchscript", "--out", "encoder.pt", "--json"];
    assert_eq!(place.run(&export).done().json()["features"], 768);

    // The encoder comes with the weights, and a run has those that it began with.
    let second = ["pretrain", "simclr", "--data", "data", "--run", "second", "--device", "cpu"];
    let init = ["--init-weights", "run/encoder.safetensors", "--image-size", "32"];
    let small = ["--batch-size", "16", "--max-steps", "1"];
    place.run(&[&second[..], &init, &small].concat()).done();
    let record = place.read_json("second/config.json");
    assert_eq!(record["config"]["encoder"]["convnext"]["size"], "tiny");
    let initial = ["evaluate", "second", "--checkpoint", "initial", "--protocol", "knn", "--json"];
    assert_eq!(place.run(&initial).done().json()["step"], 0);
    let tiny = ["--set", "image_size=16"];
    let refused = [&pretrain("simclr.json", "third")[..], &tiny].concat();
    place.refuses(&refused, &["image_size: expected at least 32", "found 16 pixels"]);
}
