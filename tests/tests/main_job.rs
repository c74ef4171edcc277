//! The main job: make a set, pretrain on it, read what the run left, evaluate.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use end_to_end::{Place, STEPS_PER_EPOCH, tensors};
use serde_json::{Value, json};

const EPOCHS: u64 = 2;

/// `pretrain METHOD` with its tiny configuration on the tiny set.
fn pretrain<'a>(method: &'a str, config: &'a str, more: &[&'a str]) -> Vec<&'a str> {
    let start = ["pretrain", method, "--config", config, "--data", "data", "--run", "run"];
    [&start[..], more].concat()
}

fn keys(object: &Value) -> BTreeSet<&str> {
    object.as_object().unwrap().keys().map(String::as_str).collect()
}

#[track_caller]
fn assert_share(value: &Value) {
    let share = value.as_f64().unwrap_or_else(|| panic!("{value}: expected a number"));
    assert!((0.0..=1.0).contains(&share), "{share}");
}

#[test]
fn a_run_leaves_what_it_was_and_what_it_measured() {
    for method in ["simclr", "dino"] {
        let place = Place::trained(method);
        check_record(&place, method);
        check_metrics(&place, method);
        check_events(&place);
        check_weights(&place, method);
        let summary = place.read_json("run/summary.json");
        assert_eq!(summary["steps"], EPOCHS * STEPS_PER_EPOCH);
        assert_eq!(summary["epochs"], EPOCHS);
        assert_eq!(summary["last"], *place.metrics("run").last().unwrap());
        assert_share(&summary["best_test_probe_acc"]["test_probe_acc"]);
        let log = String::from_utf8(place.read("run/log.txt")).unwrap();
        for part in [method, "96 unlabeled, 32 train, 32 test", "epoch 2 done", "finished"] {
            assert!(log.contains(part), "{log}");
        }
        let names: BTreeSet<String> = fs::read_dir(place.path("run"))
            .unwrap()
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .filter(|name| !name.starts_with("events.out.tfevents."))
            .collect();
        let expected = [
            "checkpoints",
            "config.json",
            "encoder.safetensors",
            "log.txt",
            "metrics.jsonl",
            "summary.json",
        ];
        assert_eq!(names, expected.map(String::from).into());
    }
}

/// `config.json` has every number of the configuration, and what they became here.
fn check_record(place: &Place, method: &str) {
    let record = place.read_json("run/config.json");
    assert_eq!(record["config"], place.read_json(&format!("{method}.json")));
    assert_eq!(record["device"], "cpu");
    assert_eq!(record["format"], 2);
    assert_eq!(record["started_at"].as_str().unwrap().len(), "2026-11-28T09:30:00Z".len());
    assert_eq!(record["threads"], json!({"libtorch": 1, "workers": 1}));
    assert_eq!(record["batch"], json!({"unlabeled": 12, "labeled": 4, "steps_per_epoch": 8}));
    assert_eq!(record["data"]["images"], json!({"unlabeled": 96, "train": 32, "test": 32}));
    assert_eq!(record["data"]["image_size"], 32);
    assert_eq!(record["data"]["class_names"].as_array().unwrap().len(), 10);
    assert!(record["version"].is_string() && record["revision"].is_string());
}

