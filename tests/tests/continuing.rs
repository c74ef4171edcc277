//! Going on from trained weights: the settings for it, what is said of the start, and the end of a
//! run that makes it worse.

use end_to_end::{Place, assert_same_tensors, png, small};
use serde_json::{Value, json};

/// A place with labeled images, 300 and 100, and a finished run of a vision transformer on them.
fn place() -> Place {
    let place = Place::new();
    let counts = ["--unlabeled", "10", "--train", "300", "--test", "100"];
    let synth = ["data", "synth", "--image-size", "32", "--out", "data"];
    place.run(&[&synth[..], &counts].concat()).done();
    let first = ["pretrain", "dinov2", "--data", "data", "--run", "first", "--max-steps", "1"];
    place.run(&[&first[..], &CPU, &small("dinov2")].concat()).done();
    place
}

const CPU: [&str; 6] = ["--preset", "cpu", "--device", "cpu", "--on-collapse", "warn"];
const WEIGHTS: [&str; 4] = ["--init-weights", "first", "--image-size", "32"];

/// The arguments that go on by `method` in `run`.
fn go_on<'a>(method: &'a str, run: &'a str, more: &[&'a str]) -> Vec<&'a str> {
    let start = ["pretrain", method, "--data", "data", "--run", run, "--batch-size", "50"];
    let head =
        r#"projection={"dino_head": {"hidden_dims": [16], "bottleneck_dim": 8, "output_dim": 32}}"#;
    [&start[..], &CPU, &WEIGHTS, &["--set", head], more].concat()
}

fn config(place: &Place, run: &str) -> Value {
    place.read_json(&format!("{run}/config.json"))
}

#[test]
fn a_run_from_weights_is_compared_with_them_after_every_epoch() {
    let place = place();
    let told = place.run(&go_on("dinov2", "whole", &["--epochs", "2"])).done().stderr;
    let note = "settings for initial weights: learning rate times 0.1, layer decay 0.9, encoder \
                frozen for 0.1 of the steps";
    assert!(told.contains(note), "{told}");
    let record = config(&place, "whole");
    let settings = &record["config"];
    assert_eq!(settings["train"]["freeze_encoder"], json!(0.1));
    assert_eq!(settings["optimizer"]["adamw"]["layer_decay"]["decay"], json!(0.9));
    let initial = &record["initial_knn"];
    let (accuracy, images) = (initial["accuracy"].as_f64().unwrap(), &initial["images"]);
    assert!((0.0..=1.0).contains(&accuracy) && *images == json!(300), "{initial}");
    let start = format!("initial weights: val_knn_acc {:.2}% (", 100.0 * accuracy);
    assert!(told.contains(&start), "{told}");
    let beside = format!("(initial weights {:.2}%)", 100.0 * accuracy);
    let epochs: Vec<_> = told.lines().filter(|line| line.contains(" done: val_knn")).collect();
    assert_eq!(epochs.len(), 2, "{told}");
    assert!(epochs.iter().all(|line| line.contains(&beside)), "{told}");

    // The start is measured once: what is resumed keeps it, and has the same bits.
    let parts = go_on("dinov2", "parts", &["--epochs", "2", "--max-steps", "7"]);
    place.run(&parts).done();
    let resume = ["pretrain", "dinov2", "--run", "parts", "--resume", "--max-steps", "1000"];
    let told = place.run(&resume).done().stderr;
    assert!(told.contains(&start) && told.contains(&beside), "{told}");
    assert_eq!(config(&place, "parts")["initial_knn"], *initial);
    let whole = go_on("dinov2", "again", &["--epochs", "2", "--max-steps", "1000"]);
    place.run(&whole).done();
    assert_same_tensors(&place.newest("again"), &place.newest("whole"));

    // Before and after, by the same protocols.
    place.run(&["evaluate", "whole", "--protocol", "knn"]).done();
    place.run(&["report", "whole", "--out", "whole.html"]).done();
    let page = String::from_utf8(place.read("whole.html")).unwrap();
    for part in ["Before and after", "whole, val_knn_acc", "whole, knn"] {
        assert!(page.contains(part), "{part}");
    }
    place.run(&["report", "first", "--out", "first.html"]).done();
    let page = String::from_utf8(place.read("first.html")).unwrap();
    assert!(!page.contains("Before and after"));
}

