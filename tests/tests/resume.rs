//! A run that was interrupted and resumed ends like one that never was.

use std::fs;

use end_to_end::{Finished, Place, STEPS_PER_EPOCH, assert_same_tensors, pretrain};

/// Long enough that the signal comes in time on a busy machine.
const EPOCHS: u64 = 40;
const STEPS: u64 = EPOCHS * STEPS_PER_EPOCH;

/// A furnished place where runs are long, log every step and save seldom.
fn place(method: &str) -> Place {
    let place = Place::furnished();
    place.put_config(method, |config| {
        config["train"]["epochs"] = EPOCHS.into();
        config["train"]["log_every"] = 1.into();
        config["checkpoint"]["every_epochs"] = 20.into();
    });
    place
}

/// Starts the run and sends `signal` as soon as a step is logged.
fn interrupt(place: &Place, method: &str, signal: &str) -> Finished {
    let config = format!("{method}.json");
    place.interrupt(&pretrain(&config, "run"), signal, || place.has("run/metrics.jsonl"))
}

fn interrupted_and_resumed(method: &str, signal: &str) {
    let place = place(method);
    let interrupted = interrupt(&place, method, signal).ended(130);
    assert!(interrupted.stderr.contains("interrupted and saved"), "{interrupted:#?}");
    let done = place.logged_steps("run");
    let last = *done.last().unwrap();
    assert!(last < STEPS, "the signal came too late");
    assert_eq!(done, (1..=last).collect::<Vec<_>>());
    assert!(!place.path("run/summary.json").exists());
    let saved = place.newest("run");
    assert!(saved.ends_with(format!("step-{last:09}.safetensors")), "{saved:?}, {last} logged");
    let report = place.run(&["evaluate", "run", "--protocol", "knn", "--json"]).done().json();
    assert_eq!(report["step"], last);

    place.run(&["pretrain", method, "--run", "run", "--resume"]).done();
    let config = format!("{method}.json");
    place.run(&pretrain(&config, "whole")).done();
    assert_eq!(place.logged_steps("run"), (1..=STEPS).collect::<Vec<_>>());
    assert_eq!(place.timeless_metrics("run"), place.timeless_metrics("whole"));
    assert_same_tensors(&place.newest("run"), &place.newest("whole"));
    let encoder = |run| place.path(&format!("{run}/encoder.safetensors"));
    assert_same_tensors(&encoder("run"), &encoder("whole"));
    assert!(place.path("run/summary.json").exists());
}

#[test]
fn a_run_interrupted_by_ctrl_c_ends_like_one_that_was_not() {
    interrupted_and_resumed("simclr", "-INT");
}

#[test]
fn a_run_with_a_teacher_stopped_by_the_system_ends_like_one_that_was_not() {
    interrupted_and_resumed("dino", "-TERM");
}

#[test]
fn a_finished_run_can_be_made_longer() {
    let place = Place::trained("simclr");
    let longer = ["pretrain", "simclr", "--run", "run", "--resume", "--epochs", "3"];
    let said = place.run(&longer).done().stderr;
    assert!(said.contains("train.epochs was 2, is 3"), "{said}");
    let whole = [&pretrain("simclr.json", "whole")[..], &["--epochs", "3"]].concat();
    place.run(&whole).done();
    assert_eq!(place.logged_steps("run").len() as u64, 3 * STEPS_PER_EPOCH);
    assert_eq!(place.timeless_metrics("run"), place.timeless_metrics("whole"));
    assert_same_tensors(&place.newest("run"), &place.newest("whole"));
    let summary = place.read_json("run/summary.json");
    assert_eq!(summary["epochs"], 3);
}

#[test]
fn a_run_goes_on_in_the_precision_that_it_began_with() {
    let place = Place::furnished();
    for (precision, epochs) in [("bf16", "1"), ("auto", "2")] {
        place.put_config("simclr", |config| config["train"]["precision"] = precision.into());
        let arguments = pretrain("simclr.json", "run");
        let resume: &[&str] = if epochs == "2" { &["--resume"] } else { &[] };
        place.run(&[&arguments[..], &["--epochs", epochs], resume].concat()).done();
        let record = place.read_json("run/config.json");
        assert_eq!(record["config"]["train"]["precision"], "bf16");
    }
    place.put_config("simclr", |config| config["train"]["precision"] = "auto".into());
    place.run(&pretrain("simclr.json", "other")).done();
    let record = place.read_json("other/config.json");
    assert_ne!(record["config"]["train"]["precision"], "auto");
}

#[test]
fn a_finished_run_resumed_stays_as_it_is() {
    let place = Place::trained("simclr");
    let metrics = place.read("run/metrics.jsonl");
    let encoder = place.path("run/encoder.safetensors");
    fs::copy(&encoder, place.path("before")).unwrap();
    place.run(&["pretrain", "simclr", "--run", "run", "--resume"]).done();
    assert!(place.read("run/metrics.jsonl") == metrics);
    assert_same_tensors(&encoder, &place.path("before"));
}

#[test]
fn steps_that_no_checkpoint_has_are_done_and_logged_once_more() {
    // As after a crash in the second epoch: its lines are there, one of them half, its checkpoint
    // isn't.
    let place = Place::trained("simclr");
    fs::rename(place.path("run"), place.path("whole")).unwrap();
    place.run(&pretrain("simclr.json", "run")).done();
    fs::remove_file(place.newest("run")).unwrap();
    let metrics = place.read("run/metrics.jsonl");
    place.put("run/metrics.jsonl", &metrics[..metrics.len() - 700]);
    place.run(&["pretrain", "simclr", "--run", "run", "--resume"]).done();
    assert_eq!(place.timeless_metrics("run"), place.timeless_metrics("whole"));
    assert_same_tensors(&place.newest("run"), &place.newest("whole"));
}

#[test]
fn what_would_change_the_past_is_refused() {
    let place = Place::trained("simclr");
    place.synth("other", &["--test", "32", "--seed", "1"]);
    let cases: [(&[&str], &[&str]); 4] = [
        (
            &["--set", "method.simclr.temperature=0.2"],
            &["method.simclr.temperature", "expected 0.1, found 0.2"],
        ),
        (&["--seed", "1"], &["seed can't change", "expected 0, found 1"]),
        (&["--batch-size", "8"], &["train.batch_size", "expected 16, found 8"]),
        (&["--data", "other"], &["data can't change", "other"]),
    ];
    for (more, says) in cases {
        let resume = ["pretrain", "simclr", "--run", "run", "--resume"];
        let says = [&["run/config.json: "][..], says].concat();
        place.refuses(&[&resume[..], more].concat(), &says);
    }
    let says = ["run/config.json: method", "expected simclr, found dino"];
    place.refuses(&["pretrain", "dino", "--run", "run", "--resume"], &says);
}
