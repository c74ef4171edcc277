//! Labels of unlabeled images: the table, confidences and calibration, the sheet, what is refused,
//! and features that are kept for the next question.

use std::collections::BTreeMap;
use std::fs;

use end_to_end::Place;
use serde_json::{Value, json};
use sha2::Digest;

fn predict<'a>(more: &[&'a str]) -> Vec<&'a str> {
    [&["predict", "run", "--out", "labels.csv"], more].concat()
}

/// The fields of each line of a CSV file without quotes, the header first.
fn table(place: &Place, name: &str) -> Vec<Vec<String>> {
    let text = String::from_utf8(place.read(name)).unwrap();
    assert!(!text.contains('"'), "{text}");
    text.lines().map(|line| line.split(',').map(str::to_owned).collect()).collect()
}

/// A picture in shades of one color with stripes of its own, moved by `number`, so that images of a
/// color are alike.
fn put_color(place: &Place, name: &str, color: [u8; 3], number: u32) {
    let [red, _, blue] = color.map(|value| value > 100);
    let shade = |x: u32, y: u32| {
        let along = if red {
            x
        } else if blue {
            y
        } else {
            x + y
        };
        let light = (along + number) % if red { 4 } else { 10 } < 2;
        color.map(|value| if light { value.saturating_add(50) } else { value })
    };
    let picture = image::RgbImage::from_fn(32, 32, |x, y| image::Rgb(shade(x, y)));
    let mut bytes = std::io::Cursor::new(Vec::new());
    picture.write_to(&mut bytes, image::ImageFormat::Png).unwrap();
    place.put(name, bytes.into_inner());
}

const COLORS: [(&str, [u8; 3]); 3] =
    [("blue", [20, 30, 200]), ("green", [10, 180, 20]), ("red", [210, 20, 20])];

/// A run, and a folder with eight labeled images of each of three colors and four unlabeled ones.
fn colors() -> Place {
    let place = Place::trained("simclr");
    for (name, color) in COLORS {
        for number in 0..8 {
            put_color(&place, &format!("colors/train/{name}/{number}.png"), color, number);
        }
        // Stripes come again after twenty pixels: these are copies of labeled ones.
        for number in 20..24 {
            let path = format!("colors/unlabeled/{name}-{number}.png");
            put_color(&place, &path, color, number);
        }
    }
    place
}

/// Lines of predictions, and the summary after them.
fn lines(place: &Place, arguments: &[&str]) -> (Vec<Value>, Value) {
    let mut lines = place.run(arguments).done().json_lines();
    let summary = lines.pop().unwrap();
    assert_eq!(summary["kind"], "summary");
    assert!(lines.iter().all(|line| line["kind"] == "prediction"));
    (lines, summary)
}

#[test]
fn images_get_the_label_of_what_they_look_like() {
    let place = colors();
    let more = ["--data", "colors", "--top-k", "2", "--json", "--sheet", "unsure.png"];
    let (predictions, summary) = lines(&place, &predict(&more));
    let rows = table(&place, "labels.csv");
    assert_eq!(rows[0], ["path", "label", "confidence", "label_2", "confidence_2"]);
    assert_eq!((rows.len(), predictions.len()), (1 + 12, 12));
    let mut right = 0;
    for (row, prediction) in rows[1..].iter().zip(&predictions) {
        let color = row[0].strip_prefix("unlabeled/").unwrap().split('-').next().unwrap();
        right += usize::from(row[1] == color);
        assert_ne!(row[3], row[1]);
        let confidences: Vec<f64> = [2, 4].map(|at| row[at].parse().unwrap()).to_vec();
        assert!(confidences[0] > confidences[1] && confidences.iter().sum::<f64>() < 1.000_01);
        let classes = prediction["classes"].as_array().unwrap();
        for (rank, class) in classes.iter().enumerate() {
            assert_eq!(class["label"], row[1 + 2 * rank].as_str());
            let difference = class["confidence"].as_f64().unwrap() - confidences[rank];
            assert!(difference.abs() < 1e-6);
        }
        assert_eq!((classes.len(), &prediction["path"]), (2, &json!(row[0])));
    }
    assert_eq!((&summary["images"], &summary["labeled_images"]), (&json!(12), &json!(24)));
    // By chance four of twelve would be.
    assert!(right >= 9, "{rows:?}");
    for (class, count) in summary["classes"].as_object().unwrap() {
        let found = rows[1..].iter().filter(|row| row[1] == *class).count();
        assert_eq!(count.as_u64(), Some(found as u64), "{class}");
    }
    let calibration = &summary["calibration"];
    assert_eq!(calibration["images"], 24);
    let share = |key: &str| calibration[key].as_f64().unwrap();
    assert!(share("accuracy") > 0.6 && share("accuracy") <= 1.0, "{calibration}");
    let errors = ["calibration_error", "calibration_error_uncalibrated"].map(share);
    assert!(errors.iter().all(|error| (0.0..0.5).contains(error)), "{calibration}");
    // Twelve images, enlarged to at least 144 pixels, in rows of eight with captions.
    let sheet = image::open(place.path("unsure.png")).unwrap();
    assert!(sheet.width() > 8 * 144 && sheet.height() > 2 * 144, "{}", sheet.width());
    let text = place.run(&predict(&["--data", "colors"])).done().stdout;
    for part in [
        "labels.csv: 12 images, by logistic regression on 24 labeled ones (C ",
        "by 24 labeled images that were held out: accuracy ",
        "class  images  mean confidence\n",
    ] {
        assert!(text.contains(part), "{text}");
    }
}