fn check_metrics(place: &Place, method: &str) {
    let steps: Vec<u64> = (1..=EPOCHS * STEPS_PER_EPOCH).collect();
    assert_eq!(place.logged_steps("run"), steps);
    let lines = place.metrics("run");
    let (steps, epochs): (Vec<_>, Vec<_>) = lines.iter().partition(|line| line["kind"] == "step");
    for line in &steps {
        assert_eq!(keys(line), ["kind", "step", "epoch", "loss", "lr"].into());
        let step = line["step"].as_u64().unwrap();
        assert_eq!(line["epoch"], (step - 1) / STEPS_PER_EPOCH + 1);
        assert!(line["loss"].as_f64().unwrap().is_finite());
    }
    let mean = |epoch: u64| {
        let of_epoch = steps.iter().filter(|line| line["epoch"] == epoch);
        of_epoch.map(|line| line["loss"].as_f64().unwrap()).sum::<f64>() / STEPS_PER_EPOCH as f64
    };
    assert_eq!(epochs.len() as u64, EPOCHS);
    for (line, epoch) in epochs.into_iter().zip(1..) {
        let expected = [
            "kind",
            "epoch",
            "step",
            "loss",
            "contrastive_acc",
            "correlation_acc",
            "probe_loss",
            "probe_acc",
            "val_knn_acc",
            "val_probe_loss",
            "val_probe_acc",
            "test_probe_loss",
            "test_probe_acc",
            "lr",
            "teacher_momentum",
            "gradient_norm",
            "feature_std",
            "effective_rank",
            "projection_std",
            "projection_rank",
            "alignment",
            "uniformity",
            "dead_features",
            "teacher_distance",
            "images_per_sec",
            "data_wait",
            "step_secs",
            "train_secs",
            "eval_secs",
            "health_secs",
            "peak_gpu_memory_bytes",
        ];
        assert_eq!(keys(line), expected.into());
        assert_eq!((&line["kind"], &line["epoch"]), (&json!("epoch"), &json!(epoch)));
        assert_eq!(line["step"], epoch * STEPS_PER_EPOCH);
        assert!((line["loss"].as_f64().unwrap() - mean(epoch)).abs() < 1e-9, "{line}");
        for key in
            ["contrastive_acc", "correlation_acc", "probe_acc", "test_probe_acc", "data_wait"]
        {
            assert_share(&line[key]);
        }
        assert!(line["images_per_sec"].as_f64().unwrap() > 0.0);
        assert!(line["effective_rank"].as_f64().unwrap() > 1.0);
        let momentum = if method == "dino" { json!(0.9) } else { Value::Null };
        assert_eq!(line["teacher_momentum"], momentum);
    }
}

/// The event file is a chain of records: length, checksum, bytes, checksum.
fn check_events(place: &Place) {
    let entries = fs::read_dir(place.path("run")).unwrap().map(|entry| entry.unwrap().path());
    let files: Vec<_> =
        entries.filter(|path| path.to_string_lossy().contains("events.out.tfevents.")).collect();
    assert_eq!(files.len(), 1);
    let bytes = fs::read(&files[0]).unwrap();
    let (mut at, mut records) = (0, Vec::new());
    while at < bytes.len() {
        let length = u64::from_le_bytes(bytes[at..at + 8].try_into().unwrap()) as usize;
        records.push(&bytes[at + 12..at + 12 + length]);
        at += 16 + length;
    }
    assert_eq!(at, bytes.len());
    assert_eq!(records.len() as u64, 2 + EPOCHS);
    let says =
        |record: &[u8], text: &str| record.windows(text.len()).any(|part| part == text.as_bytes());
    assert!(says(records[0], "brain.Event:2"));
    // A JPEG.
    assert!(says(records[1], "augmentation") && says(records[1], "JFIF"));
    for record in &records[2..] {
        for tag in
            ["train/loss", "train/contrastive_acc", "probe/test_probe_acc", "health/effective_rank"]
        {
            assert!(says(record, tag), "{tag}");
        }
    }
}

fn check_weights(place: &Place, method: &str) {
    let encoder = tensors(&place.path("run/encoder.safetensors"));
    let shapes: Vec<(&str, &[usize])> =
        encoder.iter().map(|(name, _, shape, _)| (name.as_str(), shape.as_slice())).collect();
    let expected: [(&str, &[usize]); 10] = [
        ("conv1.bias", &[8]),
        ("conv1.weight", &[8, 3, 3, 3]),
        ("conv2.bias", &[8]),
        ("conv2.weight", &[8, 8, 3, 3]),
        ("conv3.bias", &[8]),
        ("conv3.weight", &[8, 8, 3, 3]),
        ("conv4.bias", &[8]),
        ("conv4.weight", &[8, 8, 3, 3]),
        ("dense.bias", &[8]),
        ("dense.weight", &[8, 8]),
    ];
    assert_eq!(shapes, expected);
    // Two checkpoints are kept, and the encoder is that of the newer: the teacher's, where there is
    // one.
    let names: Vec<_> = place.checkpoints("run");
    let names: Vec<_> =
        names.iter().map(|path| path.file_name().unwrap().to_str().unwrap()).collect();
    assert_eq!(names, ["step-000000008.safetensors", "step-000000016.safetensors"]);
    let prefix = if method == "dino" { "teacher.encoder." } else { "encoder." };
    let checkpoint = tensors(&place.newest("run"));
    for (name, _, _, bytes) in &encoder {
        let name = format!("{prefix}{name}");
        let stored = checkpoint.iter().find(|stored| stored.0 == name).expect(&name);
        assert!(stored.3 == *bytes, "{name}");
    }
}

