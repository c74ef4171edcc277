//! `pretrain --init-weights`: an encoder that begins with weights from a file, and what is said of
//! it afterwards.

use std::fs;
use std::path::Path;

use end_to_end::{Place, Stored, assert_same_tensors, header, pretrain, tensors};
use safetensors::tensor::{Dtype, TensorView};
use serde_json::{Value, json};

const INIT: [&str; 2] = ["--init-weights", "run/encoder.safetensors"];

fn write(place: &Place, name: &str, stored: &[Stored]) {
    let views = stored.iter().map(|(name, dtype, shape, bytes)| {
        let view = TensorView::new(*dtype, shape.clone(), bytes).unwrap();
        (name.clone(), view)
    });
    place.put(name, safetensors::serialize(views, None).unwrap());
}

fn evaluate(place: &Place, run: &str, more: &[&str]) -> Value {
    let start = ["evaluate", run, "--json"];
    place.run(&[&start[..], more].concat()).done().json()
}

fn begin(place: &Place, run: &str, more: &[&str]) {
    let start = pretrain("dino.json", run);
    place.run(&[&start[..], &INIT, more].concat()).done();
}

#[test]
fn a_run_begins_with_the_encoder_of_another_and_says_so() {
    let place = Place::trained("simclr");
    begin(&place, "second", &["--epochs", "1"]);
    let init = place.read_json("second/config.json")["init"].clone();
    let path = init["path"].as_str().unwrap();
    assert!(Path::new(path).is_absolute() && path.ends_with("run/encoder.safetensors"));
    assert_eq!(init["sha256"].as_str().unwrap().len(), 64);
    let encoder = place.path("run/encoder.safetensors");
    assert_same_tensors(&place.path("second/initial.safetensors"), &encoder);

    let first = evaluate(&place, "run", &[]);
    assert_eq!(first["init"], Value::Null);
    // From here on nobody needs the file that was given.
    fs::remove_file(encoder).unwrap();
    let before = evaluate(&place, "second", &["--checkpoint", "initial"]);
    // What a run began with stands beside what it came to, but not beside itself.
    for protocol in ["linear", "knn"] {
        let [before, first] = [&before, &first].map(|found| &found["protocols"][protocol]);
        assert_eq!(before["test"], first["test"], "{protocol}");
        assert!(before["initial_accuracy"].is_null() && first["initial_accuracy"].is_f64());
    }
    assert_eq!((&before["untrained"], &before["init"]), (&json!(true), &init));
    let after = evaluate(&place, "second", &[]);
    assert_eq!((&after["step"], &after["init"]), (&json!(8), &init));
    let text = place.run(&["evaluate", "second", "--checkpoint", "initial"]).done().stdout;
    assert!(text.contains(&format!("before training, with {path}")), "{text}");
    let random = place.run(&["evaluate", "run", "--checkpoint", "initial"]).done().stdout;
    assert!(random.contains("untrained weights"), "{random}");
}

#[test]
fn a_checkpoint_of_a_run_from_other_weights_is_refused_by_name() {
    let place = Place::trained("simclr");
    place.run(&[&pretrain("simclr.json", "other")[..], &["--seed", "1"]].concat()).done();
    begin(&place, "first", &[]);
    let weights = ["--init-weights", "other/encoder.safetensors"];
    place.run(&[&pretrain("dino.json", "second")[..], &weights].concat()).done();
    let of = |run: &str| {
        let init = place.read_json(&format!("{run}/config.json"))["init"]["sha256"].clone();
        assert_eq!(header(&place.newest(run))["init"], init);
        init
    };
    assert_ne!(of("first"), of("second"));
    fs::copy(place.newest("second"), place.newest("first")).unwrap();
    let says = ["a checkpoint of a run from the weights", of("second").as_str().unwrap()]
        .map(str::to_owned);
    place.run(&["evaluate", "first"]).failed(2, &[&says[0], &says[1]]);
    let resumed = place.run(&["pretrain", "dino", "--run", "first", "--resume"]).done().stderr;
    assert!(resumed.contains(&says[0]) && resumed.contains("previous checkpoint"), "{resumed}");
}

