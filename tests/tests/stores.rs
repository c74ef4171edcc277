//! What crops are taken from: chosen, set, recorded, and the same after an interruption.

use std::fs;

use end_to_end::{Finished, Place, assert_same_tensors, pretrain};
use serde_json::{Value, json};

/// A place with the tiny configuration and a folder of panoramas of two classes, half of them JPEG.
fn place(epochs: u32) -> Place {
    let place = Place::new();
    place.put_config("simclr", |config| {
        config["train"]["batch_size"] = json!(8);
        config["train"]["epochs"] = json!(epochs);
        config["train"]["log_every"] = json!(1);
        config["train"]["workers"] = json!(2);
    });
    for number in 0..24u32 {
        let class = ["hill", "sea"][number as usize % 2];
        let picture = image::RgbImage::from_fn(400, 100, |x, y| {
            let along = if number % 2 == 0 { x } else { y };
            image::Rgb([(along * 5 % 256) as u8, (x + y + number) as u8, (number * 10) as u8])
        });
        let ending = if number < 12 { "jpg" } else { "png" };
        let split = if number < 20 { "train" } else { "test" };
        let path = place.path(&format!("data/{split}/{class}/{number:02}.{ending}"));
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        picture.save(path).unwrap();
    }
    place
}

fn train(place: &Place, run: &str, more: &[&str]) -> Finished {
    place.run(&[&pretrain("simclr.json", run), more].concat())
}

fn store_of(place: &Place, run: &str) -> Value {
    place.read_json(&format!("{run}/config.json"))["config"]["data"]["store"].clone()
}

#[test]
fn the_store_is_chosen_said_and_recorded() {
    let place = place(2);
    let finished = train(&place, "chosen", &[]).done();
    let says =
        "crops are taken from the whole images (--store aspect): whole images take about 1 MB";
    assert!(finished.stderr.contains(says), "{finished:#?}");
    assert_eq!(store_of(&place, "chosen"), "aspect");
    train(&place, "square", &["--store", "square"]).done();
    assert_eq!(store_of(&place, "square"), "square");
    train(&place, "encoded", &["--set", "data.store=encoded"]).done();
    assert_eq!(store_of(&place, "encoded"), "encoded");
    // Each run has learned something else, of the same squares.
    let encoder = |run| place.path(&format!("{run}/encoder.safetensors"));
    let [a, b, c] = ["chosen", "square", "encoded"].map(|run| fs::read(encoder(run)).unwrap());
    assert!(a != b && b != c && a != c);
    let fingerprint =
        |run: &str| place.read_json(&format!("{run}/config.json"))["data"]["fingerprint"].clone();
    assert_eq!(fingerprint("chosen"), fingerprint("square"));
    assert_eq!(fingerprint("encoded"), fingerprint("square"));
    for run in ["chosen", "encoded"] {
        let evaluate = ["evaluate", run, "--protocol", "knn", "--json"];
        let report = place.run(&evaluate).done().json();
        assert_eq!(report["data"]["images"]["test"], 4, "{report}");
    }
    let listed = place.run(&["data", "cache", "--json"]).done().json();
    assert_eq!(listed["entries"].as_array().unwrap().len(), 1, "one set serves all: {listed}");
    place.run(&["preview", "simclr", "--data", "data", "--out", "views.png"]).done();

    let resume = ["pretrain", "simclr", "--run", "chosen", "--resume", "--store", "square"];
    place.run(&resume).failed(2, &["data.store", "aspect", "square"]);
    let wrong = pretrain("simclr.json", "new");
    place.refuses(&[&wrong[..], &["--store", "round"]].concat(), &["--store"]);
    place.refuses(&[&wrong[..], &["--set", "data.store=round"]].concat(), &["data.store"]);
    // Binaries have squares alone.
    place.put_data("binaries");
    let binaries = ["pretrain", "simclr", "--config", "simclr.json", "--data", "binaries"];
    place.run(&[&binaries[..], &["--run", "b", "--max-steps", "1"]].concat()).done();
    assert_eq!(store_of(&place, "b"), Value::Null);
}

/// Starts a run and interrupts it as soon as a step is logged.
fn interrupt(place: &Place, store: &str) {
    let arguments = [&pretrain("simclr.json", "run")[..], &["--store", store]].concat();
    place.interrupt(&arguments, "-TERM", || place.has("run/metrics.jsonl")).ended(130);
}

fn interrupted_and_resumed(store: &str) {
    let place = place(60);
    interrupt(&place, store);
    place.run(&["pretrain", "simclr", "--run", "run", "--resume"]).done();
    train(&place, "whole", &["--store", store, "--workers", "1"]).done();
    assert_eq!(place.timeless_metrics("run"), place.timeless_metrics("whole"));
    assert_same_tensors(&place.newest("run"), &place.newest("whole"));
}

#[test]
fn a_run_on_stored_whole_images_is_resumed_exactly() {
    interrupted_and_resumed("aspect");
}

#[test]
fn a_run_on_files_is_resumed_exactly() {
    interrupted_and_resumed("encoded");
}

#[test]
fn a_file_that_is_damaged_after_opening_is_one_line() {
    let place = place(2);
    train(&place, "first", &["--store", "encoded", "--max-steps", "1"]).done();
    // As long and as old as before: only who decodes it notices.
    for number in ["00", "02", "04", "06", "08", "10"] {
        let path = place.path(&format!("data/train/hill/{number}.jpg"));
        let metadata = fs::metadata(&path).unwrap();
        let file = fs::File::options().write(true).open(&path).unwrap();
        std::io::Write::write_all(&mut &file, &vec![0; metadata.len() as usize]).unwrap();
        file.set_modified(metadata.modified().unwrap()).unwrap();
    }
    let finished = train(&place, "second", &["--store", "encoded"]).ended(1);
    let last = finished.stderr.lines().last().unwrap();
    assert!(last.starts_with("error: ") && last.contains(".jpg: expected a JPEG"), "{finished:#?}");
}
