//! A vision transformer through the binary: trained with local views, taken up again, measured and
//! exported.

use end_to_end::{Place, Stored, assert_same_tensors, pretrain, tensors};
use safetensors::tensor::{Dtype, TensorView};
use serde_json::json;

const RESUME: [&str; 5] = ["pretrain", "dino", "--run", "parts", "--resume"];

/// With position embeddings for images smaller than the global views.
fn place() -> Place {
    let place = Place::furnished();
    place.put_config("dino", |config| {
        config["method"]["dino"]["variant"] = json!({"paper": {"center_momentum": 0.9}});
        config["encoder"] = json!({"vit": {
            "size": "tiny", "patch_size": 8, "img_size": 24,
            "drop_path": {"rate": 0.1, "rule": "linear"},
        }});
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
        &["encoder.vit.patch_size: expected 8, 12, 14 or 16, found 10"],
    );
    refuses("encoder.vit.img_size=20", &["encoder.vit.img_size: expected a multiple", "found 20"]);
}

/// A file of `stored` tensors without a word about what they are of.
fn write(place: &Place, name: &str, stored: &[Stored]) {
    let views = stored.iter().map(|(name, dtype, shape, bytes)| {
        (name.clone(), TensorView::new(*dtype, shape.clone(), bytes).unwrap())
    });
    place.put(name, safetensors::serialize(views, None).unwrap());
}

#[test]
fn weights_bring_their_encoder_and_their_normalization_along() {
    let place = Place::furnished();
    let start = ["pretrain", "simclr", "--data", "data", "--preset", "cpu", "--max-steps", "1"];
    let start = [&start[..], &["--device", "cpu", "--batch-size", "8", "--image-size"]].concat();
    let run = |more: &[&str]| place.run(&[&start[..], &["28"], more].concat()).done();
    let vit = r#"encoder={"vit": {"size": "tiny", "patch_size": 14, "img_size": 42,
        "layer_scale": 1e-5, "register_tokens": 4, "no_embed_class": true,
        "drop_path": {"rate": 0.1, "rule": "linear"}}}"#;
    run(&["--run", "first", "--set", vit]);
    let stored = tensors(&place.path("first/encoder.safetensors"));
    let renamed = stored.iter().filter(|stored| stored.0 != "pos_embed").cloned();
    let renamed = renamed.map(|stored| match stored.0.as_str() {
        "reg_token" => ("register_tokens".to_owned(), stored.1, stored.2, stored.3),
        _ => stored,
    });
    let zeros = |name: &str, rows: usize| -> Stored {
        (name.to_owned(), Dtype::F32, vec![1, rows, 192], vec![0; 4 * rows * 192])
    };
    let dinov2: Vec<Stored> = renamed.chain([zeros("pos_embed", 10)]).collect();
    write(&place, "dinov2.safetensors", &dinov2);
    let told = run(&["--run", "second", "--init-weights", "dinov2.safetensors"]).stderr;
    let says = "dinov2.safetensors: weights of a vision transformer of DINOv2 of 192 features and \
                12 blocks, patches of 14 pixels, 4 registers, position embeddings for 42 pixels; \
                pixels normalized by [0.485";
    assert!(told.contains(says), "{told}");
    let config = place.read_json("second/config.json")["config"].clone();
    let expected = json!({"vit": {
        "size": "tiny", "patch_size": 14, "img_size": 42, "layer_scale": 1e-5,
        "register_tokens": 4, "no_embed_class": true, "normalize": "imagenet",
    }});
    assert_eq!(config["encoder"], expected);
    assert!(config["optimizer"].get("adamw").is_some(), "{config}");
    let kept = tensors(&place.path("second/initial.safetensors"));
    assert_eq!(kept.iter().find(|stored| stored.0 == "pos_embed").unwrap().2, [1, 9, 192]);
    // What is given goes before what the file says.
    let given = ["--init-weights", "dinov2.safetensors", "--set", "encoder.vit.normalize=none"];
    let words = [&["--run", "third", "--set", vit][..], &given].concat();
    run(&words);
    let config = place.read_json("third/config.json")["config"].clone();
    assert_eq!(config["encoder"]["vit"]["normalize"], json!(null), "{config}");

    // A part of the encoder that is given changes that of the file.
    let part = ["--init-weights", "dinov2.safetensors", "--set", "encoder.vit.pool=avg"];
    run(&[&["--run", "pooled"][..], &part].concat());
    let config = place.read_json("pooled/config.json")["config"].clone();
    assert_eq!(config["encoder"]["vit"]["pool"], "avg");
    assert_eq!(config["encoder"]["vit"]["normalize"], "imagenet");

    let refuses = |side: &str, more: &[&str], says: &[&str]| {
        place.refuses(&[&start[..], &[side, "--run", "fourth"], more].concat(), says);
    };
    let init = ["--init-weights", "dinov2.safetensors"];
    let says =
        ["dinov2.safetensors: expected weights of the encoder", "resnet", "those of a vision"];
    refuses("28", &[&init[..], &["--encoder", "resnet18"]].concat(), &says);
    let says = ["dinov2.safetensors: expected weights", "vit", "\"patch_size\":14"];
    refuses("32", &[&init[..], &["--encoder", "vit-small"]].concat(), &says);
    let says = ["image_size: expected a multiple of 14", "such as 84 or 98", "found 96 pixels"];
    refuses("96", &init, &says);
    let shallow: Vec<Stored> =
        dinov2.iter().filter(|stored| !stored.0.starts_with("blocks.11.")).cloned().collect();
    write(&place, "shallow.safetensors", &shallow);
    let says = ["shallow.safetensors: expected a tensor blocks.11.", "none of this name (14 such"];
    refuses("28", &["--init-weights", "shallow.safetensors", "--set", vit], &says);
    place.put("dinov2.pth", b"PK\x03\x04");
    let says = ["dinov2.pth: expected a safetensors file", "torch.load(\"dinov2.pth\""];
    refuses("28", &["--init-weights", "dinov2.pth"], &says);
}

