use serde_json::{Value, json};

use super::*;

#[test]
fn steps_are_told_in_epochs() {
    let batch = BatchRecord { unlabeled: 32, labeled: 0, steps_per_epoch: 25 };
    for (steps, words) in [
        (0, "0 steps"),
        (1, "1 step, 0.04 of an epoch"),
        (10, "10 steps, 0.4 of an epoch"),
        (25, "1 epoch, 25 steps"),
        (62, "62 steps, 2.48 epochs"),
        (75, "3 epochs, 75 steps"),
    ] {
        assert_eq!(batch.duration(steps), words);
    }
    let long = BatchRecord { steps_per_epoch: 1000, ..batch };
    assert_eq!(long.duration(999), "999 steps, 0.999 of an epoch");
    assert_eq!(long.duration(2001), "2001 steps, 2.001 epochs");
    let short = BatchRecord { steps_per_epoch: 1, ..batch };
    assert_eq!(short.duration(1), "1 epoch, 1 step");
}

#[test]
fn every_image_is_counted_once() {
    let record: RunRecord<Value> = serde_json::from_value(record()).unwrap();
    let mut data = record.data;
    assert_eq!((data.trained_on(false), data.trained_on(true)), (100, 190));
    data.held_out = 10;
    assert_eq!(data.trained_on(true), 180);
    data.unlabeled_is_train = true;
    assert_eq!((data.trained_on(false), data.trained_on(true)), (80, 80));
}

fn record() -> Value {
    json!({
        "format": FORMAT, "version": "1", "revision": "abc",
        "started_at": "2026-11-28T09:30:00Z", "device": "cpu",
        "threads": {"libtorch": 2, "workers": 1},
        "data": {
            "paths": ["data/photos"], "labels": "auto", "skip_bad": false,
            "kind": "image folder", "fingerprint": "f00",
            "image_size": 96, "images": {"unlabeled": 100, "train": 90, "test": 20},
            "unlabeled_is_train": false, "held_out": 0, "class_names": ["cat", "dog"],
        },
        "batch": {"unlabeled": 32, "labeled": 32, "steps_per_epoch": 10},
        "init": null, "initial_knn": null, "run_id": "1f", "has_checkpoint": true,
        "segments": [{
            "from_step": 0, "started_at": "2026-11-28T09:30:00Z",
            "environment": {
                "version": "1", "revision": "abc", "libtorch": "2.11.0", "device": "cpu",
                "processor": "EPYC", "cpu_capability": "AVX2", "threads": 2, "ranks": 1,
                "variables": {"MKL_CBWR": "COMPATIBLE"},
            },
        }],
        "config": {"seed": 3},
    })
}

#[test]
fn the_runs_in_a_folder_are_listed() {
    let folder = tempfile::tempdir().unwrap();
    let said = || RunRecord::<Value>::read(folder.path()).unwrap_err().to_string();
    for run in ["b", "a", "deep/c", "deep/er/d"] {
        let run = folder.path().join(run);
        fs::create_dir_all(&run).unwrap();
        fs::write(run.join(file::CONFIG), "{}").unwrap();
    }
    let at = |name: &str| folder.path().join(name).display().to_string();
    let list = format!("a folder with the runs {}, {}, {}", at("a"), at("b"), at("deep/c"));
    assert!(said().ends_with(&list), "{}", said());
    for number in 0..8 {
        let run = folder.path().join(format!("x{number}"));
        fs::create_dir_all(&run).unwrap();
        fs::write(run.join(file::CONFIG), "{}").unwrap();
    }
    assert!(said().contains("a folder with 11 runs: ") && said().ends_with("/x1, ..."));
}

fn read(value: &Value) -> Result<RunRecord<Value>, Error> {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join(file::CONFIG), value.to_string()).unwrap();
    RunRecord::read(folder.path())
}

#[test]
fn what_is_written_is_read() {
    let read = read(&record()).unwrap();
    assert_eq!((read.data.name().as_str(), read.batch.images()), ("photos", 64));
    assert_eq!(read.config["seed"], 3);
    assert_eq!(serde_json::to_value(&read).unwrap(), record());
}