#[cfg(unix)]
#[test]
fn others_may_read_a_run_as_they_may_read_any_file() {
    use std::os::unix::fs::PermissionsExt;
    let place = Place::trained("simclr");
    let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
    place.put("plain", "");
    let plain = mode(&place.path("plain"));
    for name in ["config.json", "metrics.jsonl", "summary.json", "encoder.safetensors", "log.txt"] {
        assert_eq!(mode(&place.path(&format!("run/{name}"))), plain, "{name}");
    }
    assert_eq!(mode(&place.newest("run")), plain);
}

#[test]
fn training_says_each_epoch_as_json() {
    let place = Place::furnished();
    let finished = place.run(&pretrain("simclr", "simclr.json", &["--json"])).done();
    let lines = finished.json_lines();
    let epochs: Vec<_> =
        place.metrics("run").into_iter().filter(|line| line["kind"] == "epoch").collect();
    assert_eq!(lines[..2], epochs[..]);
    assert_eq!(lines[2..], [json!({"kind": "finished", "run": "run"})]);
}

#[test]
fn a_set_describes_itself() {
    let place = Place::furnished();
    let text = place.run(&["data", "info", "data"]).done().stdout;
    for part in ["32 x 32 pixels, 10 classes", "unlabeled", "train", "test", "mean", "std"] {
        assert!(text.contains(part), "{text}");
    }
    let arguments = ["data", "info", "data", "--json", "--sheet", "sheet.png"];
    let info = place.run(&arguments).done().json();
    let images: Vec<_> =
        info["splits"].as_array().unwrap().iter().map(|split| &split["images"]).collect();
    assert_eq!(images, [96, 32, 32]);
    let counts = info["splits"][1]["class_counts"].as_array().unwrap();
    assert_eq!(counts.iter().map(|count| count.as_u64().unwrap()).sum::<u64>(), 32);
    let sheet = image::load_from_memory(&place.read("sheet.png")).unwrap();
    assert!(sheet.width() >= 16 * 32 && sheet.height() >= 6 * 32);
}

/// Two classes of six JPEG and PNG images for training and of three for testing, of different
/// sizes.
fn put_photos(place: &Place) {
    for (split, count) in [("train", 6), ("test", 3)] {
        for (class, hue) in [("blue", [30, 60, 200]), ("red", [200, 60, 30])] {
            for index in 0..count {
                let (width, height) = (34 + 5 * index, 40 + 3 * index);
                let image = image::RgbImage::from_fn(width, height, |x, y| {
                    let shade = (x * 3 + y * 5 + index * 7) % 50;
                    image::Rgb(hue.map(|value| value + shade as u8))
                });
                let (format, ending) = match index % 2 {
                    0 => (image::ImageFormat::Jpeg, "jpg"),
                    _ => (image::ImageFormat::Png, "png"),
                };
                let mut bytes = std::io::Cursor::new(Vec::new());
                image.write_to(&mut bytes, format).unwrap();
                place.put(&format!("data/{split}/{class}/{index}.{ending}"), bytes.into_inner());
            }
        }
    }
}

