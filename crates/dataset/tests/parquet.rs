//! Parquet files of images: rows, labels, class names, splits, and files that can't be used.

mod fixtures;
#[path = "fixtures/archives.rs"]
mod made;
#[path = "fixtures/table.rs"]
mod table;

use std::path::{Path, PathBuf};

use dataset::{Dataset, FolderLabels, OpenOptions, Split};
use fixtures::{assert_same, cache_of, folder, message, open, planes, write};
use made::{classes, png};
use parquet::basic::{Compression, GzipLevel};
use table::{Options, Row, other_table, parquet};
use tempfile::TempDir;

fn place() -> (TempDir, PathBuf) {
    let outer = folder();
    let dir = outer.path().join("table");
    std::fs::create_dir(&dir).unwrap();
    (outer, dir)
}

/// Twenty images of two classes.
fn rows() -> Vec<Row> {
    let row = |number: u8| Row {
        image: Some(png([number, 7, 9])),
        path: None,
        label: Some(i64::from(number % 2)),
    };
    (0..20).map(row).collect()
}

fn reds(split: &Split) -> Vec<u8> {
    (0..split.len()).map(|index| planes(split, index)[0]).collect()
}

fn names(split: &Split) -> Vec<String> {
    (0..split.len()).map(|index| split.name(index).unwrap().into_owned()).collect()
}

#[track_caller]
fn refused(bytes: &[u8], says: &str) {
    let (_outer, dir) = place();
    write(dir.join("bad.parquet"), bytes);
    let found = message(open(&dir.join("bad.parquet")), "bad.parquet");
    assert!(found.contains(says), "{found}\nshould say\n{says}");
}

#[test]
fn rows_are_images_in_their_order() {
    let gzip = Compression::GZIP(GzipLevel::default());
    for compression in [Compression::UNCOMPRESSED, Compression::SNAPPY, gzip] {
        for (group, dictionary) in [(3, false), (100, false), (7, true)] {
            let (_outer, dir) = place();
            let path = dir.join("a.parquet");
            let class_names = &["cat", "dog"];
            let options = Options { compression, group, class_names, dictionary };
            write(&path, parquet(&rows(), &options));
            let set = open(&path).unwrap();
            let train = set.train.as_ref().unwrap();
            assert_eq!(reds(train), (0..20).collect::<Vec<u8>>());
            let labels: Vec<u16> = (0..20).map(|number| number % 2).collect();
            assert_eq!(train.labels(), Some(&labels[..]));
            assert_eq!((set.kind, set.class_names.join(" ")), ("Parquet file", "cat dog".into()));
            assert_eq!(names(train)[12], "a.parquet/000012");
            let one = dataset::read_image(&path.join("000019"), 8).unwrap();
            assert_eq!(planes(&one, 0)[0], 19);
        }
    }
}

#[test]
fn files_of_splits_are_the_folder_that_they_pack() {
    let (outer, dir) = place();
    let members = classes();
    let unpacked = outer.path().join("unpacked");
    members.iter().for_each(|(name, content)| write(unpacked.join(name), content));
    let expected = open(&unpacked).unwrap();
    for split in ["train", "test", "unlabeled"] {
        let of_split = members.iter().filter_map(|(name, content)| {
            let path = name.strip_prefix(split)?.strip_prefix('/')?;
            let label = ["apple/", "pear/"].iter().position(|class| path.starts_with(class));
            let label = Some(label.map_or(-1, |label| label as i64));
            Some(Row { image: Some(content.clone()), path: Some(path.to_owned()), label })
        });
        let of_split: Vec<Row> = of_split.collect();
        let options = Options { class_names: &["apple", "pear"], ..Options::default() };
        let (first, second) = of_split.split_at(of_split.len() / 2);
        for (number, rows) in [first, second].iter().enumerate() {
            let name = format!("data/{split}-{number:05}-of-00002.parquet");
            write(dir.join(name), parquet(rows, &options));
        }
    }
    write(dir.join("README.md"), "text");
    let set = open(&dir).unwrap();
    assert_eq!(
        (set.fingerprint(), &set.class_names),
        (expected.fingerprint(), &expected.class_names)
    );
    for ((_, a), (_, b)) in set.splits().zip(expected.splits()) {
        assert_same(a, b);
    }
    let name = "data/train-00000-of-00002.parquet/apple/1.png";
    assert_eq!(names(set.train.as_ref().unwrap())[1], name);
}

