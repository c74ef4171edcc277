//! STL-10 binaries: reading, other shapes, and writing them back.

mod fixtures;

use std::fs;
use std::ops::ControlFlow;
use std::sync::Mutex;

use dataset::{
    Dataset, Error, GO_ON, JobProgress, PixelOrder, Split, SyntheticSpec, WriteOptions,
    write_stl10, write_synthetic,
};
use fixtures::{assert_same, folder, message, noise, open, planes, stl10, write};

const WIDE: &str = r#"{"width": 5, "height": 3, "channels": 3, "classes": 2}"#;

#[test]
fn a_whole_set_opens_with_labels_from_zero() {
    let dir = folder();
    stl10(dir.path());
    let set = open(dir.path()).unwrap();
    assert_eq!(set.kind, "STL-10 binaries");
    assert_eq!((set.unlabeled.len(), set.unlabeled.labels()), (3, None));
    let (train, test) = (set.train.unwrap(), set.test.unwrap());
    assert_eq!(train.labels(), Some(&[0, 9, 2, 3][..]));
    assert_eq!(test.labels(), Some(&[4, 5][..]));
    assert_eq!((train.width(), train.height()), (96, 96));
    assert_eq!((set.class_names.len(), set.class_names[9].as_str()), (10, "truck"));
    assert_eq!(set.folds, [vec![0, 2], vec![1, 3]]);
    // On disk, plane by plane, the pixel (x, y) is number 96 x + y.
    let disk = noise(4 * 27_648, 2);
    let image = planes(&train, 1);
    for (channel, x, y) in [(0, 0, 1), (1, 90, 3), (2, 95, 95)] {
        assert_eq!(image[(channel * 96 + y) * 96 + x], disk[27_648 + (channel * 96 + x) * 96 + y]);
    }
}

#[test]
fn wide_images_are_told_from_tall_ones() {
    let dir = folder();
    write(dir.path().join("shape.json"), WIDE);
    let bytes: Vec<u8> = (0..90).collect();
    write(dir.path().join("unlabeled_X.bin"), &bytes);
    let set = open(dir.path()).unwrap();
    assert_eq!((set.unlabeled.len(), set.unlabeled.width(), set.unlabeled.height()), (2, 5, 3));
    assert_eq!(set.unlabeled.image(1).order, PixelOrder::ColumnMajor);
    let red_rows = [45, 48, 51, 54, 57, 46, 49, 52, 55, 58, 47, 50, 53, 56, 59];
    assert_eq!(planes(&set.unlabeled, 1)[..15], red_rows);
}

#[test]
fn without_unlabeled_images_those_of_train_serve() {
    let dir = folder();
    stl10(dir.path());
    fs::remove_file(dir.path().join("unlabeled_X.bin")).unwrap();
    fs::remove_file(dir.path().join("class_names.txt")).unwrap();
    fs::remove_file(dir.path().join("fold_indices.txt")).unwrap();
    let set = open(dir.path()).unwrap();
    assert!(set.unlabeled.same_images(set.train.as_ref().unwrap()));
    assert_eq!(set.unlabeled.labels(), None, "labels do not reach what is pretrained on");
    assert_eq!((set.class_names[3].as_str(), set.folds.len()), ("class 3", 0));
}

#[test]
fn written_sets_read_back_equal() {
    let source = folder();
    stl10(source.path());
    let set = open(source.path()).unwrap();
    let target = folder();
    write_stl10(&set, target.path(), &WriteOptions::default()).unwrap();
    for file in [
        "unlabeled_X.bin",
        "train_X.bin",
        "train_y.bin",
        "test_X.bin",
        "test_y.bin",
        "class_names.txt",
    ] {
        let [from, to] = [&source, &target].map(|dir| fs::read(dir.path().join(file)).unwrap());
        assert!(from == to, "{file} is the same, byte for byte");
    }
    let copy = open(target.path()).unwrap();
    assert_same(&copy.unlabeled, &set.unlabeled);
    assert_same(&copy.train.clone().unwrap(), &set.train.clone().unwrap());
    assert_same(&copy.test.clone().unwrap(), &set.test.clone().unwrap());
    assert_eq!((&copy.class_names, &copy.folds), (&set.class_names, &set.folds));
    assert_eq!(copy.fingerprint(), set.fingerprint());
}

/// Row-major, 6 x 4 pixels, as many classes as asked for, no images of its own to pretrain on.
fn small_set(classes: u16) -> Dataset {
    let labels = vec![0, classes - 1, classes / 2];
    let train = Split::in_memory(noise(3 * 72, 9), Some(labels), 6, 4, PixelOrder::RowMajor);
    let class_names = (0..classes).map(|class| format!("kind {class}")).collect();
    let unlabeled = train.without_labels();
    Dataset {
        kind: "test",
        unlabeled,
        train: Some(train),
        test: None,
        class_names,
        folds: Vec::new(),
    }
}

#[test]
fn row_major_sets_of_few_and_many_classes_survive_writing() {
    for classes in [2, 255, 256, 1000] {
        let (set, parent) = (small_set(classes), folder());
        let target = parent.path().join("new/set");
        write_stl10(&set, &target, &WriteOptions::default()).unwrap();
        let copy = open(&target).unwrap();
        assert_same(&copy.train.clone().unwrap(), set.train.as_ref().unwrap());
        assert_same(&copy.unlabeled, &set.unlabeled);
        assert_eq!(copy.class_names, set.class_names);
        assert_eq!(copy.fingerprint(), set.fingerprint());
    }
}

