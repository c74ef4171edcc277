//! Folders of images as people have them: labels in a CSV file, several folders, unreadable files,
//! what `data info` says of them, and the cache.

use std::fs;

use end_to_end::{Place, png, pretrain};
use serde_json::{Value, json};

const RED: [u8; 3] = [220, 30, 20];
const BLUE: [u8; 3] = [20, 30, 220];

/// A place with the tiny configuration and a folder `photos` of twelve red and twelve blue images,
/// and a file of labels of half of them, the last two of each for testing.
fn photos() -> Place {
    let place = Place::new();
    place.put_config("simclr", |config| config["train"]["batch_size"] = json!(8));
    let mut csv = "path,label,split\n".to_owned();
    for (name, color) in [("red", RED), ("blue", BLUE)] {
        for number in 0..12 {
            place.put(&format!("photos/2024/{name}{number:02}.png"), png(color, number));
            if number < 6 {
                let split = if number < 4 { "train" } else { "test" };
                csv += &format!("2024/{name}{number:02}.png,{name},{split}\n");
            }
        }
    }
    place.put("labels.csv", csv);
    place
}

fn train(place: &Place, more: &[&str]) -> end_to_end::Finished {
    place.run(&[&pretrain("simclr.json", "run")[..4], &["--run", "run"], more].concat())
}

/// No folder was decoded so far: the cache has no images.
#[track_caller]
fn assert_nothing_decoded(place: &Place) {
    let listed = place.run(&["data", "cache", "--json"]).done().json();
    assert_eq!(listed["entries"], json!([]), "images were decoded");
}

#[test]
fn labels_from_a_file_are_found_again_by_every_command() {
    let place = photos();
    let finished = train(&place, &["--data", "photos", "--labels", "labels.csv"]).done();
    let says = "labels.csv: labels of 8 training and 4 test images, 2 classes; 12 images are";
    assert!(finished.stderr.contains(says), "{finished:#?}");
    let data = place.read_json("run/config.json")["data"].clone();
    assert_eq!(data["images"], json!({"unlabeled": 12, "train": 8, "test": 4}));
    assert_eq!(data["class_names"], json!(["blue", "red"]));
    let absolute = |name: &str| place.path(name).to_str().unwrap().to_owned();
    assert_eq!(data["paths"], json!([absolute("photos")]));
    assert_eq!(data["labels"], json!(absolute("labels.csv")));
    // From another folder, too.
    place.put("elsewhere/note", "");
    let run = absolute("run");
    let mut command = place.command(&["evaluate", &run, "--protocol", "knn", "--json"]);
    let output = command.current_dir(place.path("elsewhere")).output().unwrap();
    assert!(output.status.success(), "{output:?}");
    let result: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(result["protocols"]["knn"]["accuracy"], 1.0);
    assert_eq!(result["data"]["images"], json!({"train": 8, "test": 4}));
    place.run(&["embed", "run", "--out", "features.csv"]).done();
    let table = String::from_utf8(place.read("features.csv")).unwrap();
    let count = |part: &str| table.lines().filter(|line| line.starts_with(part)).count();
    assert_eq!((count("unlabeled,"), count("train,"), count("test,")), (12, 8, 4));
    assert!(table.contains("test,0,2024/blue04.png,0,blue,"), "{table}");
    place.run(&["predict", "run", "--out", "predicted.csv"]).done();
    let predicted = String::from_utf8(place.read("predicted.csv")).unwrap();
    assert_eq!(predicted.lines().count(), 13);
    assert!(
        predicted.lines().skip(1).all(|line| { line.contains("/red") == line.contains(",red,") })
    );
    let resumed = train(&place, &["--resume", "--epochs", "3"]).done();
    assert!(resumed.stderr.contains("resuming after step"), "{resumed:#?}");
    // Labels that came later, and none.
    place.put("more.csv", "path,label\n2024/red06.png,x\n2024/blue06.png,y\n2024/red07.png,x\n");
    let more = ["evaluate", "run", "--labels", "more.csv", "--protocol", "knn", "--json"];
    let result = place.run(&more).done().json();
    assert_eq!(result["data"]["class_names"], json!(["x", "y"]));
    let none = ["evaluate", "run", "--labels", "none"];
    place.refuses(&none, &["photos: expected a labeled"]);
}

