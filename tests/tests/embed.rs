//! Features of images as files for other programs: the four formats, names and labels, and files
//! that are whole or absent.

use std::fs;
use std::process::{Command, Stdio};
use std::thread::sleep;
use std::time::Duration;

use end_to_end::{Finished, Place, tensors};
use parquet::file::reader::{FileReader, SerializedFileReader};
use parquet::record::{ListAccessor, Row, RowAccessor};
use serde_json::json;

const NAMES: [&str; 4] = ["out.csv", "out.npy", "out.parquet", "out.safetensors"];

fn embed<'a>(out: &'a str, more: &[&'a str]) -> Vec<&'a str> {
    [&["embed", "run", "--out", out][..], more].concat()
}

fn floats(bytes: &[u8]) -> Vec<f32> {
    let numbers = bytes.as_chunks::<4>().0.iter();
    numbers.map(|bytes| f32::from_le_bytes(*bytes)).collect()
}

/// Shape and numbers of an array file.
fn npy(place: &Place, name: &str) -> (String, Vec<f32>) {
    let bytes = place.read(name);
    let start = 10 + usize::from(u16::from_le_bytes([bytes[8], bytes[9]]));
    let head = String::from_utf8(bytes[10..start].to_vec()).unwrap();
    let shape = head.split_once("'shape': ").unwrap().1;
    let shape = shape.split_once(", }").unwrap().0.to_owned();
    (shape, floats(&bytes[start..]))
}

/// What is known of each image, and the features that follow it.
fn csv(place: &Place, name: &str) -> (Vec<String>, Vec<f32>) {
    let text = String::from_utf8(place.read(name)).unwrap();
    let (mut known, mut numbers) = (Vec::new(), Vec::new());
    for line in text.lines().skip(1) {
        let fields: Vec<&str> = line.split(',').collect();
        known.push(fields[..5].join(","));
        numbers.extend(fields[5..].iter().map(|field| field.parse::<f32>().unwrap()));
    }
    (known, numbers)
}

fn parquet(place: &Place, name: &str) -> (Vec<String>, Vec<f32>) {
    let reader = SerializedFileReader::new(fs::File::open(place.path(name)).unwrap()).unwrap();
    let (mut known, mut numbers) = (Vec::new(), Vec::new());
    for row in reader.get_row_iter(None).unwrap() {
        let row: Row = row.unwrap();
        let text = |column| row.get_string(column).cloned().unwrap_or_default();
        let label = row.get_int(3).map_or(String::new(), |label| label.to_string());
        let index = row.get_long(1).unwrap();
        known.push(format!("{},{index},{},{label},{}", text(0), text(2), text(4)));
        let list = row.get_list(5).unwrap();
        numbers.extend((0..list.len()).map(|at| list.get_float(at).unwrap()));
    }
    (known, numbers)
}

#[test]
fn the_four_formats_say_the_same() {
    let place = Place::trained("simclr");
    for name in NAMES {
        let said = place.run(&embed(name, &["--json"])).done().json();
        assert_eq!((&said["images"], &said["features"]), (&json!(160), &json!(8)));
        assert_eq!(said["splits"], json!({"unlabeled": 96, "train": 32, "test": 32}));
        assert_eq!((&said["epoch"], &said["step"]), (&json!(2), &json!(16)));
        assert!(said["images_per_sec"].as_f64().unwrap() > 0.0);
    }
    let (shape, numbers) = npy(&place, "out.npy");
    assert_eq!((shape.as_str(), numbers.len()), ("(160, 8)", 160 * 8));
    let distinct: std::collections::HashSet<u32> = numbers.iter().map(|x| x.to_bits()).collect();
    assert!(distinct.len() > 50, "{}", distinct.len());
    let (known, from_csv) = csv(&place, "out.csv");
    assert_eq!(from_csv, numbers);
    assert_eq!(parquet(&place, "out.parquet"), (known.clone(), numbers.clone()));
    let (beside, nothing) = csv(&place, "out.npy.csv");
    assert_eq!((&beside, nothing.len()), (&known, 0));
    // What is known of the images is what the set's files say.
    let labels = place.read("data/test_y.bin");
    let classes = String::from_utf8(place.read("data/class_names.txt")).unwrap();
    let classes: Vec<&str> = classes.lines().collect();
    for (index, label) in labels.iter().enumerate() {
        let label = usize::from(*label) - 1;
        let expected = format!("test,{index},,{label},{}", classes[label]);
        assert_eq!(known[96 + 32 + index], expected);
    }
    assert_eq!(known[95], "unlabeled,95,,,");
    let file = tensors(&place.path("out.safetensors"));
    let bytes = |name: &str| &file.iter().find(|tensor| tensor.0 == name).unwrap().3;
    assert_eq!(floats(bytes("features")), numbers);
    let stored = bytes("labels").as_chunks::<8>().0.iter();
    let stored: Vec<i64> = stored.map(|bytes| i64::from_le_bytes(*bytes)).collect();
    assert_eq!(stored[..96], [-1; 96]);
    let expected: Vec<i64> = labels.iter().map(|label| i64::from(*label) - 1).collect();
    assert_eq!(stored[128..], expected);
    assert_eq!(*bytes("split"), [[0u8; 96].as_slice(), &[1; 32], &[2; 32]].concat());
}

#[test]
fn splits_and_epochs_are_those_asked_for() {
    let place = Place::trained("dino");
    place.put("all.csv", "Another table.\n");
    let text = place.run(&embed("all.npy", &[])).done().stdout;
    assert_eq!(place.read("all.csv"), b"Another table.\n", "a file that was not named");
    for part in ["all.npy and all.npy.csv: 160 images", "8 features", "after 2 epochs, 16 steps"] {
        assert!(text.contains(part), "{text}");
    }
    let (_, all) = npy(&place, "all.npy");
    place.run(&embed("some.npy", &["--split", "test", "--split", "unlabeled"])).done();
    let (shape, some) = npy(&place, "some.npy");
    assert_eq!(shape, "(128, 8)");
    assert_eq!(some[..96 * 8], all[..96 * 8]);
    assert_eq!(some[96 * 8..], all[128 * 8..]);
    place.run(&embed("early.npy", &["--checkpoint", "epoch:1"])).done();
    assert_ne!(npy(&place, "early.npy").1, all);
    // Again, over what is there.
    place.run(&embed("early.npy", &["--checkpoint", "epoch:2"])).done();
    assert_eq!(npy(&place, "early.npy").1, all);
}

#[test]
fn clusters_are_a_column_of_every_format() {
    let place = Place::trained("simclr");
    let more = ["--split", "unlabeled", "--clusters", "5", "--json"];
    let sizes = |name| {
        let said = place.run(&embed(name, &more)).done().json();
        serde_json::from_value::<Vec<usize>>(said["clusters"].clone()).unwrap()
    };
    let expected = sizes("out2.csv");
    assert!(expected.len() == 5 && expected.is_sorted_by(|a, b| a >= b), "{expected:?}");
    let text = String::from_utf8(place.read("out2.csv")).unwrap();
    assert!(text.starts_with("split,index,name,label,class,cluster,f0,"), "{text}");
    let clusters: Vec<i64> =
        text.lines().skip(1).map(|line| line.split(',').nth(5).unwrap().parse().unwrap()).collect();
    for (cluster, size) in (1..).zip(&expected) {
        assert_eq!(clusters.iter().filter(|&&found| found == cluster).count(), *size);
    }
    for name in ["out.npy", "out.parquet", "out.safetensors"] {
        assert_eq!(sizes(name), expected);
    }
    let beside = String::from_utf8(place.read("out.npy.csv")).unwrap();
    let last = beside.lines().skip(1).map(|line| line.rsplit(',').next().unwrap().parse().unwrap());
    assert_eq!(last.collect::<Vec<i64>>(), clusters);
    let reader = SerializedFileReader::new(fs::File::open(place.path("out.parquet")).unwrap());
    let rows = reader.unwrap();
    let rows = rows.get_row_iter(None).unwrap();
    let column = rows.map(|row| i64::from(row.unwrap().get_int(5).unwrap()));
    assert_eq!(column.collect::<Vec<i64>>(), clusters);
    let file = tensors(&place.path("out.safetensors"));
    let stored = &file.iter().find(|tensor| tensor.0 == "clusters").unwrap().3;
    let stored = stored.as_chunks::<8>().0.iter().map(|bytes| i64::from_le_bytes(*bytes));
    assert_eq!(stored.collect::<Vec<i64>>(), clusters);
    // The features are the same as without clusters, and another seed gives others.
    place.run(&embed("plain.npy", &["--split", "unlabeled"])).done();
    assert_eq!(npy(&place, "plain.npy"), npy(&place, "out.npy"));
    place.run(&embed("seed.npy", &[&more[..], &["--seed", "3"]].concat())).done();
    assert_ne!(place.read("seed.npy.csv"), place.read("out.npy.csv"));
    place.refuses(&embed("x.csv", &["--clusters", "0"]), &["--clusters"]);
    place.refuses(&embed("x.csv", &["--seed", "1"]), &["--clusters"]);
}

/// A picture of squares, each number another one.
fn picture(number: u32) -> image::RgbImage {
    let side = 3 + number % 5;
    let shade = |x: u32, y: u32| [x / side * 40 + number * 9, y / side * 50, (x + y) / side * 30];
    image::RgbImage::from_fn(40, 40, |x, y| image::Rgb(shade(x, y).map(|value| value as u8)))
}

fn put_picture(place: &Place, name: &str, number: u32) {
    let mut bytes = std::io::Cursor::new(Vec::new());
    let format = image::ImageFormat::Png;
    picture(number).write_to(&mut bytes, format).unwrap();
    place.put(name, bytes.into_inner());
}

#[test]
fn images_of_folders_have_names_and_classes() {
    let place = Place::trained("simclr");
    let names = [
        "train/cat/a.png",
        "train/cat/b é.png",
        "train/dog/x/y.png",
        "test/cat/1.png",
        "test/dog/1.png",
    ];
    for (number, name) in (0..).zip(names) {
        put_picture(&place, &format!("pets/{name}"), number);
    }
    place.run(&embed("pets.csv", &["--data", "pets"])).done();
    let (known, _) = csv(&place, "pets.csv");
    let expected = [
        "train,0,train/cat/a.png,0,cat",
        "train,1,train/cat/b é.png,0,cat",
        "train,2,train/dog/x/y.png,1,dog",
        "test,0,test/cat/1.png,0,cat",
        "test,1,test/dog/1.png,1,dog",
    ];
    assert_eq!(known, expected);
    // Packed, they keep their names; the unlabeled images are those of train.
    let pack = ["data", "pack", "pets", "--image-size", "32", "--out", "packed"];
    place.run(&pack).done();
    let more = ["--data", "packed", "--split", "unlabeled"];
    place.run(&embed("packed.parquet", &more)).done();
    let (known, _) = parquet(&place, "packed.parquet");
    assert_eq!(known[2], "unlabeled,2,train/dog/x/y.png,,");
    assert_eq!(known.len(), 3);
    let said = place.run(&embed("packed.csv", &["--data", "packed", "--json"]));
    assert_eq!(said.done().json()["splits"], json!({"train": 3, "test": 2}));
    // A flat folder has no labels.
    for number in 0..3 {
        put_picture(&place, &format!("flat/{number}.png"), number);
    }
    place.run(&embed("flat.csv", &["--data", "flat"])).done();
    assert_eq!(csv(&place, "flat.csv").0[2], "unlabeled,2,2.png,,");
    let test = embed("none.csv", &["--data", "flat", "--split", "test"]);
    place.refuses(&test, &["flat: split: expected unlabeled, found test"]);
}

#[test]
fn what_can_not_be_done_leaves_no_file() {
    let place = Place::trained("simclr");
    let endings = "expected a name that ends in .npy, .parquet, .csv or .safetensors";
    place.refuses(&embed("out.txt", &[]), &["out.txt: ", endings]);
    let nowhere = ["embed", "nowhere", "--out", "out.csv"];
    place.refuses(&nowhere, &["nowhere: expected a run"]);
    place.refuses(&embed("no/out.csv", &[]), &["no/out.csv: expected a file that can be written"]);
    place.refuses(&embed("out.csv", &["--checkpoint", "epoch:7"]), &["run: expected ", "found "]);
    place.refuses(&embed("out.csv", &["--data", "nothing"]), &["nothing: expected a folder"]);
    place.refuses(&embed("out.csv", &["--split", "tests"]), &["tests", "unlabeled, train, test"]);
    // The table beside an array must be writable, too.
    fs::create_dir(place.path("out.npy.csv")).unwrap();
    place.refuses(&embed("out.npy", &[]), &["out.npy.csv: expected a file that can be written"]);
    fs::remove_dir(place.path("out.npy.csv")).unwrap();
    // A limit on the size of files fails as a full disk does.
    let before = place.contents();
    for name in NAMES {
        let says = format!("{name}: cannot write: ");
        place.run_after("ulimit -f 8", &embed(name, &["--no-cache"])).failed(1, &[&says]);
        assert_eq!(place.contents(), before, "{name}");
    }
}

/// A set that takes a while: many black images, which take no room on disk.
fn put_many(place: &Place, images: u64) {
    let shape = r#"{"width": 32, "height": 32, "channels": 3, "classes": 10}"#;
    place.put("many/shape.json", shape);
    place.put("many/unlabeled_X.bin", "");
    let file = fs::File::options().write(true).open(place.path("many/unlabeled_X.bin"));
    file.unwrap().set_len(images * 3 * 32 * 32).unwrap();
    fs::create_dir(place.path("out")).unwrap();
}

#[test]
fn an_interrupted_file_is_not_there() {
    let place = Place::trained("simclr");
    put_many(&place, 200_000);
    let there = || -> Vec<String> {
        let entries = fs::read_dir(place.path("out")).unwrap();
        entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect()
    };
    for (name, signal) in [("x.npy", "INT"), ("x.parquet", "TERM"), ("x.csv", "KILL")] {
        let out = format!("out/{name}");
        let child = place
            .command(&embed(&out, &["--data", "many"]))
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let begun = (0..60_000).any(|_| {
            sleep(Duration::from_millis(1));
            !there().is_empty()
        });
        assert!(begun);
        let kill = Command::new("kill").args(["-s", signal, &child.id().to_string()]).status();
        assert!(kill.unwrap().success());
        let finished = Finished::new(out, child.wait_with_output().unwrap());
        if signal == "KILL" {
            assert_eq!(finished.code, None);
            assert!(there().iter().all(|name| name.starts_with(".partial-")));
        } else {
            let finished = finished.ended(130);
            let said = |part: &str| finished.stderr.lines().any(|line| line.contains(part));
            assert!(said("error: interrupted; nothing was written"), "{finished:#?}");
            assert!(said("stopping; nothing will be written"), "{finished:#?}");
            assert!(there().is_empty(), "{:?}", there());
        }
    }
}