#[test]
fn a_copy_without_links_is_the_same_set() {
    let (set, parent) = (small_set(3), folder());
    let [target, copy] = ["set", "copy"].map(|name| parent.path().join(name));
    write_stl10(&set, &target, &WriteOptions::default()).unwrap();
    fs::create_dir(&copy).unwrap();
    for entry in fs::read_dir(&target).unwrap() {
        let entry = entry.unwrap();
        fs::copy(entry.path(), copy.join(entry.file_name())).unwrap();
    }
    let copied = open(&copy).unwrap();
    assert_eq!(copied.fingerprint(), set.fingerprint());
    assert!(copied.unlabeled.same_images(copied.train.as_ref().unwrap()));
}

#[test]
fn resizing_keeps_the_center_and_averages() {
    // 64 x 32 pixels: dark, a center of single-pixel checks, bright.
    let pixel = |i: usize| match i % 64 {
        0..16 => 0,
        48.. => 255,
        x => 200 * ((x + i / 64) % 2) as u8,
    };
    let bytes = (0..3 * 64 * 32).map(pixel).collect();
    let unlabeled = Split::in_memory(bytes, None, 64, 32, PixelOrder::RowMajor);
    let set = Dataset {
        kind: "test",
        unlabeled,
        train: None,
        test: None,
        class_names: Vec::new(),
        folds: Vec::new(),
    };
    let target = folder();
    write_stl10(&set, target.path(), &WriteOptions { image_size: Some(8), ..Default::default() })
        .unwrap();
    let copy = open(target.path()).unwrap();
    assert_eq!((copy.unlabeled.width(), copy.unlabeled.height()), (8, 8));
    let image = planes(&copy.unlabeled, 0);
    // As after resizing the whole image, the outermost columns take a little of what is beside the
    // center.
    for (place, &value) in image.iter().enumerate() {
        let expected = match place % 8 {
            0 => 86..=90,
            7 => 117..=121,
            _ => 99..=101,
        };
        assert!(expected.contains(&value), "{value} at {place}");
    }
}

#[test]
fn a_rendered_set_is_the_same_on_disk_and_in_memory() {
    let spec = SyntheticSpec { unlabeled: 70, train: 30, test: 20, size: 24, seed: 5 };
    let (target, reports) = (folder(), Mutex::new(Vec::new()));
    let note = |progress| {
        reports.lock().unwrap().push(progress);
        ControlFlow::Continue(())
    };
    write_synthetic(&spec, target.path(), &note).unwrap();
    let (on_disk, in_memory) = (open(target.path()).unwrap(), dataset::synthetic(&spec).unwrap());
    assert_eq!(
        (on_disk.class_names.clone(), on_disk.fingerprint()),
        (in_memory.class_names.clone(), in_memory.fingerprint())
    );
    for ((_, a), (_, b)) in on_disk.splits().zip(in_memory.splits()) {
        assert_same(a, b);
    }
    let reports = reports.into_inner().unwrap();
    assert_eq!((reports[0].done, reports[0].total, reports.last().unwrap().done), (0, 120, 120));
    assert!(reports.is_sorted_by_key(|progress| progress.done));
}

#[test]
fn nothing_is_written_over_a_folder_with_files() {
    let dir = folder();
    write(dir.path().join("set/keep.txt"), "kept");
    let target = dir.path().join("set");
    let found = message(write_stl10(&small_set(2), &target, &WriteOptions::default()), "set");
    assert!(
        found.ends_with("expected a new or empty folder to write to, found one with files in it"),
        "{found}"
    );
    message(write_synthetic(&SyntheticSpec::default(), &target, GO_ON), "set");
    message(
        write_stl10(&small_set(2), &target.join("keep.txt"), &WriteOptions::default()),
        "keep.txt",
    );
    assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 1, "nothing half-written stays behind");
    assert_eq!(fs::read(target.join("keep.txt")).unwrap(), b"kept");
}

#[test]
fn a_failed_writing_leaves_nothing() {
    let dir = folder();
    let set = Dataset { train: Some(small_set(2).train.unwrap().without_labels()), ..small_set(2) };
    let target = dir.path().join("set");
    assert!(
        write_stl10(&set, &target, &WriteOptions::default()).is_err(),
        "a train split without labels"
    );
    assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 0);
    let size = WriteOptions { image_size: Some(7), ..Default::default() };
    let found = message(write_stl10(&small_set(2), &target, &size), "image size");
    assert_eq!(found, "image size: expected 8 to 4096 pixels, found 7");
}

#[test]
fn a_stopped_writing_leaves_nothing() {
    let dir = folder();
    let target = dir.path().join("set");
    let stop = |progress: JobProgress| match progress.done {
        0 => ControlFlow::Continue(()),
        _ => ControlFlow::Break(()),
    };
    let stopped = write_synthetic(&SyntheticSpec { size: 8, ..Default::default() }, &target, &stop);
    assert!(matches!(stopped, Err(Error::Interrupted)), "{stopped:?}");
    let options = WriteOptions { image_size: None, progress: &stop };
    let stopped = write_stl10(&small_set(2), &target, &options);
    assert!(matches!(stopped, Err(Error::Interrupted)), "{stopped:?}");
    assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 0);
}

#[cfg(unix)]
#[test]
fn written_folders_and_files_are_as_open_to_others_as_any() {
    use std::os::unix::fs::PermissionsExt;
    let dir = folder();
    let (target, plain) = (dir.path().join("set"), dir.path().join("plain"));
    write_stl10(&small_set(2), &target, &WriteOptions::default()).unwrap();
    fs::create_dir(&plain).unwrap();
    let [target, plain] =
        [&target, &plain].map(|path| fs::metadata(path).unwrap().permissions().mode());
    assert_eq!(target, plain);
}