#[test]
fn predictions_are_those_of_evaluation_and_the_same_again() {
    let place = Place::trained("simclr");
    // By default the unlabeled images of the run's set, by its training images.
    place.run(&predict(&[])).done();
    let first = place.read("labels.csv");
    let rows = table(&place, "labels.csv");
    assert_eq!((rows.len(), rows[1][0].as_str()), (1 + 96, "unlabeled/0"));
    place.run(&predict(&["--no-cache"])).done();
    assert_eq!(place.read("labels.csv"), first);
    // The classifier is the one of evaluation: it has the same C and as many test images right.
    let (test, summary) = lines(&place, &predict(&["--split", "test", "--json"]));
    let linear = place.run(&["evaluate", "run", "--protocol", "linear", "--json"]).done().json();
    let linear = &linear["protocols"]["linear"];
    assert_eq!(summary["c"], linear["c"]);
    let classes = String::from_utf8(place.read("data/class_names.txt")).unwrap();
    let classes: Vec<&str> = classes.lines().collect();
    let labels = place.read("data/test_y.bin");
    let right = test.iter().zip(labels).filter(|(prediction, label)| {
        prediction["classes"][0]["label"] == classes[usize::from(*label) - 1]
    });
    let accuracy = right.count() as f64 / test.len() as f64;
    assert!((accuracy - linear["accuracy"].as_f64().unwrap()).abs() < 1e-9, "{linear}");
}

#[test]
fn labels_may_be_those_of_another_set() {
    let place = colors();
    for number in 20..23 {
        put_color(&place, &format!("photos/{number}.png"), COLORS[2].1, number);
    }
    let (predictions, _) =
        lines(&place, &predict(&["--data", "photos", "--labeled", "colors", "--json"]));
    let labels: Vec<&Value> =
        predictions.iter().map(|prediction| &prediction["classes"][0]["label"]).collect();
    assert_eq!(labels, ["red"; 3]);
    // Without one, those of the run's set.
    let (predictions, summary) = lines(&place, &predict(&["--data", "photos", "--json"]));
    assert_eq!((predictions.len(), &summary["labeled_images"]), (3, &json!(32)));
    // With one image a class there is nothing to calibrate by.
    for (name, color) in COLORS {
        put_color(&place, &format!("few/train/{name}/0.png"), color, 0);
    }
    let few = ["--data", "photos", "--labeled", "few"];
    let text = place.run(&predict(&few)).done().stdout;
    assert!(text.contains("one labeled image a class: confidences are not calibrated"), "{text}");
}

#[test]
fn what_can_not_be_predicted_is_refused() {
    let place = colors();
    // Once, so that the folders are decoded.
    place.run(&predict(&["--data", "colors"])).done();
    for (name, color) in COLORS {
        put_color(&place, &format!("flat/{name}.png"), color, 0);
        put_color(&place, &format!("one/train/red/{name}.png"), color, 0);
    }
    place.run(&["data", "info", "flat", "--image-size", "32"]).done();
    place.run(&["data", "info", "one", "--image-size", "32"]).done();
    fs::remove_file(place.path("labels.csv")).unwrap();
    let refuses = |more: &[&str], says: &[&str]| place.refuses(&predict(more), says);
    let labeled = "flat: expected labeled training images, found none: put some into \
                   flat/train/CLASS/, or name a file of labels by --labels or a labeled set by \
                   --labeled";
    refuses(&["--data", "colors", "--labeled", "flat"], &[labeled]);
    let only = "one: expected unlabeled images, found labeled ones only; --split train";
    refuses(&["--data", "one"], &[only]);
    refuses(&["--data", "flat", "--split", "test"], &["flat: split: expected unlabeled"]);
    refuses(&["--top-k", "0"], &["--top-k"]);
    refuses(&["--limit", "3"], &["--sheet"]);
    refuses(&["--sheet", "no/sheet.png"], &["no/sheet.png: expected a file that can be written"]);
    refuses(&["--checkpoint", "epoch:9"], &["run: expected "]);
    place.refuses(&["predict", "run"], &["--out"]);
    let one = "one: expected training images of at least 2 classes, found 1";
    refuses(&["--data", "flat", "--labeled", "one"], &[one]);
}

