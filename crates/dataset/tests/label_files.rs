//! Labels of a folder of images from a CSV file.

mod fixtures;

use std::fs;
use std::path::Path;
use std::sync::Mutex;

use dataset::{Dataset, Error, FolderLabels, OpenOptions, Split};
use fixtures::{cache_of, folder, message, plain_png, planes, write};

/// A folder with `names` as images, each of another color, and beside it `labels.csv`.
fn labeled(names: &[&str], csv: impl AsRef<[u8]>) -> tempfile::TempDir {
    let outer = folder();
    for (number, name) in names.iter().enumerate() {
        plain_png(outer.path().join("images").join(name), 8, [number as u8; 3]);
    }
    write(outer.path().join("labels.csv"), csv);
    outer
}

fn open(outer: &Path, file: &Path) -> Result<Dataset, Error> {
    let dir = outer.join("images");
    let labels = FolderLabels::File(file.to_owned());
    let cache_dir = Some(cache_of(&dir));
    dataset::open(&dir, &OpenOptions { image_size: 8, labels, cache_dir, ..Default::default() })
}

fn opened(names: &[&str], csv: impl AsRef<[u8]>) -> Result<Dataset, Error> {
    let outer = labeled(names, csv);
    open(outer.path(), &outer.path().join("labels.csv"))
}

/// The colors of a split's images, and the names of their classes.
fn content(set: &Dataset, split: Option<&Split>) -> Vec<(u8, String)> {
    let Some(split) = split else { return Vec::new() };
    let class = |index: usize| {
        let label = split.labels().map(|labels| labels[index]);
        label.map_or(String::new(), |label| set.class_names[usize::from(label)].clone())
    };
    (0..split.len()).map(|index| (planes(split, index)[0], class(index))).collect()
}

fn pairs(expected: &[(u8, &str)]) -> Vec<(u8, String)> {
    expected.iter().map(|(color, class)| (*color, (*class).to_owned())).collect()
}

const NAMES: [&str; 4] = ["2023/a.png", "2023/b, c.png", "2024/d.png", "e.png"];

#[test]
fn rows_label_images_and_the_others_are_unlabeled() {
    let quoted = "path,label\n2023/a.png,dog\n\"2023/b, c.png\",\"the \"\"cat\"\"\"\n";
    for csv in [
        quoted.to_owned(),
        format!("\u{feff}{quoted}"),
        quoted.replace('\n', "\r\n"),
        "Label;other;File_Name\ndog;1;2023/a.png\n\"the \"\"cat\"\"\";2; 2023/b, c.png \n".into(),
        "path\tlabel\n./2023/a.png\tdog\n2024/../2023/b, c.png\t\"the \"\"cat\"\"\"\n".into(),
        // Without a header, as the first row is an image.
        quoted.lines().skip(1).collect::<Vec<_>>().join("\n"),
        // The same row twice, and rows without a label.
        format!("{quoted}2023/a.png,dog\ne.png,\n2024/d.png\n"),
    ] {
        let set = opened(&NAMES, &csv).unwrap_or_else(|error| panic!("{csv}: {error}"));
        assert_eq!(set.class_names, ["dog", "the \"cat\""], "{csv}");
        let train = pairs(&[(0, "dog"), (1, "the \"cat\"")]);
        assert_eq!(content(&set, set.train.as_ref()), train, "{csv}");
        assert_eq!(content(&set, Some(&set.unlabeled)), pairs(&[(3, ""), (2, "")]), "{csv}");
        assert!(set.test.is_none(), "{csv}");
    }
}

#[test]
fn a_column_or_a_folder_says_what_tests() {
    let csv = "path,label,split\n2023/a.png,x,train\n\"2023/b, c.png\",x,\n2024/d.png,y,VAL\n\
               e.png,y,unlabeled\n";
    let set = opened(&NAMES, csv).unwrap();
    assert_eq!(content(&set, set.train.as_ref()), pairs(&[(0, "x"), (1, "x")]));
    assert_eq!(content(&set, set.test.as_ref()), pairs(&[(2, "y")]));
    assert_eq!(content(&set, Some(&set.unlabeled)), pairs(&[(3, "")]));
    // Of several splits that test, the first measures and the others aren't used.
    let csv = csv.replace("e.png,y,unlabeled", "e.png,x,test");
    let set = opened(&NAMES, csv).unwrap();
    assert_eq!(content(&set, set.test.as_ref()), pairs(&[(3, "x")]));
    assert_eq!(set.train.as_ref().unwrap().len(), 2);
    assert!(set.unlabeled_is_train());
    let names = ["train/a.png", "Test/b.png", "test.png"];
    let csv = "path,label\ntrain/a.png,x\nTest/b.png,x\ntest.png,y\n";
    let set = opened(&names, csv).unwrap();
    assert_eq!(content(&set, set.test.as_ref()), pairs(&[(1, "x")]));
    assert_eq!(content(&set, set.train.as_ref()), pairs(&[(2, "y"), (0, "x")]));
}

#[test]
fn numbers_are_ordered_by_value_and_other_names_by_name() {
    let names = ["a.png", "b.png", "c.png"];
    for (labels, order) in [
        (["10", "9", "-1"], ["-1", "9", "10"]),
        (["10", "9", "x"], ["10", "9", "x"]),
        (["007", "NA", "nan"], ["007", "NA", "nan"]),
        (["0.5", "1e1", "1"], ["0.5", "1", "1e1"]),
    ] {
        let [a, b, c] = labels;
        let set = opened(&names, format!("path,label\na.png,{a}\nb.png,{b}\nc.png,{c}\n")).unwrap();
        assert_eq!(set.class_names, order);
    }
}

