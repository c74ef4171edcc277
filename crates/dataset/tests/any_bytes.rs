//! Whatever the bytes of a set are, it opens as a set of which everything can be used, or is
//! refused by one line.

mod fixtures;
#[path = "fixtures/archives.rs"]
mod made;
#[path = "fixtures/table.rs"]
mod table;
#[path = "fixtures/usable.rs"]
mod usable;

use std::fs;
use std::path::Path;
use std::sync::Mutex;

use dataset::{FolderLabels, OpenOptions};
use fixtures::{cache_of, cifar10, classes, folder, message, open, stl10, write};
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::Index;
use table::{Options, Row};
use usable::check;
use zip::write::SimpleFileOptions;

/// Bytes to overwrite, where to cut, and what to append.
type Damage = (Vec<(Index, u8)>, Option<Index>, Vec<u8>);

fn damage() -> impl Strategy<Value = Damage> {
    let edits = vec((any::<Index>(), any::<u8>()), 0..8);
    (edits, any::<Option<Index>>(), vec(any::<u8>(), 0..40))
}

fn apply((edits, cut, more): &Damage, bytes: &mut Vec<u8>) {
    for (index, byte) in edits {
        if !bytes.is_empty() {
            let at = index.index(bytes.len());
            bytes[at] = *byte;
        }
    }
    if let Some(cut) = cut {
        bytes.truncate(cut.index(bytes.len() + 1));
    }
    bytes.extend(more);
}

/// Damages one file of a set of binaries.
fn binaries(make: impl FnOnce(&Path), shape: &[u8], file: Index, damage: &Damage) {
    let dir = folder();
    make(dir.path());
    if !shape.is_empty() {
        write(dir.path().join("shape.json"), shape);
    }
    let entries = fs::read_dir(dir.path()).unwrap();
    let mut paths: Vec<_> = entries.map(|entry| entry.unwrap().path()).collect();
    paths.sort();
    let path = &paths[file.index(paths.len())];
    let mut bytes = fs::read(path).unwrap();
    apply(damage, &mut bytes);
    write(path, bytes);
    match open(dir.path()) {
        Ok(set) => check(&set),
        Err(error) => _ = message::<()>(Err(error), dir.path().to_str().unwrap()),
    }
}

/// STL-10 binaries with the names of the training images.
fn named(dir: &Path) {
    stl10(dir);
    write(dir.join("train_names.txt"), "a.png\nb.png\nc.png\nd.png\n");
}

const SHAPE: &[u8] =
    br#"{"width":96,"height":96,"channels":3,"classes":10,"pixel_order":"row-major","train":4}"#;

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn of_stl10(file in any::<Index>(), shaped in any::<bool>(), damage in damage()) {
        binaries(named, if shaped { SHAPE } else { b"" }, file, &damage);
    }

    #[test]
    fn of_cifar10(file in any::<Index>(), damage in damage()) {
        binaries(cifar10, b"", file, &damage);
    }

    #[test]
    fn of_an_archive(format in 0usize..4, damage in damage()) {
        let outer = folder();
        let members = made::classes();
        let samples = ["0.png", "0.cls", "1.png", "1.json"].map(|name| {
            let content = match name {
                "0.cls" => b"7".to_vec(),
                "1.json" => br#"{"label": "cat"}"#.to_vec(),
                _ => made::png([9; 3]),
            };
            (name.to_owned(), content)
        });
        let row = |(name, content): (String, Vec<u8>)| {
            Row { image: Some(content), label: Some((name.len() % 2) as i64), path: Some(name) }
        };
        let (name, mut bytes) = match format {
            0 => ("a.tar", made::tar(&members)),
            1 => ("a.tar", made::tar(&samples)),
            2 => ("a.zip", made::zip(&members, SimpleFileOptions::default())),
            _ => {
                let rows: Vec<Row> = members.into_iter().map(row).collect();
                let class_names = &["cat", "dog"];
                ("a.parquet", table::parquet(&rows, &Options { class_names, ..Options::default() }))
            }
        };
        apply(&damage, &mut bytes);
        let path = outer.path().join(name);
        write(&path, bytes);
        match open(&path) {
            Ok(set) => check(&set),
            Err(error) => _ = message::<()>(Err(error), name),
        }
        let lines = Mutex::new(Vec::new());
        let note = |line: &str| lines.lock().unwrap().push(line.to_owned());
        let cache_dir = Some(cache_of(&path));
        let left_out: Option<&(dyn Fn(&str) + Sync)> = Some(&note);
        let options = OpenOptions { image_size: 8, cache_dir, left_out, ..Default::default() };
        match dataset::open(&path, &options) {
            Ok(set) => check(&set),
            Err(error) => _ = message::<()>(Err(error), name),
        }
        prop_assert!(lines.lock().unwrap().iter().all(|line| !line.contains('\n')));
    }

    #[test]
    fn of_a_file_of_labels(damage in damage()) {
        let outer = folder();
        let dir = outer.path().join("images");
        classes(&dir);
        let file = outer.path().join("labels.csv");
        let rows = "path,label,split\ntrain/apple/0.png,\"a, b\",train\nval/pear/1.png,7,test\n";
        let mut bytes = rows.as_bytes().to_vec();
        apply(&damage, &mut bytes);
        write(&file, bytes);
        let options = OpenOptions {
            image_size: 8,
            labels: FolderLabels::File(file),
            cache_dir: Some(cache_of(&dir)),
            ..Default::default()
        };
        match dataset::open(&dir, &options) {
            Ok(set) => check(&set),
            Err(error) => _ = message::<()>(Err(error), "labels.csv"),
        }
    }

    #[test]
    fn of_an_image(format in 0usize..3, damage in damage()) {
        let outer = folder();
        let dir = outer.path().join("images");
        classes(&dir);
        let path = dir.join("train/apple").join(["x.png", "x.jpg", "x.webp"][format]);
        let pixel = |x, y| image::Rgb([(x * y) as u8, (x * 7 + y * 13) as u8, (x ^ y) as u8]);
        image::RgbImage::from_fn(24, 16, pixel).save(&path).unwrap();
        let mut bytes = fs::read(&path).unwrap();
        apply(&damage, &mut bytes);
        write(&path, bytes);
        let lines = Mutex::new(0);
        let note = |line: &str| {
            assert!(line.contains("train/apple/x.") && !line.contains('\n'), "{line}");
            *lines.lock().unwrap() += 1;
        };
        let options = OpenOptions {
            image_size: 8,
            cache_dir: Some(cache_of(&dir)),
            left_out: Some(&note),
            ..Default::default()
        };
        let set = dataset::open(&dir, &options).unwrap();
        check(&set);
        let lines = *lines.lock().unwrap();
        prop_assert_eq!(set.train.unwrap().len() + lines, 5);
    }
}
