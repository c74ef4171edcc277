//! Names of images: where they come from, what keeps them.

mod fixtures;

use std::fs;
use std::ops::ControlFlow;
use std::sync::Mutex;

use dataset::{ConcatSplits, Dataset, OpenOptions, Split, WriteOptions};
use fixtures::{assert_same, cache_of, classes, folder, message, open, plain_png, stl10, write};

fn names(split: &Split) -> Vec<String> {
    (0..split.len()).map(|index| split.name(index).expect("a name").into_owned()).collect()
}

const APPLES_AND_PEARS: [&str; 4] =
    ["train/apple/0.png", "train/apple/1.png", "train/pear/0.png", "train/pear/1.png"];

#[test]
fn images_of_folders_are_named_by_their_paths_from_the_set_on() {
    let outer = folder();
    let dir = outer.path().join("images");
    classes(&dir);
    plain_png(dir.join("unlabeled/deep/er/x.png"), 8, [1, 2, 3]);
    // Decoded, and then from the cache.
    for _ in 0..2 {
        let set = open(&dir).unwrap();
        assert_eq!(names(&set.unlabeled), ["unlabeled/deep/er/x.png"]);
        assert_eq!(names(set.train.as_ref().unwrap()), APPLES_AND_PEARS);
        let test = set.test.unwrap();
        assert_eq!(test.name(2).unwrap(), "val/pear/0.png");
        let some = test.select(&[3, 0, 1]);
        let expected = ["val/pear/1.png", "val/apple/0.png", "val/apple/1.png"];
        assert_eq!(names(&some), expected);
        assert_eq!(names(&some.select(&[2]).without_labels()), expected[2..]);
    }
}

#[test]
fn images_left_out_leave_no_name() {
    let outer = folder();
    let dir = outer.path().join("images");
    classes(&dir);
    write(dir.join("train/apple/00.png"), "not an image");
    let lines = Mutex::new(Vec::new());
    let note = |line: &str| lines.lock().unwrap().push(line.to_owned());
    let options = OpenOptions {
        image_size: 8,
        cache_dir: Some(cache_of(&dir)),
        left_out: Some(&note),
        ..Default::default()
    };
    let train = dataset::open(&dir, &options).unwrap().train.unwrap();
    assert_eq!(names(&train), APPLES_AND_PEARS);
    assert_eq!(lines.into_inner().unwrap().len(), 1);
}

#[test]
fn a_packed_set_keeps_them() {
    let outer = folder();
    let (dir, packed) = (outer.path().join("images"), outer.path().join("packed"));
    classes(&dir);
    let set = open(&dir).unwrap();
    dataset::write_stl10(&set, &packed, &WriteOptions::default()).unwrap();
    let again = open(&packed).unwrap();
    assert_eq!(names(again.train.as_ref().unwrap()), APPLES_AND_PEARS);
    assert_eq!(names(&again.unlabeled), APPLES_AND_PEARS);
    assert!(again.unlabeled_is_train(), "those of train serve");
    let copy = outer.path().join("copy");
    for entry in fs::read_dir(&packed).unwrap() {
        let entry = entry.unwrap();
        write(copy.join(entry.file_name()), fs::read(entry.path()).unwrap());
    }
    let copy = open(&copy).unwrap();
    assert!(copy.unlabeled_is_train(), "of a copy too");
    assert_eq!(copy.fingerprint(), again.fingerprint());
    assert_eq!(again.test.unwrap().name(3).unwrap(), "val/pear/1.png");
    write(packed.join("train_names.txt"), "a\nb\nc\n");
    let found = message(open(&packed), "train_names.txt");
    assert!(found.ends_with("expected 4 lines, a name of each image, found 3"), "{found}");
}

#[test]
fn binaries_have_none_and_are_told_by_split_and_place() {
    let dir = folder();
    stl10(dir.path());
    let set = open(dir.path()).unwrap();
    assert_eq!(set.unlabeled.name(1), None);
    let images = ConcatSplits::new(&set, &[]).unwrap();
    let record = images.record(4);
    assert_eq!((record.to_string(), record.class), ("train/1".into(), Some("truck")));
    assert_eq!((record.label, record.name), (Some(9), None));
}

fn entries(dir: &std::path::Path) -> usize {
    fs::read_dir(dir).unwrap().count()
}

#[test]
fn a_folder_has_one_packed_set_however_it_is_called() {
    let outer = folder();
    let dir = outer.path().join("images");
    classes(&dir);
    let cache = outer.path().join("cache");
    let decoded = Mutex::new(0);
    let progress = |_| {
        *decoded.lock().unwrap() += 1;
        ControlFlow::Continue(())
    };
    let called = |name: &str| -> Dataset {
        let options = OpenOptions {
            image_size: 8,
            cache_dir: Some(cache.clone()),
            progress: &progress,
            ..Default::default()
        };
        dataset::open(&outer.path().join(name), &options).unwrap()
    };
    let set = called("images");
    let before = *decoded.lock().unwrap();
    assert!(before > 0);
    for other in ["./images", "images/", "images/train/.."] {
        let other = called(other);
        assert_eq!(names(other.train.as_ref().unwrap()), APPLES_AND_PEARS);
        assert_eq!(other.fingerprint(), set.fingerprint());
    }
    assert_eq!((*decoded.lock().unwrap(), entries(&cache)), (before, 1));
}

#[test]
fn a_single_image_is_read_as_those_of_folders_are() {
    let dir = folder();
    let path = dir.path().join("a.png");
    let pixel = |x, y| image::Rgb([(x * y) as u8, (x * 7 + y * 13) as u8, (x ^ y) as u8]);
    image::RgbImage::from_fn(40, 24, pixel).save(&path).unwrap();
    let set = open(dir.path()).unwrap();
    let one = dataset::read_image(&path, 8).unwrap();
    assert_same(&one, &set.unlabeled);
    fs::remove_dir_all(cache_of(dir.path())).unwrap();

    write(&path, "not an image");
    message(
        dataset::read_image(&path, 8),
        "a.png: expected a JPEG, PNG, WebP, TIFF, BMP, GIF or PNM image",
    );
    fs::remove_file(&path).unwrap();
    message(dataset::read_image(&path, 8), "a.png: cannot open");
    let size = dataset::read_image(&path, 7).unwrap_err().to_string();
    assert_eq!(size, "image size: expected 8 to 4096 pixels, found 7");
}
