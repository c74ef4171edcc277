//! Several folders as one dataset, and sets that are listed before they are decoded.

mod fixtures;

use std::fs;
use std::path::{Path, PathBuf};

use dataset::{Dataset, Error, FolderLabels, ListedDataset, OpenOptions, Split, Store};
use fixtures::{classes, folder, message, plain_png, planes, stl10, write};

fn options(outer: &Path) -> OpenOptions<'static> {
    let cache_dir = Some(outer.join("cache"));
    OpenOptions { image_size: 8, cache_dir, ..OpenOptions::default() }
}

fn list(outer: &Path, names: &[&str]) -> Result<ListedDataset, Error> {
    let paths: Vec<PathBuf> = names.iter().map(|name| outer.join(name)).collect();
    dataset::list(&paths, &options(outer))
}

fn open(outer: &Path, names: &[&str]) -> Result<Dataset, Error> {
    list(outer, names)?.open(&options(outer))
}

fn names(split: &Split) -> Vec<String> {
    (0..split.len()).map(|index| split.name(index).unwrap().into_owned()).collect()
}

#[test]
fn splits_follow_each_other_and_classes_are_one_by_name() {
    let outer = folder();
    let dir = outer.path();
    classes(&dir.join("a"));
    for (name, color) in [("train/pear/0.png", 1), ("train/fig/0.png", 2), ("unlabeled/0.png", 3)] {
        plain_png(dir.join("b").join(name), 8, [color; 3]);
    }
    plain_png(dir.join("c/x.png"), 8, [4; 3]);
    let set = open(dir, &["a", "b", "c"]).unwrap();
    assert_eq!(set.kind, "several image sets");
    assert_eq!(set.class_names, ["apple", "pear", "fig"]);
    let train = set.train.as_ref().unwrap();
    assert_eq!(train.labels(), Some(&[0, 0, 1, 1, 2, 1][..]));
    assert_eq!([planes(train, 4)[0], planes(train, 5)[0]], [2, 1]);
    assert_eq!(set.test.as_ref().unwrap().len(), 4);
    assert_eq!(names(&set.unlabeled), ["b/unlabeled/0.png", "c/x.png"]);
    assert_eq!(names(train)[4], "b/train/fig/0.png");
    assert!(!set.unlabeled_is_train());
    let paths = ["a", "b", "c"].map(|name| dir.join(name));
    let file = dataset::image_file(&paths, &names(train)[4]).unwrap();
    assert_eq!(file, dir.join("b/train/fig/0.png"));
    // One alone is the same set as ever.
    assert_eq!(names(&open(dir, &["b"]).unwrap().unlabeled), ["unlabeled/0.png"]);
    // Where no set has unlabeled images, those to train on serve.
    let set = open(dir, &["a", "b/train"]).unwrap();
    assert!(set.unlabeled_is_train() && set.train.unwrap().len() == 6);
}

#[test]
fn a_folder_that_is_given_twice_is_named() {
    let outer = folder();
    plain_png(outer.path().join("a/x/1.png"), 8, [1; 3]);
    for (paths, says) in [
        (["a", "a"], "a: expected each folder once, found it twice"),
        (["a", "a/../a"], "a/../a: expected each folder once, found it twice"),
        (["a", "a/x"], "a/x: expected each folder once, found one that is in "),
        (["a/x", "a"], "a: expected each folder once, found one that "),
    ] {
        let said = message(open(outer.path(), &paths), "");
        assert!(said.contains(says), "{said}");
    }
    let said = message(open(outer.path(), &["a", "absent"]), "absent");
    assert!(said.contains("expected a folder of images"), "{said}");
}

