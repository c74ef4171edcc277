//! Killed at any moment and resumed, a run ends with the same bits as one that never stopped.

use std::fs;
use std::process::Stdio;
use std::thread::sleep;
use std::time::Duration;

use end_to_end::{Place, assert_same_tensors, pretrain, small};
use serde_json::{Value, json};

const EPOCHS: u64 = 6;

/// Times that a run is killed. `TWINVIEW_KILLS` asks for more, and then for every method.
fn kills() -> u64 {
    let asked = std::env::var("TWINVIEW_KILLS").ok();
    asked.map_or(3, |text| text.parse().expect("TWINVIEW_KILLS is a number"))
}

/// A furnished place with a small configuration of `method` that saves often.
fn place(method: &str) -> Place {
    let place = Place::furnished();
    if method == "distill" {
        place.put_teacher();
    }
    let printed =
        ["pretrain", method, "--data", "data", "--batch-size", "16", "--dry-run", "--json"];
    let printed = [&printed[..], &small(method)].concat();
    let record = place.run(&printed).done().json();
    let mut config: Value = record["config"].clone();
    config["health"]["on_collapse"] = json!("warn");
    config["train"]["epochs"] = json!(EPOCHS);
    config["train"]["device"] = json!("cpu");
    config["train"]["log_every"] = json!(2);
    config["checkpoint"]["every_steps"] = json!(5);
    fs::write(place.path("config.json"), config.to_string()).unwrap();
    place
}

fn arguments<'a>(method: &'a str, run: &'a str) -> [&'a str; 8] {
    ["pretrain", method, "--config", "config.json", "--data", "data", "--run", run]
}

/// Trains in `run`, killed after so many milliseconds; whether it ended before.
fn killed(place: &Place, method: &str, millis: u64, workers: &str) -> bool {
    let mut arguments = arguments(method, "run").to_vec();
    if place.path("run/config.json").exists() {
        arguments.push("--resume");
    }
    arguments.extend(["--workers", workers]);
    let mut child =
        place.command(&arguments).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
    sleep(Duration::from_millis(millis));
    child.kill().unwrap();
    child.wait().unwrap().success()
}

fn survives(method: &str, kills: u64) {
    let place = place(method);
    place.run(&arguments(method, "whole")).done();
    // Between the earliest moment and one when much of the run is done, on this machine as it is
    // now.
    let mut random = 12_345u64;
    let (mut longest, mut done) = (400, 0);
    while done < kills {
        random = random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        let workers = if random >> 40 & 1 == 0 { "1" } else { "3" };
        if killed(&place, method, (random >> 33) % longest, workers) {
            fs::remove_dir_all(place.path("run")).unwrap();
        }
        done += 1;
        longest += 100;
    }
    let mut last = arguments(method, "run").to_vec();
    if place.path("run/config.json").exists() {
        last.push("--resume");
    }
    place.run(&last).done();
    let batch = &place.read_json("run/config.json")["batch"];
    let steps = EPOCHS * batch["steps_per_epoch"].as_u64().unwrap();
    assert_eq!(place.logged_steps("run"), (1..=steps).collect::<Vec<_>>(), "{method}");
    assert_eq!(place.timeless_metrics("run"), place.timeless_metrics("whole"), "{method}");
    assert_same_tensors(&place.newest("run"), &place.newest("whole"));
    let best = |run| place.read_json(&format!("{run}/summary.json"))["best"].clone();
    assert_eq!(best("run"), best("whole"), "{method}");
    assert_eq!(best("run")["criterion"], "val_probe_acc");
    let step = best("run")["step"].as_u64().unwrap();
    let checkpoint = |run| place.path(&format!("{run}/checkpoints/step-{step:09}.safetensors"));
    assert_same_tensors(&checkpoint("run"), &checkpoint("whole"));
    let left = fs::read_dir(place.path("run/checkpoints")).unwrap();
    let left: Vec<_> = left.map(|entry| entry.unwrap().file_name()).collect();
    assert!(left.iter().all(|name| name.to_string_lossy().starts_with("step-")), "{left:?}");
}

#[test]
fn a_killed_run_ends_with_the_bits_of_one_that_never_stopped() {
    if std::env::var_os("TWINVIEW_KILLS").is_none() {
        // One with a queue, one with teacher, center and local views.
        return ["nnclr", "dino"].iter().for_each(|method| survives(method, kills()));
    }
    let listed = Place::new().run(&["methods", "--json"]).done().json();
    for entry in listed.as_array().unwrap() {
        survives(entry["name"].as_str().unwrap(), kills());
    }
}

#[test]
fn a_damaged_checkpoint_is_reported_and_the_one_before_is_used() {
    let place = Place::trained("dino");
    fs::rename(place.path("run"), place.path("whole")).unwrap();
    let run = pretrain("dino.json", "run");
    place.run(&run).done();
    let newest = place.newest("run");
    let whole = fs::read(&newest).unwrap();
    let resume = ["pretrain", "dino", "--run", "run", "--resume"];
    let mut flipped = whole.clone();
    let middle = flipped.len() / 2;
    flipped[middle] ^= 4;
    for damaged in [&flipped[..], &whole[..whole.len() / 2], b""] {
        fs::write(&newest, damaged).unwrap();
        let said = place.run(&resume).done().stderr;
        let name = newest.file_name().unwrap().to_str().unwrap();
        assert!(said.contains(name) && said.contains("the previous checkpoint"), "{said}");
        assert_same_tensors(&newest, &place.newest("whole"));
    }
    for path in place.checkpoints("run") {
        fs::write(path, b"nothing").unwrap();
    }
    place.run(&resume).failed(2, &["run/checkpoints", "expected a safetensors file"]);
}

#[test]
fn a_checkpoint_of_another_run_is_not_taken_for_its_own() {
    let place = Place::trained("simclr");
    let other = [&pretrain("simclr.json", "other")[..], &["--seed", "1"]].concat();
    place.run(&other).done();
    let (newest, foreign) = (place.newest("run"), place.newest("other"));
    fs::copy(foreign, &newest).unwrap();
    let measured = place.run(&["evaluate", "run"]);
    measured.failed(2, &["run/checkpoints", "a run with the settings"]);
    let resume = ["pretrain", "simclr", "--run", "run", "--resume"];
    let said = place.run(&resume).done().stderr;
    assert!(
        said.contains("a run with the settings") && said.contains("the previous checkpoint"),
        "{said}"
    );
    place.run(&["evaluate", "run"]).done();
}

#[test]
fn two_processes_do_not_train_in_one_folder() {
    let place = place("simclr");
    let mut long = arguments("simclr", "run").to_vec();
    long.extend(["--epochs", "100000"]);
    let mut child =
        place.command(&long).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
    let metrics = place.path("run/metrics.jsonl");
    let begun = (0..60_000).any(|_| {
        sleep(Duration::from_millis(1));
        fs::metadata(&metrics).is_ok_and(|file| file.len() > 0)
    });
    let second = place.run(&["pretrain", "simclr", "--run", "run", "--resume"]);
    child.kill().unwrap();
    child.wait().unwrap();
    assert!(begun);
    second.failed(2, &["run: expected a run folder that no other process uses"]);
    // The lock of a dead process is taken over.
    let mut resume = vec!["pretrain", "simclr", "--run", "run", "--resume", "--epochs", "1"];
    resume.extend(["--max-steps", "1"]);
    let steps = place.logged_steps("run").len();
    assert!(steps > 0);
    place.run(&resume).done();
}
