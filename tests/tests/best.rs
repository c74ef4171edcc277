//! The best epoch: what chooses it, that it is kept, and that a run may end where it isn't beaten.

use end_to_end::{Place, STEPS_PER_EPOCH, header};
use serde_json::{Value, json};

fn pretrain(place: &Place, run: &str, data: &str, more: &[&str]) -> String {
    let start = ["pretrain", "simclr", "--config", "simclr.json", "--data", data, "--run", run];
    place.run(&[&start[..], more].concat()).done().stderr
}

fn resume(place: &Place, run: &str, more: &[&str]) -> String {
    let start = ["pretrain", "simclr", "--run", run, "--resume"];
    place.run(&[&start[..], more].concat()).done().stderr
}

fn epochs(place: &Place, run: &str) -> Vec<Value> {
    let mut lines = place.timeless_metrics(run);
    lines.retain(|line| line["kind"] == "epoch");
    lines
}

/// The first epoch with the highest `criterion`, as the summary should say it.
fn highest(place: &Place, run: &str, criterion: &str) -> Value {
    let value = |line: &Value| line[criterion].as_f64().unwrap();
    let epochs = epochs(place, run);
    let best =
        epochs.iter().reduce(|best, line| if value(line) > value(best) { line } else { best });
    let best = best.unwrap();
    json!({
        "criterion": criterion, "value": best[criterion],
        "epoch": best["epoch"], "step": best["step"],
    })
}

fn best(place: &Place, run: &str) -> Value {
    place.read_json(&format!("{run}/summary.json"))["best"].clone()
}

#[test]
fn the_best_epoch_by_rank_is_kept_beyond_the_newest_and_evaluated() {
    let place = Place::furnished();
    // Steps so large that the rank falls.
    place.put_config("simclr", |config| {
        config["train"]["epochs"] = json!(5);
        config["optimizer"]["adam"]["lr"]["constant"] = json!(0.05);
        config["checkpoint"]["keep_last"] = json!(1);
        config["checkpoint"]["every_epochs"] = json!(3);
    });
    pretrain(&place, "run", "data", &[]);
    let best = best(&place, "run");
    assert_eq!(best, highest(&place, "run", "effective_rank"));
    let (epoch, step) = (best["epoch"].as_u64().unwrap(), best["step"].as_u64().unwrap());
    let kept = place.checkpoints("run");
    let path = place.path(&format!("run/checkpoints/step-{step:09}.safetensors"));
    assert!(kept.contains(&path), "{kept:?}");
    assert_eq!(kept.len(), if epoch == 5 { 1 } else { 2 });
    assert_eq!(header(&place.newest("run"))["history"]["best"], best);
    assert_eq!(header(&path)["epoch"], epoch);
    let evaluate = ["evaluate", "run", "--json", "--protocol", "knn", "--checkpoint"];
    let report = |epoch: &str| place.run(&[&evaluate[..], &[epoch]].concat());
    let report_of_best = report("best").done().json();
    assert_eq!(report_of_best["step"], step);
    assert_eq!(report_of_best, report(&format!("epoch:{epoch}")).done().json());
    report("soon").failed(2, &["'soon'", "expected last, best, epoch:N or initial"]);

    std::fs::remove_file(&path).unwrap();
    if epoch < 5 {
        let gone = format!("no checkpoint after epoch {epoch}, its best");
        report("best").failed(2, &["run: expected a run", &gone]);
    }
    pretrain(&place, "without", "data", &["--set", "checkpoint.best=null", "--epochs", "1"]);
    assert_eq!(place.read_json("without/summary.json")["best"], Value::Null);
    place
        .run(&["evaluate", "without", "--checkpoint", "best"])
        .failed(2, &["without: expected a run", "no epoch that was chosen"]);
}