#[test]
fn a_folder_of_images_trains_and_packs() {
    let place = Place::new();
    place.put_config("dino", |config| config["train"]["batch_size"] = json!(8));
    put_photos(&place);
    place.run(&pretrain("dino", "dino.json", &["--epochs", "1"])).done();
    let images = &place.read_json("run/config.json")["data"]["images"];
    assert_eq!(*images, json!({"unlabeled": 12, "train": 12, "test": 6}));
    let report = place.run(&["evaluate", "run", "--json", "--protocol", "knn"]).done().json();
    assert_eq!(report["data"]["class_names"], json!(["blue", "red"]));
    let packed =
        place.run(&["data", "pack", "data", "--image-size", "32", "--out", "packed", "--json"]);
    let expected = json!({
        "out": "packed", "unlabeled": 12, "train": 12, "test": 6, "width": 32, "height": 32, "skipped": [],
    });
    assert_eq!(packed.done().json(), expected);
    // Packed or not, it is the same set.
    let info =
        |set| place.run(&["data", "info", set, "--image-size", "32", "--json"]).done().json();
    let (folder, packed) = (info("data"), info("packed"));
    assert_eq!(folder["class_names"], packed["class_names"]);
    for (a, b) in [(0, 0), (1, 1), (2, 2)] {
        let (a, b) = (&folder["splits"][a], &packed["splits"][b]);
        for key in ["name", "images", "class_counts", "mean", "std"] {
            assert_eq!(a[key], b[key], "{key}");
        }
    }
}

#[test]
fn methods_are_listed() {
    let place = Place::new();
    let text = place.run(&["methods"]).done().stdout;
    let list = place.run(&["methods", "--json"]).done().json();
    let names: Vec<_> =
        list.as_array().unwrap().iter().map(|entry| entry["name"].as_str().unwrap()).collect();
    assert!(names.len() == 16 && names.contains(&"dino"), "{names:?}");
    for entry in list.as_array().unwrap() {
        assert_eq!(keys(entry), ["name", "title", "family", "summary", "paper", "variants"].into());
        for form in entry["variants"].as_array().unwrap() {
            assert!(text.contains(form.as_str().unwrap()), "{form}: {text}");
        }
        assert!(text.contains(entry["name"].as_str().unwrap()), "{text}");
    }
}

#[test]
fn a_dry_run_prints_the_whole_record_and_writes_nothing() {
    let place = Place::furnished();
    let before = place.contents();
    let more = ["--dry-run", "--seed", "5", "--set", "method.simclr.temperature=0.3"];
    let record = place.run(&pretrain("simclr", "simclr.json", &more)).done().json();
    assert_eq!(place.contents(), before);
    assert_eq!(record["config"]["seed"], 5);
    assert_eq!(record["config"]["method"]["simclr"]["temperature"], 0.3);
    assert_eq!(record["batch"]["steps_per_epoch"], STEPS_PER_EPOCH);
}

#[test]
fn without_data_it_trains_on_the_built_in_set() {
    let place = Place::furnished();
    let arguments = ["pretrain", "simclr", "--config", "simclr.json", "--max-steps", "1"];
    let finished = place.run(&arguments).done();
    let lines = finished.stderr.lines().filter(|line| line.contains("data/stl10_binary"));
    let lines: Vec<_> = lines.collect();
    assert!(lines.len() == 1 && lines[0].contains("cargo xtask download-stl10"), "{finished:#?}");
    assert_eq!(place.logged_steps("runs/simclr"), [1]);
    assert_eq!(place.read_json("runs/simclr/config.json")["data"]["paths"], json!([]));
    // Where STL-10 is, it is used.
    place.put_data("data/stl10_binary");
    let arguments = [&arguments[..], &["--run", "run"]].concat();
    let finished = place.run(&arguments).done();
    assert!(!finished.stderr.contains("absent"), "{finished:#?}");
    let record = place.read_json("run/config.json");
    let path = Path::new(record["data"]["paths"][0].as_str().unwrap());
    assert!(path.is_absolute() && path.ends_with("data/stl10_binary"), "{path:?}");
}

#[test]
fn a_diverging_run_stops_with_a_code_of_its_own() {
    let place = Place::furnished();
    let more = ["--quiet", "--set", "optimizer.adam.lr.constant=1e30"];
    let run = place.run(&pretrain("simclr", "simclr.json", &more));
    run.failed(3, &["training diverged", "a smaller learning rate", "there is no checkpoint yet"]);
    assert!(place.checkpoints("run").is_empty() && !place.path("run/summary.json").exists());
}
