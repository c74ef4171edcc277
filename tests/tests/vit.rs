//! A vision transformer through the binary: trained with local views, taken up again, measured and
//! exported.

use end_to_end::{Place, assert_same_tensors, pretrain, tensors};
use serde_json::json;

const RESUME: [&str; 5] = ["pretrain", "dino", "--run", "parts", "--resume"];

/// With position embeddings for images smaller than the global views.
fn place() -> Place {
    let place = Place::furnished();
    place.put_config("dino", |config| {
        config["method"]["dino"]["variant"] = json!({"paper": {"center_momentum": 0.9}});
        config["encoder"] = json!({"vit": {"size": "tiny", "patch_size": 8, "img_size": 24}});
        let mut local = config["augment"]["views"][0].clone();
        (local["count"], local["size"]) = (json!(1), json!(0.5));
        config["augment"]["views"].as_array_mut().unwrap().push(local);
    });
    place
}

#[test]
fn a_vision_transformer_is_trained_resumed_measured_and_exported_under_timms_names() {
    let place = place();
    let run = |folder: &'static str, more: &[&str]| {
        let start = pretrain("dino.json", folder);
        place.run(&[&start[..], more].concat()).done();
    };
    run("whole", &["--max-steps", "3"]);
    run("parts", &["--max-steps", "1"]);
    place.run(&[&RESUME[..], &["--max-steps", "3"]].concat()).done();
    assert_same_tensors(&place.newest("parts"), &place.newest("whole"));
    let measured = ["evaluate", "whole", "--protocol", "knn", "--json"];
    let measured = place.run(&measured).done().json();
    assert_eq!(measured["step"], 3);

    let stored = tensors(&place.path("whole/encoder.safetensors"));
    let shape = |name: &str| {
        let found = stored.iter().find(|stored| stored.0 == name);
        found.unwrap_or_else(|| panic!("no {name}")).2.clone()
    };
    assert_eq!(shape("pos_embed"), [1, 1 + 3 * 3, 192]);
    assert_eq!(shape("blocks.11.attn.qkv.weight"), [3 * 192, 192]);
    let export = ["export", "whole", "--format", "torchscript"];
    let export = [&export[..], &["--out", "encoder.pt", "--json"]].concat();
    assert_eq!(place.run(&export).done().json()["features"], 192);

    run("second", &["--init-weights", "whole/encoder.safetensors", "--max-steps", "1"]);
    run("split", &["--max-steps", "1", "--set", "train.micro_batch=5"]);
}

#[test]
fn views_that_are_not_whole_patches_are_refused() {
    let place = place();
    let start = pretrain("dino.json", "run");
    let refuses = |assignment: &str, says: &[&str]| {
        place.refuses(&[&start[..], &["--set", assignment]].concat(), says);
    };
    refuses(
        "augment.views.1.size=20",
        &["augment.views.1.size: expected a multiple of 8", "found 20"],
    );
    refuses(
        "encoder.vit.patch_size=10",
        &["encoder.vit.patch_size: expected 8, 12 or 16, found 10"],
    );
    refuses("encoder.vit.img_size=20", &["encoder.vit.img_size: expected a multiple", "found 20"]);
}