#[test]
fn wrong_labels_are_refused_before_an_image_is_decoded() {
    let place = photos();
    place.put("wrong.csv", "path,label\n2024/gone.png,red\n2024/red00.png,red\nx,red\n");
    let start = ["pretrain", "simclr", "--config", "simclr.json", "--data", "photos", "--run"];
    let with = |labels| [&start[..], &["run", "--labels", labels]].concat();
    let says =
        ["wrong.csv: expected images of photos, found 2 rows with something else, the first \
                 2024/gone.png in line 2, which is none"];
    place.refuses(&with("wrong.csv"), &says);
    place.refuses(&with("absent.csv"), &["absent.csv: expected a CSV file of labels"]);
    place.refuses(&with("photos"), &["photos: expected a CSV file of labels, found no plain file"]);
    place.put_data("binaries");
    let binaries = ["data", "info", "binaries", "--labels", "labels.csv"];
    place.refuses(&binaries, &["binaries: expected a folder of images to label by a file"]);
    let alone = ["pretrain", "simclr", "--config", "simclr.json", "--labels", "labels.csv"];
    place.refuses(&alone, &["--labels: expected --data"]);
    assert_nothing_decoded(&place);
    // Left out where that is asked for.
    let info = ["data", "info", "photos", "--labels", "wrong.csv", "--skip-bad", "--json"];
    let info = place.run(&info).done();
    assert!(info.stderr.contains("skipped wrong.csv: expected images of photos"), "{info:#?}");
    assert_eq!(info.json()["splits"][1]["images"], 1);
}

#[test]
fn several_folders_are_one_set() {
    let place = photos();
    for (name, color) in [("fig", [10, 200, 30]), ("red", RED)] {
        for number in 0..4 {
            place.put(&format!("fruit/train/{name}/{number}.png"), png(color, number));
        }
    }
    // The same picture, larger in the other folder.
    for (name, side) in [("photos/2024/solid.png", 32), ("fruit/train/fig/solid.png", 64)] {
        let picture = image::RgbImage::from_pixel(side, side, image::Rgb([90, 160, 230]));
        picture.save(place.path(name)).unwrap();
    }
    train(&place, &["--data", "photos", "--data", "fruit"]).done();
    let data = place.read_json("run/config.json")["data"].clone();
    assert_eq!(data["images"], json!({"unlabeled": 25, "train": 9, "test": 0}));
    assert_eq!(data["class_names"], json!(["fig", "red"]));
    assert_eq!(data["kind"], "several image sets");
    let paths = ["photos", "fruit"].map(|name| place.path(name).to_str().unwrap().to_owned());
    assert_eq!(data["paths"], json!(paths));
    let evaluated = place.run(&["evaluate", "run", "--protocol", "knn", "--json"]).done().json();
    assert_eq!(
        (&evaluated["split"], &evaluated["data"]["images"]["train"]),
        (&json!("folds"), &json!(9))
    );
    let found = ["neighbors", "run", "--duplicates", "--threshold", "0.9999999", "--json"];
    let found = place.run(&found).done().json();
    let names = found["pairs"].to_string();
    assert!(names.contains("fruit/train/red/0.png") && names.contains("photos/2024/red00.png"));
    let groups = found["groups"].as_array().unwrap();
    let of = |group: &&Value| group["others"][0]["name"] == "photos/2024/solid.png";
    let group = groups.iter().find(of).expect("the pair of solid pictures");
    assert_eq!(group["keep"]["name"], "fruit/train/fig/solid.png");
    place.run(&["report", "run", "--out", "report.html"]).done();
    let report = String::from_utf8(place.read("report.html")).unwrap();
    assert!(report.contains("photos, fruit") && !report.contains(&paths[0]));
    let out =
        ["data", "pack", "photos", "fruit", "--image-size", "32", "--out", "packed", "--json"];
    let packed = place.run(&out).done().json();
    assert_eq!((&packed["unlabeled"], &packed["train"]), (&json!(25), &json!(9)));
    let result = place.run(&["evaluate", "run", "--data", "packed", "--protocol", "knn", "--json"]);
    let result = result.done().json();
    assert_eq!(result["data"]["fingerprint"], evaluated["data"]["fingerprint"]);
    let twice = ["data", "info", "photos", "./photos/"];
    place.refuses(&twice, &["./photos/: expected each folder once, found it twice"]);
    let inside = ["embed", "run", "--data", "photos", "--data", "photos/2024", "--out", "a.npy"];
    place
        .refuses(&inside, &["photos/2024: expected each folder once, found one that is in photos"]);
    place.put_data("binaries");
    let sizes = ["data", "info", "photos", "binaries"];
    place.refuses(&sizes, &["binaries: expected images of 96 x 96 pixels as in photos", "32 x 32"]);
}