#[test]
fn features_of_patches_are_written_for_a_vision_transformer() {
    let place = place();
    place.run(&[&pretrain("dino.json", "run")[..], &["--max-steps", "1"]].concat()).done();
    let embed = |out: &'static str| ["embed", "run", "--split", "test", "--tokens", "--out", out];
    let said = place.run(&[&embed("tokens.npy")[..], &["--json"]].concat()).done().json();
    // Images of 32 pixels in patches of 8.
    assert_eq!((&said["patches"], &said["features"]), (&json!(16), &json!(16 * 192)));
    let array = place.read("tokens.npy");
    let start = 10 + usize::from(u16::from_le_bytes([array[8], array[9]]));
    let head = String::from_utf8_lossy(&array[10..start]);
    assert!(head.contains("'shape': (32, 16, 192)"), "{head}");
    let numbers = &array[start..];
    assert_eq!(numbers.len(), 32 * 16 * 192 * 4);
    // Patches of an image and images differ.
    let of = |image: usize, patch: usize| {
        let first = (image * 16 + patch) * 192 * 4;
        &numbers[first..first + 192 * 4]
    };
    assert!(of(0, 0) != of(0, 1) && of(0, 0) != of(1, 0));
    place.run(&embed("tokens.safetensors")).done();
    let stored = tensors(&place.path("tokens.safetensors"));
    let features = stored.iter().find(|stored| stored.0 == "features").unwrap();
    assert_eq!((&features.2[..], &features.3[..]), (&[32, 16, 192][..], numbers));
    place.run(&embed("tokens.parquet")).done();

    place.refuses(&embed("tokens.csv"), &["tokens.csv", "expected .npy, .parquet"]);
    place.run(&[&pretrain("simclr.json", "conv")[..], &["--max-steps", "1"]].concat()).done();
    let conv = ["embed", "conv", "--tokens", "--out", "conv.npy"];
    place.refuses(&conv, &["--tokens", "expected a run of a vision transformer", "convnet"]);
}