#[test]
fn what_is_given_goes_before_the_settings_for_going_on() {
    let place = place();
    let planned = |method, more: &[&str]| {
        let more = [&["--dry-run"][..], more].concat();
        place.run(&go_on(method, "run", &more)).done().json()["config"].clone()
    };
    let peak = |config: &Value| {
        let lr = &config["optimizer"]["adamw"]["lr"];
        lr.pointer("/warmup_cosine/peak").and_then(Value::as_f64).unwrap()
    };
    let config = planned("dino", &[]);
    assert_eq!(config["method"]["dino"]["koleo"], json!(0.1));
    let lower = peak(&config);
    let given = planned(
        "dino",
        &["--lr", "0.02", "--set", "train.freeze_encoder=null", "--set", "method.dino.koleo=0.3"],
    );
    assert_eq!(peak(&given), 0.02);
    assert!(given["train"]["freeze_encoder"].is_null() && lower < 0.001, "{lower}");
    assert_eq!(given["method"]["dino"]["koleo"], json!(0.3));
    // Another method has no KoLeo, and goes on just as well.
    let config = planned("simclr", &["--set", "projection=\"identity\""]);
    assert_eq!(config["train"]["freeze_encoder"], json!(0.1));
    place.refuses(&go_on("dino", "run", &["--on-regression", "go"]), &["--on-regression", "stop"]);
}

/// A place with pictures of two classes that any features tell apart, and a run on them.
fn pictures() -> Place {
    let place = Place::new();
    for number in 0..120 {
        let (class, color) = [("red", [220, 40, 40]), ("blue", [40, 40, 220])][number % 2];
        place.put(&format!("data/train/{class}/{number}.png"), png(color, number as u32));
    }
    let first = ["pretrain", "simclr", "--data", "data", "--run", "first", "--max-steps", "1"];
    place.run(&[&first[..], &CPU, &small("simclr"), &["--batch-size", "50"]].concat()).done();
    place
}

#[test]
fn a_run_that_makes_its_weights_worse_says_so_and_stops_where_it_is_asked_to() {
    let place = pictures();
    let ruined = |run: &'static str, more: &[&'static str]| {
        let start = ["pretrain", "simclr", "--data", "data", "--run", run, "--epochs", "2"];
        let settings = ["--set", RUINOUS, "--set", "train.freeze_encoder=null"];
        let batch = ["--batch-size", "50"];
        place.run(&[&start[..], &CPU, &WEIGHTS, &batch, &settings, more].concat())
    };
    let told = ruined("warned", &[]).done().stderr;
    let says = "epoch 1 is worse than the start: val_knn_acc is 50";
    assert!(told.contains(says), "{told}");
    let told = ruined("stopped", &["--on-regression", "stop"]).ended(3).stderr;
    let line = told.lines().last().unwrap();
    let says = "error: training made the features worse: after step 3 val_knn_acc is 50";
    assert!(line.starts_with(says) && line.contains("that of the weights it began"), "{told}");
    assert!(place.path("stopped/metrics.jsonl").exists());
    assert!(!place.path("stopped/summary.json").exists());
    // What to do may change when a run goes on.
    let resume = ["pretrain", "simclr", "--run", "stopped", "--resume", "--on-regression", "warn"];
    place.run(&resume).done();
}

/// Steps so large that little is left of what features tell.
const RUINOUS: &str = r#"optimizer={"adam": {"variant": "pytorch", "lr": {"constant": 30.0}, "betas": [0.9, 0.999], "epsilon": 1e-8}}"#;