#[test]
fn a_share_of_the_labels_is_held_out() {
    let place = photos();
    let dry = ["--data", "photos", "--labels", "labels.csv", "--dry-run", "--val-split"];
    let record = train(&place, &[&dry[..], &["0.5"]].concat()).done().json();
    assert_eq!(record["config"]["checkpoint"]["best"]["val_probe_acc"]["val_fraction"], 0.5);
    assert_eq!(record["data"]["held_out"], 4);
    for wrong in ["0", "1", "-1", "NaN"] {
        let finished = train(&place, &[&dry[..], &[wrong]].concat());
        finished.failed(2, &["val_fraction: expected a number between 0 and 1"]);
    }
}

#[test]
fn unreadable_images_are_skipped_wherever_there_is_data() {
    let place = photos();
    place.put("photos/2024/red01.png", "damaged");
    place.put("photos/2024/blue99.jpg", "");
    let hint = "2 files can't be used; the first: photos/2024/";
    let refused = train(&place, &["--data", "photos"]).ended(2);
    assert!(refused.stderr.contains(hint), "{refused:#?}");
    assert!(refused.stderr.contains("--skip-bad skips such files"), "{refused:#?}");
    let finished = train(&place, &["--data", "photos", "--skip-bad"]).done();
    assert_eq!(finished.stderr.matches("skipped photos/2024/").count(), 2, "{finished:#?}");
    assert_eq!(place.read_json("run/config.json")["data"]["skip_bad"], true);
    // The run remembers.
    let embedded = place.run(&["embed", "run", "--out", "a.npy", "--json"]).done().json();
    assert_eq!(embedded["images"], 23);
    train(&place, &["--resume", "--epochs", "3"]).done();
    place.run(&["neighbors", "run", "--outliers", "2"]).done();
    place.run(&["select", "run", "-n", "2", "--out", "next.csv"]).done();
    place.run(&["report", "run", "--out", "report.html"]).done();
    place.run(&["preview", "--data", "photos", "--skip-bad", "--out", "v.png"]).done();
    let info = place.run(&["data", "info", "photos", "--skip-bad", "--json"]).done().json();
    assert_eq!(
        (&info["splits"][0]["images"], &info["files"]["formats"]["PNG"]),
        (&json!(23), &json!(23))
    );
    let labeled = [
        "evaluate",
        "run",
        "--data",
        "photos",
        "--labels",
        "labels.csv",
        "--skip-bad",
        "--json",
        "--protocol",
        "knn",
    ];
    assert_eq!(place.run(&labeled).done().json()["data"]["images"]["train"], 7);
}