#[test]
fn a_run_that_goes_on_does_not_need_the_file_even_where_it_has_no_checkpoint() {
    let place = Place::trained("simclr");
    begin(&place, "whole", &[]);
    begin(&place, "parts", &["--epochs", "1"]);
    begin(&place, "early", &["--max-steps", "1"]);
    // As after a crash before the first checkpoint.
    fs::remove_file(place.newest("early")).unwrap();
    let mut record = place.read_json("early/config.json");
    record["has_checkpoint"] = json!(false);
    place.put("early/config.json", record.to_string());
    fs::remove_file(place.path("run/encoder.safetensors")).unwrap();
    let init = |run: &str| place.read_json(&format!("{run}/config.json"))["init"].clone();
    for run in ["parts", "early"] {
        let resume = ["pretrain", "dino", "--run", run, "--resume", "--epochs", "2"];
        let steps = ["--max-steps", "1000"];
        place.run(&[&resume[..], &steps].concat()).done();
        assert_same_tensors(&place.newest(run), &place.newest("whole"));
        assert_eq!(init(run), init("whole"));
    }
    fs::remove_file(place.path("early/initial.safetensors")).unwrap();
    let says = ["early/initial.safetensors: expected a file of weights"];
    place.refuses(&["evaluate", "early", "--checkpoint", "initial"], &says);
}

#[test]
fn what_does_not_fit_the_encoder_is_refused() {
    let place = Place::trained("simclr");
    let good = tensors(&place.path("run/encoder.safetensors"));
    let zeros = |name: &str, shape: &[usize]| -> Stored {
        let bytes = vec![0; 4 * shape.iter().product::<usize>()];
        (name.to_owned(), Dtype::F32, shape.to_vec(), bytes)
    };
    let with = |more: Stored| [&good[..], &[more]].concat();
    let without = |name: &str| -> Vec<Stored> {
        let kept = good.iter().filter(|stored| stored.0 != name);
        kept.cloned().collect()
    };
    let replaced = |more: Stored| [&without(&more.0)[..], &[more]].concat();
    let halves = ("conv1.bias".to_owned(), Dtype::F16, vec![8], vec![0; 16]);
    let cases: [(&str, Vec<Stored>, &[&str]); 4] = [
        ("missing", without("conv2.weight"), &["a tensor conv2.weight", "found none of this name"]),
        (
            "foreign",
            with(zeros("layer1.weight", &[2])),
            &["no tensors but those of the encoder", "layer1.weight (1 such)"],
        ),
        (
            "misshapen",
            replaced(zeros("conv1.weight", &[8, 3, 5, 5])),
            &["conv1.weight of Float [8, 3, 3, 3]", "[8, 3, 5, 5]"],
        ),
        ("halves", replaced(halves), &["conv1.bias of Float [8]", "F16"]),
    ];
    let refused = |file: &str, says: &[&str]| {
        let start = pretrain("dino.json", "second");
        let begins = format!("{file}: expected ");
        let says = [&[begins.as_str()][..], says].concat();
        place.refuses(&[&start[..], &["--init-weights", file]].concat(), &says);
    };
    for (file, stored, says) in cases {
        write(&place, file, &stored);
        refused(file, says);
    }
    place.put("text", "These are words.\n");
    refused("text", &["a safetensors file"]);
    refused("nowhere", &["a file of weights", "No such file"]);
    refused("data", &["a file of weights or a finished run", "without encoder.safetensors"]);
    let resume = ["pretrain", "simclr", "--run", "run", "--resume"];
    let says = ["'--init-weights <FILE>'", "cannot be used with", "'--resume'"];
    place.refuses(&[&resume[..], &INIT].concat(), &says);
    // A classifier is passed over.
    write(&place, "classifier", &with(zeros("fc.weight", &[10, 8])));
    let start = pretrain("dino.json", "second");
    let more = ["--init-weights", "classifier", "--max-steps", "1"];
    place.run(&[&start[..], &more].concat()).done();
}
