//! A residual network through the binary: trained, measured, exported and taken up again.

use end_to_end::{Place, pretrain, tensors};
use safetensors::tensor::Dtype;
use serde_json::{Value, json};

fn place(norm: &str) -> Place {
    let place = Place::furnished();
    place.put_config("simclr", |config| {
        config["encoder"] = json!({"resnet": {"depth": 18, "stem": "imagenet", "norm": norm}});
    });
    place
}

#[test]
fn a_residual_network_is_trained_measured_and_exported_under_torchvisions_names() {
    let place = place("batch");
    let start = pretrain("simclr.json", "run");
    place.run(&[&start[..], &["--max-steps", "2"]].concat()).done();
    let protocol = ["--protocol", "knn", "--json"];
    let evaluate = |more: &[&str]| {
        let arguments = [&["evaluate", "run"][..], &protocol, more].concat();
        place.run(&arguments).done().json()
    };
    assert_eq!(evaluate(&[]), evaluate(&[]));
    assert_eq!(evaluate(&["--checkpoint", "initial"])["step"], 0);

    let stored = tensors(&place.path("run/encoder.safetensors"));
    assert_eq!(stored.len(), 20 * 6);
    let find = |name: &str| {
        let found = stored.iter().find(|stored| stored.0 == name);
        let (_, dtype, shape, bytes) = found.unwrap_or_else(|| panic!("no {name}"));
        (*dtype, shape.clone(), bytes.clone())
    };
    assert_eq!(find("conv1.weight").1, [64, 3, 7, 7]);
    assert_eq!(find("layer4.0.downsample.1.running_var").1, [512]);
    // Two steps of two views each.
    let count = (Dtype::I64, Vec::<usize>::new(), 4i64.to_le_bytes().to_vec());
    assert_eq!(find("layer3.1.bn2.num_batches_tracked"), count);

    let second = pretrain("simclr.json", "second");
    let init = ["--init-weights", "run/encoder.safetensors", "--max-steps", "1"];
    place.run(&[&second[..], &init].concat()).done();
    let record: Value = place.read_json("second/config.json");
    assert_ne!(record["init"], Value::Null);
    let stored = tensors(&place.path("second/encoder.safetensors"));
    let count = stored.iter().find(|stored| stored.0 == "bn1.num_batches_tracked");
    assert_eq!(count.unwrap().3, 6i64.to_le_bytes());
}

#[test]
fn what_does_not_go_with_batch_normalization_is_refused() {
    let place = place("batch");
    let start = pretrain("simclr.json", "run");
    let refuses = |assignment: &str, says: &[&str]| {
        place.refuses(&[&start[..], &["--set", assignment]].concat(), says);
    };
    refuses("train.micro_batch=4", &["train.micro_batch: expected null", "found 4"]);
    refuses("encoder.resnet.depth=20", &["encoder.resnet.depth: expected 18, 34 or 50, found 20"]);
    refuses("encoder.resnet.stem=large", &["large", "imagenet"]);
    refuses("encoder.resnet.width=3", &["width", "no such key"]);
}

#[test]
fn group_normalization_goes_with_a_split_batch() {
    let place = place("group");
    let start = pretrain("simclr.json", "run");
    let more = ["--max-steps", "1", "--set", "train.micro_batch=4"];
    place.run(&[&start[..], &more].concat()).done();
    let stored = tensors(&place.path("run/encoder.safetensors"));
    assert!(stored.iter().all(|stored| !stored.0.contains("running")));
}