#[test]
fn paths_may_be_relative_to_the_file_or_absolute() {
    let outer = labeled(&NAMES, "path,label\nimages/e.png,x\n");
    let file = outer.path().join("labels.csv");
    let set = open(outer.path(), &file).unwrap();
    assert_eq!(content(&set, set.train.as_ref()), pairs(&[(3, "x")]));
    let absolute = outer.path().join("images/2024/d.png");
    fs::write(&file, format!("path,label\n{},x\n", absolute.display())).unwrap();
    let set = open(outer.path(), &file).unwrap();
    assert_eq!(content(&set, set.train.as_ref()), pairs(&[(2, "x")]));
    #[cfg(unix)]
    {
        std::os::unix::fs::symlink(outer.path(), outer.path().join("link")).unwrap();
        fs::write(&file, "path,label\nlink/images/e.png,x\n").unwrap();
        let set = open(outer.path(), &file).unwrap();
        assert_eq!(content(&set, set.train.as_ref()), pairs(&[(3, "x")]));
    }
}

#[test]
fn the_file_is_used_where_it_lies_among_the_images() {
    let outer = labeled(&NAMES, "");
    let dir = outer.path().join("images");
    for name in ["labels.csv", "2023/labels.csv", "notes.csv"] {
        write(dir.join(name), "path,label\ne.png,x\n");
    }
    let labels = FolderLabels::File(dir.join("labels.csv"));
    let cache_dir = Some(cache_of(&dir));
    let options = OpenOptions { image_size: 8, labels, cache_dir, ..Default::default() };
    let listed = dataset::list(&[&dir], &options).unwrap();
    let unused = listed.survey().unwrap().unused;
    let unused: Vec<_> = unused.iter().map(|of| (of.count, of.example.as_str())).collect();
    assert_eq!(unused, [(2, "notes.csv")]);
}

#[test]
fn what_is_wrong_with_rows_is_one_line_with_the_first_and_the_count() {
    for (csv, says) in [
        ("path,label\ngone.png,x\n", "found gone.png in line 2, which is none"),
        (
            "path,label\na,x\ne.png,y\nb,x\n",
            "found 2 rows with something else, the first a in line 2, which is none",
        ),
        (
            "path,label\ne.png,x\ne.png,y\n./e.png,z\n",
            "expected one label and one split for each image, found 2 rows with something else, \
             the first others for e.png in lines 2 and 3",
        ),
        ("path,label,split\ne.png,x,holdout\n", "found \"holdout\" in line 2"),
        ("path,label\ne.png,\n", "expected labels of training images, found none"),
        ("path,label,split\ne.png,x,test\n", "found 1 of test images only"),
        ("path,label\n", "expected rows of images and labels, found none"),
        ("", "expected rows of images and labels, found none"),
        ("id,species\n1,cat\n", "expected the header path,label, or the path of an image"),
        ("path,species\ne.png,cat\n", "found \"path,species\" in line 1"),
    ] {
        let said = message(opened(&NAMES, csv), "labels.csv");
        assert!(said.contains(says), "{csv:?}: {said}");
    }
    let said = message(opened(&NAMES, b"path,label\ne.png,\xff\n"), "labels.csv");
    assert!(said.contains("expected text in UTF-8, found other bytes in line 2"), "{said}");
    let outer = labeled(&NAMES, "");
    let said = message(open(outer.path(), &outer.path().join("absent.csv")), "absent.csv");
    assert!(said.contains("expected a CSV file of labels, found no such file"), "{said}");
    let said = message(open(outer.path(), outer.path()), "");
    assert!(said.contains("found no plain file"), "{said}");
}

#[test]
fn rows_without_an_image_can_be_left_out() {
    let outer = labeled(&NAMES, "path,label\ngone.png,x\ne.png,x\n");
    write(outer.path().join("images/2023/a.png"), "damaged");
    let lines = Mutex::new(Vec::new());
    let left_out = |line: &str| lines.lock().unwrap().push(line.to_owned());
    let dir = outer.path().join("images");
    let options = OpenOptions {
        image_size: 8,
        labels: FolderLabels::File(outer.path().join("labels.csv")),
        cache_dir: Some(cache_of(&dir)),
        left_out: Some(&left_out),
        ..Default::default()
    };
    let set = dataset::open(&dir, &options).unwrap();
    assert_eq!(content(&set, set.train.as_ref()), pairs(&[(3, "x")]));
    assert_eq!(set.unlabeled.len(), 2);
    let lines = lines.lock().unwrap();
    assert_eq!(lines.len(), 2);
    assert!(
        lines[0].contains("gone.png in line 2") && lines[1].contains("2023/a.png"),
        "{lines:?}"
    );
}

#[test]
fn binaries_have_labels_of_their_own() {
    let outer = folder();
    fixtures::cifar10(outer.path());
    write(outer.path().join("labels.csv"), "path,label\n");
    let open =
        |labels| dataset::open(outer.path(), &OpenOptions { labels, ..OpenOptions::default() });
    let said = message(open(FolderLabels::File(outer.path().join("labels.csv"))), "");
    assert!(said.contains("expected a folder of images to label by a file"), "{said}");
    let set = open(FolderLabels::None).unwrap();
    assert_eq!((set.unlabeled.len(), set.train.is_none(), set.test.is_none()), (12, true, true));
}