const VALIDATION: [&str; 2] =
    ["--set", r#"checkpoint.best={"val_probe_acc": {"val_fraction":0.3}}"#];

#[test]
fn held_out_images_choose_where_there_are_labels_and_the_test_split_never_does() {
    let place = Place::furnished();
    place.put_config("simclr", |config| config["train"]["epochs"] = json!(4));
    let said = pretrain(&place, "run", "data", &VALIDATION);
    let record = place.read_json("run/config.json");
    let held_out = record["data"]["held_out"].as_u64().unwrap();
    assert!((8..=12).contains(&held_out), "{held_out} of 32");
    assert!(said.contains(&format!("32 train, {held_out} of them held out")), "{said}");
    assert!(said.contains("val_probe_acc"), "{said}");
    for epoch in epochs(&place, "run") {
        let right = epoch["val_probe_acc"].as_f64().unwrap() * held_out as f64;
        assert!((right - right.round()).abs() < 1e-9, "{epoch}");
    }
    assert_eq!(best(&place, "run"), highest(&place, "run", "val_probe_acc"));

    // Other labels of the test split, and nothing else changes.
    for file in std::fs::read_dir(place.path("data")).unwrap() {
        let file = file.unwrap().file_name().into_string().unwrap();
        let mut bytes = place.read(&format!("data/{file}"));
        if file == "test_y.bin" {
            bytes.iter_mut().for_each(|label| *label = *label % 10 + 1);
        }
        place.put(&format!("other/{file}"), bytes);
    }
    pretrain(&place, "other-run", "other", &VALIDATION);
    let [one, other] = ["run", "other-run"].map(|run| {
        let mut epochs = epochs(&place, run);
        let tests = epochs.iter_mut().map(|epoch| epoch["test_probe_loss"].take());
        let tests: Vec<Value> = tests.collect();
        epochs.iter_mut().for_each(|epoch| epoch["test_probe_acc"] = Value::Null);
        (tests, (epochs, best(&place, run)))
    });
    assert_ne!(one.0, other.0);
    assert_eq!(one.1, other.1);
}

#[test]
fn without_labels_the_rank_chooses() {
    let place = Place::furnished();
    for index in 0..20u32 {
        let image = image::RgbImage::from_fn(32, 32, |x, y| {
            image::Rgb([x * index, y * 7 + index, x * y].map(|value| (value % 256) as u8))
        });
        let mut bytes = std::io::Cursor::new(Vec::new());
        image.write_to(&mut bytes, image::ImageFormat::Png).unwrap();
        place.put(&format!("photos/{index}.png"), bytes.into_inner());
    }
    pretrain(&place, "run", "photos", &VALIDATION);
    assert_eq!(place.read_json("run/config.json")["data"]["held_out"], 0);
    assert_eq!(best(&place, "run"), highest(&place, "run", "effective_rank"));
}

#[test]
fn patience_ends_a_run_where_one_that_was_resumed_ends_too() {
    let place = Place::furnished();
    // Nothing is learned, so no epoch is better than the first.
    place.put_config("simclr", |config| {
        config["optimizer"]["adam"]["lr"]["constant"] = json!(0);
        config["train"]["epochs"] = json!(5);
        config["train"]["patience"] = json!(2);
        config["checkpoint"]["every_epochs"] = json!(4);
    });
    let says = "stopped early after epoch 3, finished: no higher effective_rank than ";
    let said = pretrain(&place, "run", "data", &[]);
    assert!(said.contains(says) && said.contains(" after epoch 1 ("), "{said}");
    let steps = |epochs: u64| (1..=epochs * STEPS_PER_EPOCH).collect::<Vec<_>>();
    assert_eq!(place.logged_steps("run"), steps(3));
    let summary = place.read_json("run/summary.json");
    assert_eq!((&summary["epochs"], &summary["stopped_early"]), (&json!(3), &json!(true)));
    assert_eq!(summary["best"]["epoch"], 1);
    assert!(place.path("run/encoder.safetensors").exists());
    assert!(place.newest("run").ends_with("step-000000024.safetensors"));

    let said = resume(&place, "run", &[]);
    assert!(said.contains(says) && !said.contains("resuming after"), "{said}");
    assert_eq!(place.logged_steps("run"), steps(3));

    pretrain(&place, "again", "data", &["--epochs", "2"]);
    assert_eq!(place.read_json("again/summary.json")["stopped_early"], false);
    let said = resume(&place, "again", &["--epochs", "5"]);
    assert!(said.contains(says), "{said}");
    assert_eq!(place.timeless_metrics("again"), place.timeless_metrics("run"));

    let said = resume(&place, "again", &["--set", "train.patience=null"]);
    assert!(said.contains("resuming after step 24 of 40"), "{said}");
    assert!(!said.contains("stopped early"), "{said}");
    assert_eq!(place.logged_steps("again"), steps(5));
}