#[test]
fn sets_of_other_sizes_do_not_go_together() {
    let outer = folder();
    plain_png(outer.path().join("a/1.png"), 8, [1; 3]);
    stl10(&outer.path().join("b"));
    let said = message(open(outer.path(), &["a", "b"]), "");
    let says = "b: expected images of 8 x 8 pixels as in ";
    assert!(said.contains(says) && said.ends_with("found 96 x 96"), "{said}");
    let options = OpenOptions { image_size: 96, ..options(outer.path()) };
    let paths = ["a", "b"].map(|name| outer.path().join(name));
    let set = dataset::list(&paths, &options).unwrap().open(&options).unwrap();
    assert_eq!((set.unlabeled.len(), set.train.as_ref().unwrap().len()), (4, 4));
    // The order of the pixels in memory is that of each set.
    assert_eq!(planes(&set.unlabeled, 0), vec![1; 3 * 96 * 96]);
    let alone = dataset::open(&paths[1], &options).unwrap();
    assert_eq!(planes(&set.unlabeled, 2), planes(&alone.unlabeled, 1));
}

#[test]
fn one_file_of_labels_serves_several_folders() {
    let outer = folder();
    for (number, name) in ["a/1.png", "b/1.png", "b/2.png", "c/3.png"].iter().enumerate() {
        plain_png(outer.path().join(name), 8, [number as u8; 3]);
    }
    let csv = outer.path().join("labels.csv");
    let labels = FolderLabels::File(csv.clone());
    let options = OpenOptions { labels, ..options(outer.path()) };
    let paths = ["a", "b", "c"].map(|name| outer.path().join(name));
    let open = || dataset::list(&paths, &options)?.open(&options);
    write(&csv, "path,label,split\n2.png,x,\nb/1.png,y,\n3.png,x,test\n");
    let set = open().unwrap();
    let train = set.train.as_ref().unwrap();
    assert_eq!(
        (names(train), train.labels().unwrap()),
        (vec!["b/1.png".to_owned(), "b/2.png".to_owned()], &[1, 0][..],)
    );
    assert_eq!(names(&set.unlabeled), ["a/1.png"]);
    // A folder may have test images alone.
    assert_eq!(names(set.test.as_ref().unwrap()), ["c/3.png"]);
    write(&csv, "path,label\n1.png,x\n");
    let said = message(open(), "labels.csv");
    assert!(said.contains("found 1.png in line 2, which is in several"), "{said}");
}

#[test]
fn a_listed_set_is_counted_and_not_decoded() {
    let outer = folder();
    let dir = outer.path().join("a");
    classes(&dir);
    let listed = list(outer.path(), &["a"]).unwrap();
    assert!(!listed.is_decoded(Store::Square) && !outer.path().join("cache").exists());
    let outline = listed.outline();
    assert!(outline.unlabeled_is_train());
    let train = outline.train.as_ref().unwrap();
    assert_eq!((train.len(), train.width(), train.labels()), (4, 8, Some(&[0, 0, 1, 1][..])));
    assert_eq!(train.select(&[2]).labels(), Some(&[1][..]));
    assert_eq!((outline.test.as_ref().unwrap().len(), outline.fingerprint().len()), (4, 32));
    let set = listed.open(&options(outer.path())).unwrap();
    assert_eq!(set.train.unwrap().labels(), Some(&[0, 0, 1, 1][..]));
    assert!(list(outer.path(), &["a"]).unwrap().is_decoded(Store::Square));
    // Binaries are there at once.
    stl10(&outer.path().join("b"));
    assert!(list(outer.path(), &["b"]).unwrap().is_decoded(Store::Square));
    // A damaged image is noticed when it is decoded.
    fs::write(dir.join("train/pear/0.png"), "damaged").unwrap();
    let listed = list(outer.path(), &["a"]).unwrap();
    message(listed.open(&options(outer.path())), "train/pear/0.png");
}

#[test]
#[should_panic(expected = "is not decoded yet")]
fn a_listed_image_has_no_pixels() {
    let outer = folder();
    plain_png(outer.path().join("a/1.png"), 8, [1; 3]);
    list(outer.path(), &["a"]).unwrap().outline().unlabeled.image(0);
}
