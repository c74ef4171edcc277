//! Optimizers and schedules in a run: the step sizes that it uses, and that it goes on exactly.

use std::f64::consts::PI;
use std::fs;

use end_to_end::{Place, STEPS_PER_EPOCH, assert_same_tensors, pretrain};
use serde_json::{Value, json};

const RESUME: [&str; 5] = ["pretrain", "simclr", "--run", "run", "--resume"];

/// Warm after a quarter of the steps.
fn rate() -> Value {
    json!({"warmup_cosine": {"start": 0.0, "peak": 0.02, "end": 0.001, "warmup_fraction": 0.25}})
}

/// What [`rate`] should be in `step`, from 1, of `of`.
fn expected_rate(step: u64, of: u64) -> f64 {
    let done = (step - 1) as f64 / of as f64;
    if done < 0.25 {
        return 0.02 * done / 0.25;
    }
    let wave = (1.0 + (PI * (done - 0.25) / 0.75).cos()) / 2.0;
    0.001 + (0.02 - 0.001) * wave
}

fn adamw() -> Value {
    json!({"adamw": {
        "lr": rate(), "betas": [0.9, 0.999], "epsilon": 1e-8,
        "weight_decay": {"cosine": {"start": 0.04, "end": 0.4}}, "exclude_bias_and_norm": true,
    }})
}

fn sgd() -> Value {
    json!({"sgd": {
        "lr": rate(), "momentum": 0.9, "nesterov": true,
        "weight_decay": {"constant": 0.0001}, "exclude_bias_and_norm": false,
    }})
}

fn lars() -> Value {
    json!({"lars": {
        "lr": rate(), "momentum": 0.9, "trust_coefficient": 0.001,
        "weight_decay": {"constant": 1e-6}, "exclude_bias_and_norm": true,
    }})
}

/// A furnished place whose runs are trained by `optimizer`, with clipped gradients.
fn place(optimizer: Value) -> Place {
    let place = Place::furnished();
    place.put_config("simclr", |config| {
        config["optimizer"] = optimizer;
        config["train"]["grad_clip_norm"] = json!(1.0);
    });
    place
}

/// The step sizes of the lines of `kind`, by step.
fn rates(place: &Place, kind: &str) -> Vec<(u64, f64)> {
    let lines = place.metrics("run").into_iter();
    let lines = lines.filter(|line| line["kind"] == kind);
    let rates = lines.map(|line| (line["step"].as_u64().unwrap(), line["lr"].as_f64().unwrap()));
    rates.collect()
}

#[test]
fn a_run_that_lost_its_newest_checkpoint_goes_on_exactly_with_any_optimizer() {
    for optimizer in [adamw(), sgd(), lars()] {
        let place = place(optimizer);
        place.run(&pretrain("simclr.json", "run")).done();
        fs::rename(place.path("run"), place.path("whole")).unwrap();
        place.run(&pretrain("simclr.json", "run")).done();
        fs::remove_file(place.newest("run")).unwrap();
        place.run(&RESUME).done();
        let [run, whole] = ["run", "whole"].map(|run| place.timeless_metrics(run));
        assert_eq!(run, whole);
        assert_same_tensors(&place.newest("run"), &place.newest("whole"));
    }
}

#[test]
fn step_sizes_are_logged_as_used_and_follow_a_longer_plan_from_where_it_is_made() {
    let place = place(lars());
    place.run(&pretrain("simclr.json", "run")).done();
    let short = 2 * STEPS_PER_EPOCH;
    let close = |found: &[(u64, f64)], steps: Vec<(u64, u64)>| {
        assert_eq!(found.len(), steps.len(), "{found:?}");
        for ((step, found), (number, of)) in found.iter().zip(steps) {
            let off = (found - expected_rate(number, of)).abs();
            assert!(*step == number && off < 1e-12, "{step} of {of}: {found}");
        }
    };
    let first = (1..=short).map(|step| (step, short));
    close(&rates(&place, "step"), first.clone().collect());
    let ends = vec![(STEPS_PER_EPOCH, short), (short, short)];
    close(&rates(&place, "epoch"), ends);
    let longer = [&RESUME[..], &["--epochs", "3"]].concat();
    place.run(&longer).done();
    let long = 3 * STEPS_PER_EPOCH;
    let all = first.chain((short + 1..=long).map(|step| (step, long)));
    close(&rates(&place, "step"), all.collect());
}

#[test]
fn another_optimizer_can_not_go_on() {
    let place = place(sgd());
    place.run(&pretrain("simclr.json", "run")).done();
    let optimizer = format!("optimizer={}", lars());
    let other = [&RESUME[..], &["--set", optimizer.as_str()]].concat();
    place.refuses(&other, &["run/config.json: optimizer.", "can't change on --resume"]);
    let decay = [&RESUME[..], &["--set", "optimizer.sgd.weight_decay.constant=0"]].concat();
    place.refuses(&decay, &["optimizer.sgd.weight_decay.constant can't change"]);
    // Nor where the record of the run was changed, too: its checkpoint has another state.
    let mut record = place.read_json("run/config.json");
    record["config"]["optimizer"] = adamw();
    place.put("run/config.json", record.to_string());
    let says = ["expected a tensor optimizer.", "moment1, found none of this name"];
    place.refuses(&RESUME, &says);
}

#[test]
fn a_step_size_out_of_range_is_refused_by_its_key() {
    let place = place(lars());
    let run = pretrain("simclr.json", "run");
    for (assignment, says) in [
        (
            "optimizer.lars.lr.warmup_cosine.peak=-1",
            "optimizer.lars.lr: expected numbers from 0, found -1",
        ),
        (
            "optimizer.lars.lr.warmup_cosine.warmup_fraction=2",
            "optimizer.lars.lr: expected a fraction in 0..=1, found 2",
        ),
        (
            "train.grad_clip_norm=-1",
            "train.grad_clip_norm: expected null or a positive number, found -1",
        ),
    ] {
        place.refuses(&[&run[..], &["--set", assignment]].concat(), &[says]);
    }
}
