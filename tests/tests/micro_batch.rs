//! `train.micro_batch`: the same training in less memory.

use end_to_end::{Place, assert_same_tensors};
use serde_json::json;

const SPLIT: [&str; 2] = ["--set", "train.micro_batch=5"];

fn pretrain(place: &Place, run: &str, more: &[&str]) {
    let start = end_to_end::pretrain("dino.json", run);
    place.run(&[&start[..], more].concat()).done();
}

#[test]
fn a_run_in_parts_measures_what_a_whole_one_does_and_resumes_to_the_same_bits() {
    let place = Place::furnished();
    pretrain(&place, "whole", &[]);
    pretrain(&place, "split", &SPLIT);
    let config = place.read_json("split/config.json");
    assert_eq!(config["config"]["train"]["micro_batch"], 5);
    let losses = |run| place.losses(run).into_iter().map(f64::from_bits);
    for (step, (split, whole)) in (1..).zip(losses("split").zip(losses("whole"))) {
        // Rounding differs, and grows with every step.
        let off = (split - whole).abs() / whole.abs();
        assert!(off < if step == 1 { 1e-5 } else { 1e-2 }, "step {step}: {split}, not {whole}");
    }
    pretrain(&place, "again", &[&SPLIT[..], &["--epochs", "1"]].concat());
    let resume = ["pretrain", "dino", "--run", "again", "--resume", "--epochs", "2"];
    place.run(&resume).done();
    assert_eq!(place.timeless_metrics("again"), place.timeless_metrics("split"));
    assert_same_tensors(&place.newest("again"), &place.newest("split"));
    // Where memory ran out, a run may go on in parts.
    let longer = ["pretrain", "dino", "--run", "whole", "--resume", "--epochs", "3"];
    place.run(&[&longer[..], &SPLIT].concat()).done();
    let zero = ["pretrain", "dino", "--data", "data", "--set", "train.micro_batch=0"];
    place.refuses(&zero, &["train.micro_batch", "at least 1", "found 0"]);
}

#[test]
fn memory_hardly_grows_with_the_batch() {
    let place = Place::furnished();
    let synth = [
        "data",
        "synth",
        "--image-size",
        "48",
        "--unlabeled",
        "480",
        "--train",
        "32",
        "--test",
        "10",
    ];
    place.run(&[&synth[..], &["--out", "set"]].concat()).done();
    place.put_config("simclr", |config| {
        config["encoder"]["conv"]["width"] = json!(64);
        config["image_size"] = json!(48);
    });
    let peak = |batch: &str, micro_batch: &str| {
        let run = format!("run-{batch}-{micro_batch}");
        let set = format!("train.micro_batch={micro_batch}");
        let start = ["pretrain", "simclr", "--config", "simclr.json", "--data", "set"];
        let more = ["--run", &run, "--batch-size", batch, "--max-steps", "1", "--set", &set];
        place.run(&[&start[..], &more].concat()).done();
        let summary = place.read_json(&format!("{run}/summary.json"));
        summary["peak_memory_bytes"].as_f64()
    };
    // Where the system doesn't say how much memory a process held, there is nothing to compare.
    let Some(small) = peak("64", "8") else { return };
    let (large, whole) = (peak("512", "8").unwrap(), peak("512", "null").unwrap());
    let grown = [large, whole].map(|bytes| bytes - small);
    assert!(grown[1] > 100e6 && grown[0] < 0.5 * grown[1], "{small} {grown:?}");
}
