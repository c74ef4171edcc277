//! What a run says of itself: collapse and divergence, measures of its health, where its time goes.

use end_to_end::Place;
use serde_json::json;

/// SimSiam without its predictor: nothing keeps features from becoming alike.
fn place(epochs: u32) -> Place {
    let place = Place::furnished();
    place.put_config("simclr", |config| {
        config["method"] = json!({"simsiam": {"predictor": null}});
        config["health"] =
            json!({"on_collapse": "stop", "min_std": 0.01, "min_rank": 1.05, "patience": 2});
        // So that no checkpoint stays for another reason.
        config["checkpoint"]["best"] = json!(null);
        config["optimizer"]["adam"]["lr"]["constant"] = json!(0.01);
        config["train"]["epochs"] = json!(epochs);
    });
    place
}

const RUN: [&str; 8] =
    ["pretrain", "simsiam", "--config", "simclr.json", "--data", "data", "--run", "run"];

#[test]
fn a_collapsed_run_stops_and_keeps_what_was_before() {
    let place = place(60);
    let said = place.run(&RUN).ended(3).stderr;
    for part in ["looks like collapse", "training collapsed: after step", "for 2 epochs in a row"] {
        assert!(said.contains(part), "{said}");
    }
    let lines = place.metrics("run");
    let last = lines.iter().rfind(|line| line["kind"] == "epoch").unwrap();
    let epoch = last["epoch"].as_u64().unwrap();
    assert!((2..60).contains(&epoch), "{last}");
    assert!(!place.path("run/summary.json").exists());
    // The newest is from one epoch before the end; the oldest kept from before the first warning.
    let steps: Vec<u64> = place
        .checkpoints("run")
        .iter()
        .map(|path| {
            let name = path.file_stem().unwrap().to_str().unwrap();
            name.trim_start_matches("step-").parse().unwrap()
        })
        .collect();
    assert_eq!(steps.last(), Some(&(8 * (epoch - 1))), "{steps:?}");
    if epoch > 2 {
        assert_eq!(steps.first(), Some(&(8 * (epoch - 2))), "{steps:?}");
    }
    let on = ["pretrain", "simsiam", "--run", "run", "--resume", "--on-collapse", "warn"];
    let said = place.run(&on).done().stderr;
    assert!(said.contains("looks like collapse"), "{said}");
    assert_eq!(place.logged_steps("run"), (1..=480).collect::<Vec<_>>());
}

#[test]
fn a_loss_that_is_no_number_stops_the_run() {
    let place = place(3);
    let wild = [&RUN[..], &["--set", "optimizer.adam.lr.constant=1e30"]].concat();
    let said = place.run(&wild).ended(3).stderr;
    assert!(said.contains("training diverged: the "), "{said}");
    assert!(said.contains("of step"), "{said}");
}

#[test]
fn every_epoch_has_measures_of_its_health() {
    let place = Place::trained("dino");
    let lines = place.metrics("run");
    let epochs: Vec<_> = lines.iter().filter(|line| line["kind"] == "epoch").collect();
    assert_eq!(epochs.len(), 2);
    for line in epochs {
        for (key, low, high) in [
            ("feature_std", 0.0, 1.0),
            ("effective_rank", 1.0, 8.01),
            ("projection_std", 0.0, 1.0),
            ("projection_rank", 1.0, 8.01),
            ("alignment", 0.0, 4.0),
            ("uniformity", -8.0, 1e-6),
            ("dead_features", 0.0, 1.0),
            ("teacher_distance", 0.0, 10.0),
            ("gradient_norm", 0.0, 1e9),
        ] {
            let value = line[key].as_f64().unwrap_or_else(|| panic!("{key}: {line}"));
            assert!((low..=high).contains(&value), "{key}: {value}");
        }
    }
}

#[test]
fn a_profile_says_where_the_time_of_a_step_goes() {
    let place = Place::furnished();
    let run = ["pretrain", "dino", "--config", "dino.json", "--data", "data", "--profile"];
    let text = place.run(&[&run[..], &["--epochs", "1", "--run", "run"]].concat()).done().stdout;
    for part in ["wait", "copy", "forward", "backward", "optimizer", "metrics", "all"] {
        assert!(text.lines().any(|line| line.starts_with(part)), "{part}: {text}");
    }
    let lines = place.metrics("run");
    let epoch = lines.iter().rfind(|line| line["kind"] == "epoch").unwrap();
    let secs = epoch["step_secs"].as_object().unwrap();
    let sum: f64 = secs.values().map(|secs| secs.as_f64().unwrap()).sum();
    let step = epoch["train_secs"].as_f64().unwrap() / 8.0;
    assert!(sum > 0.5 * step && sum < 1.5 * step, "{sum} of {step}");
}