/// The files of the cache of features, with their bytes.
fn cached(place: &Place) -> BTreeMap<String, Vec<u8>> {
    let files = place.contents().into_iter().filter_map(|(path, bytes)| {
        let folder = path.parent()?.file_name()?.to_owned();
        (folder == "features").then_some((path.display().to_string(), bytes?))
    });
    files.collect()
}

#[test]
fn features_are_computed_once_a_set_and_weights() {
    let place = Place::trained("simclr");
    let nearest = || {
        let arguments = ["neighbors", "run", "--outliers", "5", "--json"];
        place.run(&arguments).done().stdout
    };
    let first = nearest();
    let files = cached(&place);
    // One a split: 96, 32 and 32 images with 8 features, a head of 24 bytes and a hash of 32.
    let mut sizes: Vec<usize> = files.values().map(Vec::len).collect();
    sizes.sort_unstable();
    assert_eq!(sizes, [32, 32, 96].map(|images| 24 + images * 8 * 4 + 32));
    // Other commands read the same files, and answer the same.
    assert_eq!(nearest(), first);
    place.run(&["embed", "run", "--out", "cached.npy"]).done();
    place.run(&["evaluate", "run"]).done();
    place.run(&predict(&[])).done();
    assert_eq!(cached(&place), files);
    place.run(&["embed", "run", "--out", "anew.npy", "--no-cache"]).done();
    assert_eq!(place.read("cached.npy"), place.read("anew.npy"));
    // They are read: a file with other numbers and their hash is believed.
    let (name, whole) = files.iter().find(|(_, bytes)| bytes.len() > 2000).unwrap();
    let mut forged = [&whole[..24], &1.5f32.to_le_bytes().repeat(96 * 8)].concat();
    forged.extend_from_slice(&sha2::Sha256::digest(&forged));
    fs::write(name, forged).unwrap();
    place.run(&["embed", "run", "--split", "unlabeled", "--out", "forged.npy"]).done();
    assert!(place.read("forged.npy").ends_with(&1.5f32.to_le_bytes().repeat(96 * 8)));
    // One that is cut off or damaged is made anew.
    for (name, bytes) in &files {
        let mut damaged = bytes.clone();
        damaged[40] ^= 1;
        fs::write(name, damaged).unwrap();
    }
    let said = place.run(&["embed", "run", "--out", "anew.npy"]).done();
    assert!(said.stderr.contains("cached features are made anew"), "{said:?}");
    assert_eq!(place.read("cached.npy"), place.read("anew.npy"));
    for (name, bytes) in &files {
        fs::write(name, &bytes[..bytes.len() / 2]).unwrap();
    }
    assert_eq!(nearest(), first);
    assert_eq!(cached(&place), files);
    // Other weights have files of their own.
    let early = ["embed", "run", "--checkpoint", "epoch:1", "--out", "early.npy"];
    place.run(&early).done();
    assert_eq!(cached(&place).len(), 6);
    assert_ne!(place.read("early.npy"), place.read("cached.npy"));
    // So have other images, though there be as many.
    let mut images = place.read("data/test_X.bin");
    images[..3 * 32 * 32].fill(99);
    place.put("data/test_X.bin", images);
    place.run(&["embed", "run", "--out", "other.npy"]).done();
    assert_eq!(cached(&place).len(), 7);
    assert_ne!(place.read("other.npy"), place.read("cached.npy"));
}

#[test]
fn without_a_place_for_the_cache_there_is_none() {
    let place = Place::trained("simclr");
    let embed = |out: &str| {
        let mut command = place.command(&["embed", "run", "--out", out]);
        command.env_remove("XDG_CACHE_HOME").env_remove("HOME").env_remove("LOCALAPPDATA");
        assert!(command.output().unwrap().status.success());
    };
    embed("out.npy");
    assert!(cached(&place).is_empty());
    // A file where the folder would be is a warning.
    let mut command = place.command(&["embed", "run", "--out", "again.npy"]);
    place.put("cache/twinview/features", "");
    let said = command.env("XDG_CACHE_HOME", place.path("cache")).output().unwrap();
    let errors = String::from_utf8(said.stderr).unwrap();
    assert!(said.status.success() && errors.contains("features are not cached"), "{errors}");
    assert_eq!(place.read("out.npy"), place.read("again.npy"));
}