#[test]
fn labels_may_lack_and_have_no_names() {
    let (_outer, dir) = place();
    let mut rows = rows();
    rows.truncate(4);
    rows[0].label = Some(10);
    rows[1].label = Some(9);
    rows[2].label = Some(-1);
    rows[3].label = None;
    write(dir.join("a.parquet"), parquet(&rows, &Options::default()));
    let set = open(&dir).unwrap();
    let labels = set.train.as_ref().unwrap().labels();
    assert_eq!((set.class_names.join(" "), labels), ("9 10".to_owned(), Some(&[1, 0][..])));
    assert_eq!(
        (reds(&set.unlabeled), names(&set.unlabeled)[0].as_str()),
        (vec![2, 3], "a.parquet/000002")
    );
    let options = OpenOptions {
        image_size: 8,
        labels: FolderLabels::None,
        cache_dir: Some(cache_of(&dir)),
        ..Default::default()
    };
    assert_eq!(dataset::open(&dir, &options).unwrap().unlabeled.len(), 4);
    // Paths that are the same for two images are no names.
    rows.iter_mut().for_each(|row| row.path = Some("image.png".to_owned()));
    write(dir.join("a.parquet"), parquet(&rows, &Options::default()));
    assert_eq!(names(&open(&dir).unwrap().unlabeled), ["a.parquet/000002", "a.parquet/000003"]);
}

/// Opens `dir` without what can't be used; gives the set and a line for each of these.
fn open_rest(dir: &Path) -> (Dataset, Vec<String>) {
    let lines = std::sync::Mutex::new(Vec::new());
    let note = |line: &str| lines.lock().unwrap().push(line.to_owned());
    let cache_dir = Some(cache_of(dir));
    let left_out: Option<&(dyn Fn(&str) + Sync)> = Some(&note);
    let options = OpenOptions { image_size: 8, cache_dir, left_out, ..Default::default() };
    let set = dataset::open(dir, &options).unwrap();
    (set, lines.into_inner().unwrap())
}

#[test]
fn rows_that_can_not_be_used() {
    let (_outer, dir) = place();
    let mut rows = rows();
    rows[3].image = None;
    rows[4].image = Some(b"text".to_vec());
    rows[5].label = Some(2);
    let options = Options { class_names: &["cat", "dog"], ..Options::default() };
    write(dir.join("a.parquet"), parquet(&rows, &options));
    let (set, lines) = open_rest(&dir);
    assert_eq!(set.train.unwrap().len(), 17);
    let says = [
        "a.parquet: expected labels of its classes, found 2 of 000005, of 2 classes",
        "a.parquet/000003: expected the bytes of an image, found none",
        "a.parquet/000004: expected a JPEG",
    ];
    assert_eq!(lines.len(), says.len(), "{lines:?}");
    for (line, says) in lines.iter().zip(says) {
        assert!(line.contains(says), "{line}\nshould say\n{says}");
    }
    message(open(&dir), "a.parquet: expected labels of its classes");
}

#[test]
fn damaged_files() {
    let whole = parquet(&rows(), &Options::default());
    let expected = "bad.parquet: expected a whole Parquet file, found ";
    refused(b"", expected);
    refused(b"PAR1", expected);
    refused(&whole[..whole.len() - 1], expected);
    refused(&whole[..whole.len() / 2], expected);
    refused(&[&whole[..40], &whole[90..]].concat(), "bad.parquet");
    let columns = "bad.parquet: expected a column image of bytes, or with a field bytes, found the";
    refused(&other_table(), &format!("{columns} columns a"));
    let path = Some("../a.png".to_owned());
    let out = Row { image: Some(png([1; 3])), path, label: None };
    let says = "expected names of files in it, found a name that leads out of it";
    refused(&parquet(&[out], &Options::default()), says);
}

#[test]
fn lengths_that_pages_can_not_have_are_not_believed() {
    let mut bytes = parquet(&rows(), &Options::default());
    // The first page is behind the magic: its type, then its length in two bytes, at most 8191.
    assert_eq!((bytes[4..7].to_vec(), bytes[9]), (vec![0x15, 0, 0x15], 0x15));
    bytes[7..9].copy_from_slice(&[0xfe, 0x7f]);
    refused(&bytes, "found Parquet error: a page of 8191 bytes, compressed to ");
}

#[test]
fn columns_compressed_in_another_way_are_named() {
    let mut bytes = parquet(&rows(), &Options::default());
    // In the footer the codec follows the column's path: Snappy is 1, Zstandard 6, both doubled.
    let path = b"\x05bytes\x15\x02";
    let found = bytes.windows(path.len()).position(|bytes| bytes == path).unwrap();
    bytes[found + path.len() - 1] = 12;
    let expected = "expected columns compressed by Snappy or gzip, or not at all, found ZSTD";
    refused(&bytes, expected);
}