#[test]
fn a_record_that_cannot_be_read_is_not_taken_for_absent() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join(file::CONFIG);
    fs::create_dir(&path).unwrap();
    let error = RunRecord::<Value>::read(folder.path()).unwrap_err();
    assert!(matches!(error, Error::Io { .. }), "{error}");
    fs::remove_dir(&path).unwrap();
    fs::write(&path, [0xff]).unwrap();
    let error = RunRecord::<Value>::read(folder.path()).unwrap_err();
    assert!(matches!(error, Error::Content { .. }), "{error}");
}

#[test]
fn several_folders_and_older_records_are_read() {
    let mut value = record();
    value["data"]["paths"] = json!(["data/photos", "/scans"]);
    value["data"]["labels"] = json!("/labels.csv");
    let several = read(&value).unwrap().data;
    assert_eq!(several.name(), "photos, scans");
    assert_eq!(several.source.labels, "/labels.csv");
    let data = value["data"].as_object_mut().unwrap();
    for key in ["paths", "labels", "skip_bad"] {
        data.shift_remove(key);
    }
    for (path, paths) in [(json!("data/photos"), vec!["data/photos"]), (json!(null), vec![])] {
        value["data"]["path"] = path;
        let source = read(&value).unwrap().data.source;
        let paths = paths.into_iter().map(PathBuf::from).collect();
        assert_eq!(source, DataSource { paths, ..DataSource::default() });
    }
}

#[test]
fn another_format_is_refused_on_one_line() {
    let mut old = record();
    old.as_object_mut().unwrap().shift_remove("format");
    let said = read(&old).unwrap_err().to_string();
    let expected =
        ": written by an earlier version of Twinview (format 1); this version reads format 2";
    assert!(said.ends_with(expected) && !said.contains('\n'), "{said}");
    let mut later = record();
    later["format"] = json!(FORMAT + 1);
    let said = read(&later).unwrap_err().to_string();
    assert!(said.contains("by a later version of Twinview (format 3)"), "{said}");
}

#[test]
fn a_file_that_is_no_record_is_named() {
    for value in [json!({}), json!([]), json!({"format": FORMAT}), json!({"version": 1})] {
        let error = read(&value).unwrap_err();
        assert!(matches!(error, Error::Content { .. }), "{error}");
        assert!(error.to_string().contains("config.json: expected the record"), "{error}");
    }
    let folder = tempfile::tempdir().unwrap();
    let error = RunRecord::<Value>::read(folder.path()).unwrap_err();
    assert!(error.to_string().contains("found a folder without config.json"), "{error}");
    for (count, says) in [
        (1, "found a folder with the run "),
        (2, "found a folder with the runs "),
        (6, "found a folder with 6 runs: "),
    ] {
        for number in 0..count {
            let run = folder.path().join(format!("run{number}"));
            fs::create_dir_all(&run).unwrap();
            fs::write(run.join(file::CONFIG), "").unwrap();
        }
        let error = RunRecord::<Value>::read(folder.path()).unwrap_err().to_string();
        assert!(error.contains(says) && error.contains("run0"), "{error}");
    }
    let absent = RunRecord::<Value>::read(&folder.path().join("a\nb")).unwrap_err();
    assert!(matches!(absent, Error::NoRun { .. }));
    assert!(absent.to_string().contains("a\\nb: expected a run"), "{absent}");
}

#[test]
fn only_what_is_below_the_interval_is_a_regression() {
    let initial = InitialKnn { accuracy: 0.6, images: 100 };
    let [low, high] = initial.interval95();
    assert!((low - 0.502_002).abs() < 1e-5 && (high - 0.690_599).abs() < 1e-5, "{low} {high}");
    assert_eq!(initial.regression(0.51), None);
    let said = initial.regression(0.5).unwrap();
    let expected = "val_knn_acc is 50.00%, that of the weights it began with 60.00% (50.2 to 69.1)";
    assert_eq!(said, expected);
}
