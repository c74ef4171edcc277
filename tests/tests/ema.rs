//! `train.ema`: a moving average of the networks is evaluated in place of them.

use end_to_end::{Place, assert_same_tensors, pretrain, tensors};
use serde_json::json;

#[test]
fn a_run_is_resumed_to_the_same_bits_and_its_average_is_what_is_read() {
    let place = Place::furnished();
    place.put_config("simclr", |config| config["train"]["ema"] = json!({"constant": 0.9}));
    place.run(&pretrain("simclr.json", "whole")).done();
    place.run(&[&pretrain("simclr.json", "run")[..], &["--epochs", "1"]].concat()).done();
    let resume = ["pretrain", "simclr", "--run", "run", "--resume", "--epochs", "2"];
    place.refuses(&[&resume[..], &["--set", "train.ema=0.8"]].concat(), &["train.ema", "0.9"]);
    place.run(&resume).done();
    assert_eq!(place.timeless_metrics("run"), place.timeless_metrics("whole"));
    assert_same_tensors(&place.newest("run"), &place.newest("whole"));

    let checkpoint = tensors(&place.newest("run"));
    let find = |name: &str| checkpoint.iter().find(|stored| stored.0 == name).unwrap();
    for (name, _, _, bytes) in tensors(&place.path("run/encoder.safetensors")) {
        assert_eq!(find(&format!("teacher.encoder.{name}")).3, bytes, "{name}");
        assert_ne!(find(&format!("encoder.{name}")).3, bytes, "{name}");
    }
    let measured = ["evaluate", "run", "--protocol", "knn", "--json"];
    assert_eq!(place.run(&measured).done().json()["step"], 16);

    let dino = [&pretrain("dino.json", "dino")[..], &["--set", "train.ema=0.9"]].concat();
    place.refuses(&dino, &["train.ema", "expected null for dino"]);
}