#[test]
fn what_can_be_wrong_is_found_before_an_image_is_decoded() {
    let place = photos();
    place.put_data("data");
    place.run(&pretrain("simclr.json", "run")).done();
    place.put("full/note.txt", "");
    place.put("words.safetensors", "words");
    for color in 0..3 {
        place.put(&format!("one/train/red/{color}.png"), png(RED, color));
    }
    let begin = ["pretrain", "simclr", "--config", "simclr.json", "--data", "photos"];
    let with = |more: &[&'static str]| [&begin[..], more].concat();
    let cases: [(Vec<&str>, &str); 20] = [
        (with(&["--run", "run"]), "run: expected a new run folder, found one in use"),
        (with(&["--run", "full"]), "full: expected a new run folder, found a folder with files"),
        (with(&["--run", "new", "--init-weights", "words.safetensors"]), "words.safetensors"),
        (with(&["--run", "new", "--init-weights", "absent"]), "absent"),
        (with(&["--run", "new", "--device", "cuda"]), "cuda"),
        (with(&["--run", "new", "--image-size", "7"]), "image_size: expected at least 8"),
        (with(&["--run", "new", "--batch-size", "1"]), "train.batch_size: expected at least 2"),
        (with(&["--run", "new", "--set", "encoder.conv.width=0"]), "width"),
        (vec!["data", "pack", "photos", "--out", "full"], "full: expected a new or empty folder"),
        (vec!["data", "pack", "photos", "--out", "full/note.txt/a"], "full/note.txt"),
        (vec!["embed", "run", "--data", "photos", "--split", "test", "--out", "a.npy"], "split: "),
        (vec!["embed", "run", "--data", "photos", "--out", "no/a.npy"], "no/a.npy"),
        (vec!["evaluate", "run", "--data", "photos"], "photos: expected a labeled"),
        (vec!["evaluate", "run", "--data", "one", "--protocol", "sgd"], "one: "),
        (vec!["predict", "run", "--data", "photos", "--labeled", "one", "--out", "a.csv"], "one: "),
        (vec!["predict", "run", "--data", "one", "--out", "a.csv"], "one: expected unlabeled"),
        (
            vec!["select", "run", "--data", "photos", "-n", "25", "--out", "a.csv"],
            "-n: expected 1 to 24",
        ),
        (vec!["neighbors", "run", "--data", "photos", "--out", "no/a.png"], "no/a.png"),
        (vec!["neighbors", "run", "--data", "photos", "--out", "a.png", "-k", "0"], "-k: "),
        (vec!["neighbors", "run", "--data", "photos", "--query", "words.safetensors"], "words"),
    ];
    for (arguments, says) in cases {
        place.refuses(&arguments, &[says]);
    }
    let compare = ["compare", "--data", "photos", "--methods", "simclr", "--out", "full"];
    place.refuses(&compare, &["full: expected a new folder or one of a comparison"]);
    assert_nothing_decoded(&place);
}

#[test]
fn a_folder_says_what_is_in_it() {
    let place = photos();
    place.put("photos/copy.png", png(RED, 3));
    place.put("photos/leak.png", png(BLUE, 5));
    let wide = image::RgbImage::new(300, 20);
    wide.save_with_format(place.path("photos/wide.bmp"), image::ImageFormat::Bmp).unwrap();
    place.put("photos/a.HEIC", "");
    place.put("photos/b.mov", "");
    place.put("photos/c.mov", "");
    let arguments = ["data", "info", "photos", "--labels", "labels.csv"];
    let text = place.run(&arguments).done().stdout;
    for part in [
        "unlabeled       15 images",
        "blue 4, red 4\n           4 images a class\n",
        "files      26 PNG, 1 BMP; smallest 40 x 32, median 40 x 32, largest 300 x 20 pixels\n",
        "cropped    1 image loses more than half of the area to the square crop\n",
        "copies     ",
        "also to train on, such as 2024/blue05.png as leak.png",
        "not used   1 file with .heic (a.HEIC), 2 files with .mov (b.mov)\n",
        "advice     23 images to train on are few",
    ] {
        assert!(text.contains(part), "{part:?}: {text}");
    }
    let info = place.run(&[&arguments[..], &["--json"]].concat()).done().json();
    let files = &info["files"];
    assert_eq!(files["formats"], json!({"BMP": 1, "PNG": 26}));
    assert_eq!(files["largest"], json!([300, 20]));
    assert_eq!((&files["half_cropped"], &files["copies"]["test_images"]), (&json!(1), &json!(1)));
    assert_eq!(files["unused"][1], json!({"kind": "mov", "count": 2, "example": "b.mov"}));
    assert_eq!(info["advice"].as_array().unwrap().len(), 1);
    // Binaries have no files.
    place.put_data("data");
    let info = place.run(&["data", "info", "data", "--json"]).done().json();
    assert_eq!(info["files"], Value::Null);
}

#[test]
fn decoded_images_are_listed_and_deleted() {
    let place = photos();
    place.put("other/1.png", png(RED, 1));
    for (folder, size) in [("photos", "32"), ("photos", "16"), ("other", "16")] {
        place.run(&["data", "info", folder, "--image-size", size]).done();
    }
    let cache =
        |more: &[&str]| place.run(&[&["data", "cache", "--json"], more].concat()).done().json();
    let entries = cache(&[])["entries"].as_array().unwrap().clone();
    let photos = place.path("photos").canonicalize().unwrap();
    let of = |entry: &Value| {
        let folder = entry["folder"].as_str().unwrap().to_owned();
        (folder == photos.to_str().unwrap(), entry["images"].clone(), entry["image_size"].clone())
    };
    let mut found: Vec<_> = entries.iter().map(of).collect();
    found.sort_by_key(|(is_photos, _, size)| (*is_photos, size.as_u64()));
    let expected =
        [(false, json!(1), json!(16)), (true, json!(24), json!(16)), (true, json!(24), json!(32))];
    assert_eq!(found, expected);
    let text = place.run(&["data", "cache"]).done().stdout;
    assert!(text.contains(photos.to_str().unwrap()) && text.contains("3 sets of "), "{text}");
    let count = |value: &Value| value.as_array().unwrap().len();
    assert_eq!(count(&cache(&["--older-than", "1"])["removed"]), 0);
    assert_eq!(count(&cache(&["--clear", "photos"])["removed"]), 2);
    let says = "photos: expected a folder with images in the cache, found none of it there";
    place.refuses(&["data", "cache", "--clear", "photos"], &[says]);
    fs::remove_dir_all(place.path("other")).unwrap();
    assert_eq!(count(&cache(&["--clear", "other"])["removed"]), 1);
    place.run(&["data", "info", "photos", "--image-size", "16"]).done();
    assert_eq!(count(&cache(&["--clear"])["removed"]), 1);
    assert_eq!(cache(&[])["entries"], json!([]));
}
