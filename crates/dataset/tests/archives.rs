//! Archives: the set that they pack, its labels and splits, and archives that can't be used.

mod fixtures;
#[path = "fixtures/archives.rs"]
mod made;

use std::fs;
use std::path::{Path, PathBuf};

use dataset::{Dataset, FolderLabels, ImageDimensions, OpenOptions, Split, Store};
use fixtures::{assert_same, cache_of, folder, message, open, planes, write};
use made::{Member, classes, images, png, tar, zip};
use tempfile::TempDir;
use zip::CompressionMethod;
use zip::write::SimpleFileOptions;

/// A folder to put archives in.
fn place() -> (TempDir, PathBuf) {
    let outer = folder();
    let dir = outer.path().join("shards");
    fs::create_dir(&dir).unwrap();
    (outer, dir)
}

fn open_labeled(dir: &Path, labels: FolderLabels) -> Result<Dataset, dataset::Error> {
    let cache_dir = Some(cache_of(dir));
    dataset::open(dir, &OpenOptions { image_size: 8, labels, cache_dir, ..Default::default() })
}

fn names(split: &Split) -> Vec<String> {
    (0..split.len()).map(|index| split.name(index).unwrap().into_owned()).collect()
}

fn lengths(set: &Dataset) -> [usize; 3] {
    let length = |split: &Option<Split>| split.as_ref().map_or(0, Split::len);
    let unlabeled = if set.unlabeled_is_train() { 0 } else { set.unlabeled.len() };
    [unlabeled, length(&set.train), length(&set.test)]
}

/// Opens several sets as one.
fn open_all(dir: &Path, names: &[&str]) -> Dataset {
    let paths: Vec<PathBuf> = names.iter().map(|name| dir.join(name)).collect();
    let cache_dir = Some(cache_of(dir));
    let options = OpenOptions { image_size: 8, cache_dir, ..Default::default() };
    dataset::list(&paths, &options).unwrap().open(&options).unwrap()
}

/// The set of `members` as files.
fn unpacked(outer: &Path, members: &[Member]) -> Dataset {
    let dir = outer.join("unpacked");
    members.iter().for_each(|(name, content)| write(dir.join(name), content));
    open(&dir).unwrap()
}

/// Checks that two sets have the same images, labels and classes.
#[track_caller]
fn assert_same_set(a: &Dataset, b: &Dataset) {
    assert_eq!(a.class_names, b.class_names);
    assert_eq!(a.fingerprint(), b.fingerprint());
    for ((name, a), (other, b)) in a.splits().zip(b.splits()) {
        assert_eq!(name, other);
        assert_same(a, b);
    }
}

/// Checks what opening an archive with `bytes` says of it.
#[track_caller]
fn refused(name: &str, bytes: &[u8], says: &str) {
    let (_outer, dir) = place();
    write(dir.join(name), bytes);
    let found = message(open(&dir.join(name)), name);
    assert!(found.ends_with(says), "{found}\nshould end with\n{says}");
}

#[test]
fn an_archive_of_class_folders_is_the_folder_that_it_packs() {
    let (outer, dir) = place();
    let members = classes();
    let expected = unpacked(outer.path(), &members);
    let inside = |top: &str| -> Vec<Member> {
        let inner = members.iter().map(|(name, content)| (format!("{top}{name}"), content.clone()));
        inner.chain([(format!("{top}README.md"), b"text".to_vec())]).collect()
    };
    for (name, top) in [("a.tar", ""), ("b.tar", "./"), ("c.tar", "photos/fruit/")] {
        write(dir.join(name), tar(&inside(top)));
        let set = open(&dir.join(name)).unwrap();
        assert_same_set(&set, &expected);
        let shown = format!("{name}/{}train/apple/1.png", top.trim_start_matches("./"));
        assert_eq!(names(set.train.as_ref().unwrap())[1], shown);
        assert_eq!(set.kind, "tar archive");
    }
}

#[test]
fn zip_archives_are_as_tar_archives() {
    let (outer, dir) = place();
    let mut members = classes();
    let expected = unpacked(outer.path(), &members);
    members.push(("__MACOSX/train/._0.png".to_owned(), b"x".to_vec()));
    let path = dir.join("a.zip");
    let options = SimpleFileOptions::default();
    let deflated = options.compression_method(CompressionMethod::Deflated);
    let stored = options.compression_method(CompressionMethod::Stored);
    for options in [stored, deflated, deflated.large_file(true)] {
        write(&path, zip(&members, options));
        let set = open(&path).unwrap();
        assert_same_set(&set, &expected);
        assert_eq!(
            (set.kind, names(&set.unlabeled)[0].as_str()),
            ("zip archive", "a.zip/unlabeled/0.png")
        );
    }
    // With something before it and a comment after it.
    let mut bytes = [b"#!/bin/sh\n".as_slice(), &zip(&members, deflated), b"note"].concat();
    let end = bytes.len() - 4;
    bytes[end - 2..end].copy_from_slice(&[4, 0]);
    write(&path, bytes);
    assert_same_set(&open(&path).unwrap(), &expected);
    let samples = [("a.png".to_owned(), png([1; 3])), ("a.cls".to_owned(), b"x".to_vec())];
    write(&path, zip(&samples, deflated));
    assert_eq!(open(&path).unwrap().class_names, ["x"]);
}

#[test]
fn damaged_zip_archives() {
    let stored = SimpleFileOptions::default().compression_method(CompressionMethod::Stored);
    let deflated = stored.compression_method(CompressionMethod::Deflated);
    let whole = zip(&images(&["0.png", "1.png"]), deflated);
    let says = |found: &str| format!("bad.zip: expected a whole zip archive, found {found}");
    refused("bad.zip", b"", &says("other content"));
    refused("bad.zip", b"text", &says("other content"));
    refused("bad.zip", &whole[..whole.len() - 4], &says("one without its end"));
    let names = "bad.zip: expected names of files in it, found a name that leads out of it";
    let leads_out = zip(&images(&["a/../0.png"]), stored);
    refused("bad.zip", &leads_out, &format!("{names} \"a/../0.png\""));
    let at = |signature: &[u8]| whole.windows(4).position(|bytes| bytes == signature).unwrap();
    let (local, entry, end) = (at(b"PK\x03\x04"), at(b"PK\x01\x02"), at(b"PK\x05\x06"));
    let changed = |place: usize, bytes: &[u8]| {
        let mut changed = whole.clone();
        changed[place..place + bytes.len()].copy_from_slice(bytes);
        changed
    };
    let member = |found: &str| {
        format!("bad.zip/0.png: expected a whole member of a zip archive, found {found}")
    };
    refused("bad.zip", &changed(entry + 8, &[1]), &member("an encrypted one"));
    let method = member("one compressed by method 14, not by deflate");
    refused("bad.zip", &changed(entry + 10, &[14]), &method);
    let huge = member("4000000000 bytes, more than there are");
    refused("bad.zip", &changed(entry + 24, &4_000_000_000u32.to_le_bytes()), &huge);
    let longer = member("other than the 200 bytes of its header");
    refused("bad.zip", &changed(entry + 24, &200u32.to_le_bytes()), &longer);
    let checksum = member("other content than its checksum says");
    refused("bad.zip", &changed(entry + 16, &[1, 2, 3, 4]), &checksum);
    refused("bad.zip", &changed(local, b"PK\x07\x07"), &member("no header at byte 0"));
    let short = says("a directory that ends after 2 of 60000 members");
    refused("bad.zip", &changed(end + 10, &60_000u16.to_le_bytes()), &short);
    let outside = says("one that begins before the file");
    refused("bad.zip", &changed(end + 16, &[0, 0, 0, 0x7f]), &outside);
    let cut = says("a directory that ends after 1 of 2 members");
    let second =
        1 + whole[1 + entry..].windows(4).position(|bytes| bytes == b"PK\x01\x02").unwrap();
    refused("bad.zip", &changed(entry + second, b"none"), &cut);
}

#[test]
fn archives_of_splits_are_one_set() {
    let (outer, dir) = place();
    let members = classes();
    let expected = unpacked(outer.path(), &members);
    for split in ["train", "test", "unlabeled"] {
        let of_split = |(name, content): &Member| {
            let inner = name.strip_prefix(split)?.strip_prefix('/')?;
            Some((inner.to_owned(), content.clone()))
        };
        let of_split: Vec<Member> = members.iter().filter_map(of_split).collect();
        // In shards by name, and in folders.
        let middle = of_split.len() / 2;
        write(dir.join(format!("named/{split}-000.tar")), tar(&of_split[..middle]));
        write(dir.join(format!("named/{split}-001.tar")), tar(&of_split[middle..]));
        write(dir.join(format!("folders/{split}/images.tar")), tar(&of_split));
        let with_top: Vec<Member> = of_split
            .iter()
            .map(|(name, content)| (format!("{split}/{name}"), content.clone()))
            .collect();
        write(dir.join(format!("twice/data/{split}.tar")), tar(&with_top));
    }
    write(dir.join("named/README.md"), "text");
    for layout in ["named", "folders", "twice"] {
        assert_same_set(&open(&dir.join(layout)).unwrap(), &expected);
    }
    let named = open(&dir.join("named")).unwrap();
    assert_eq!(names(named.test.as_ref().unwrap())[0], "test-000.tar/apple/0.png");
    write(dir.join("test.tar"), tar(&images(&["apple/0.png", "pear/0.png"])));
    write(dir.join("train.tar"), tar(&images(&["apple/1.png", "pear/1.png", "pear/2.png"])));
    let several = open_all(&dir, &["test.tar", "train.tar"]);
    assert_eq!((lengths(&several), several.class_names.len()), ([0, 3, 2], 2));
    assert_eq!(names(several.test.as_ref().unwrap())[0], "test.tar/apple/0.png");
    assert_eq!(lengths(&open_all(&dir, &["test.tar"])), [0, 2, 0]);
    // Beside images archives are told of as other files are.
    write(dir.join("named/one.png"), png([1, 2, 3]));
    assert_eq!(lengths(&open(&dir.join("named")).unwrap()), [1, 0, 0]);
}

#[test]
fn test_images_without_labels_are_not_trained_on() {
    let (_outer, dir) = place();
    write(dir.join("train.tar"), tar(&images(&["apple/1.png", "pear/1.png", "pear/2.png"])));
    write(dir.join("photos.tar"), tar(&images(&["0.png", "1.png"])));
    write(dir.join("test.tar"), tar(&images(&["2.png", "3.png", "4.png"])));
    assert_eq!(lengths(&open_all(&dir, &["train.tar", "test.tar"])), [0, 3, 0]);
    assert_eq!(lengths(&open_all(&dir, &["photos.tar", "test.tar"])), [2, 0, 0]);
    let paths = ["photos.tar", "test.tar"].map(|name| dir.join(name));
    let options = OpenOptions { image_size: 8, ..Default::default() };
    let survey = dataset::list(&paths, &options).unwrap().survey().unwrap();
    assert_eq!(survey.unused[0].example, "test.tar (3 images without labels)");
    // Alone it is a set as any other; without labels that are asked for, too.
    assert_eq!(lengths(&open_all(&dir, &["test.tar"])), [3, 0, 0]);
    let cache_dir = Some(cache_of(&dir));
    let labels = FolderLabels::None;
    let options = OpenOptions { image_size: 8, labels, cache_dir, ..Default::default() };
    let set = dataset::list(&paths, &options).unwrap().open(&options).unwrap();
    assert_eq!(lengths(&set), [5, 0, 0]);
}

#[test]
fn webdataset_samples_have_labels_of_their_own() {
    let (_outer, dir) = place();
    let sample = |key: &str, ending: &str, label: &str| -> [Member; 2] {
        let image = (format!("{key}.v1.png"), png([key.len() as u8, 9, 9]));
        [image, (format!("{key}.{ending}"), label.as_bytes().to_vec())]
    };
    let train = [
        sample("00", "cls", "10"),
        sample("01", "cls", "9\n"),
        sample("02", "json", r#"{"label": 10, "caption": "a"}"#),
        sample("03", "json", r#"{"cls": "9"}"#),
        sample("04", "json", r#"{"caption": "b"}"#),
        sample("05", "cls", "-1"),
        sample("06", "txt", "a caption"),
    ];
    write(dir.join("train-0.tar"), tar(&train.concat()));
    write(dir.join("val-0.tar"), tar(&[sample("00", "cls", "9"), sample("1", "x", "")].concat()));
    let set = open(&dir).unwrap();
    assert_eq!(set.class_names, ["9", "10"]);
    assert_eq!(lengths(&set), [3, 4, 1]);
    assert_eq!(set.train.as_ref().unwrap().labels(), Some(&[1, 0, 1, 0][..]));
    assert_eq!(names(&set.unlabeled)[0], "train-0.tar/04.v1.png");
    assert_eq!(set.test.unwrap().labels(), Some(&[0][..]));
    // Without labels that are asked for.
    assert_eq!(lengths(&open_labeled(&dir, FolderLabels::None).unwrap()), [9, 0, 0]);
    let bad = sample("00", "cls", "a\u{1}b");
    write(dir.join("train-0.tar"), tar(&[bad, sample("01", "cls", "1")].concat()));
    let says = "train-0.tar/00.cls: expected the number or name of a class, found 3 bytes of text";
    assert!(message(open(&dir), "00.cls").ends_with(says));
}

#[test]
fn labels_from_a_file_fit_images_of_archives() {
    let (outer, dir) = place();
    write(dir.join("one.tar"), tar(&images(&["a/0.png", "a/1.png", "2.png"])));
    write(dir.join("test.tar"), tar(&images(&["0.png"])));
    let file = outer.path().join("labels.csv");
    let rows = "one.tar/a/0.png,x\nshards/one.tar/2.png,y\ntest.tar/0.png,y\n";
    write(&file, format!("path,label\n{rows}"));
    let set = open_labeled(&dir, FolderLabels::File(file.clone())).unwrap();
    assert_eq!((lengths(&set), set.class_names.join(" ")), ([1, 2, 1], "x y".to_owned()));
    // Of one archive, with its name or without.
    write(&file, "path,label\na/0.png,x\none.tar/2.png,y\n");
    let set = open_labeled(&dir.join("one.tar"), FolderLabels::File(file)).unwrap();
    assert_eq!(
        (lengths(&set), names(set.train.as_ref().unwrap())[0].as_str()),
        ([1, 2, 0], "one.tar/2.png")
    );
}

#[test]
fn long_names_large_numbers_and_links() {
    let (_outer, dir) = place();
    let long = format!("{}/{}.png", "deep/".repeat(30), "x".repeat(120));
    let mut builder = tar::Builder::new(Vec::new());
    let image = png([1, 2, 3]);
    let mut header = tar::Header::new_gnu();
    header.set_size(image.len() as u64);
    builder.append_data(&mut header, &long, image.as_slice()).unwrap();
    // By a pax header, with a name and a size that the header itself has not.
    let mut header = tar::Header::new_ustar();
    let size = image.len().to_string();
    let records = [("path", "päx.png".as_bytes()), ("size", size.as_bytes())];
    builder.append_pax_extensions(records).unwrap();
    header.set_path("other").unwrap();
    header.set_size(image.len() as u64);
    header.set_cksum();
    builder.append(&header, image.as_slice()).unwrap();
    for (kind, name) in [(tar::EntryType::Link, "hard.png"), (tar::EntryType::Symlink, "soft.png")]
    {
        let mut header = tar::Header::new_gnu();
        header.set_entry_type(kind);
        header.set_size(0);
        builder.append_link(&mut header, name, "päx.png").unwrap();
    }
    let path = dir.join("a.tar");
    write(&path, builder.into_inner().unwrap());
    let set = open(&path).unwrap();
    let mut found = names(&set.unlabeled);
    found.sort();
    let long = format!("a.tar/{}", long.replace("//", "/"));
    assert_eq!(found, [long, "a.tar/hard.png".to_owned(), "a.tar/päx.png".to_owned()]);
    for index in 0..3 {
        assert_eq!(planes(&set.unlabeled, index)[0], 1);
    }
}

#[test]
fn single_images_are_read_by_their_path() {
    let (_outer, dir) = place();
    write(dir.join("a.tar"), tar(&images(&["x/0.png", "x/1.png"])));
    let image = |name: &str| dataset::read_image(&dir.join(name), 8);
    assert_eq!(planes(&image("a.tar/x/1.png").unwrap(), 0)[0], 9);
    message(image("a.tar/x/2.png"), "2.png: expected an image in an archive, found no such file");
    let dimensions = ImageDimensions::default();
    assert_eq!(dimensions.of(&dir.join("a.tar/x/0.png")), Some((8, 8)));
    assert_eq!(dimensions.of(&dir.join("a.tar/x/2.png")), None);
    let paths = [dir.join("a.tar")];
    assert_eq!(dataset::image_file(&paths, "a.tar/x/1.png"), Some(dir.join("a.tar/x/1.png")));
    let paths = [dir.join("a.tar"), dir.join("b.tar")];
    assert_eq!(dataset::image_file(&paths, "b.tar/0.png"), Some(dir.join("b.tar/0.png")));
}

#[test]
fn what_is_in_archives_is_surveyed() {
    let (_outer, dir) = place();
    let mut members = images(&["a.png", "b.png", "notes.txt"]);
    members.push(("c.png".to_owned(), members[0].1.clone()));
    write(dir.join("one.tar"), tar(&members));
    let options =
        OpenOptions { image_size: 8, cache_dir: Some(cache_of(&dir)), ..Default::default() };
    let listed = dataset::list(&[dir.join("one.tar")], &options).unwrap();
    assert!(!listed.is_decoded(Store::Square));
    listed.open(&options).unwrap();
    assert!(listed.is_decoded(Store::Square));
    let survey = listed.survey().unwrap();
    assert_eq!((survey.formats["PNG"], survey.largest), (3, Some([8, 8])));
    assert_eq!((survey.unused[0].kind.as_str(), survey.unused[0].count), ("txt", 1));
    let example = ["one.tar/a.png", "one.tar/c.png"].map(str::to_owned);
    assert_eq!(survey.copies.example, Some(example));
}

#[test]
fn damaged_tar_archives() {
    let whole = tar(&images(&["0.png", "1.png"]));
    let expected = "bad.tar: expected a whole tar archive, found";
    let says = |found: &str| format!("{expected} {found}");
    refused("bad.tar", b"", &says("an empty file"));
    refused("bad.tar", b"text", &says("other content"));
    refused("bad.tar", &[7; 4096], &says("other content"));
    let zipped = [b"\x1f\x8b\x08".as_slice(), &[0; 600]].concat();
    refused("bad.tar", &zipped, &says("a gzip-compressed file (gunzip it first)"));
    refused("bad.tar", &whole[..512 + 20], &says("one of 532 bytes that ends in 0.png"));
    refused("bad.tar", &whole[..1024 + 20], &says("an end within a header at byte 1024"));
    // Between two members, and after the last one.
    refused("bad.tar", &whole[..1024], &says("one without its end"));
    refused("bad.tar", &whole[..whole.len() - 1024], &says("one without its end"));
    let mut damaged = whole.clone();
    damaged[1024] ^= 1;
    refused("bad.tar", &damaged, &says("a damaged header at byte 1024"));
    let names = "bad.tar: expected names of files in it, found";
    for (name, what) in
        [("/0.png", "an absolute name"), ("a/../0.png", "a name that leads out of it")]
    {
        let mut header = tar::Header::new_gnu();
        header.as_mut_bytes()[..name.len()].copy_from_slice(name.as_bytes());
        header.set_size(0);
        header.set_cksum();
        let bytes = [header.as_bytes().as_slice(), &whole].concat();
        refused("bad.tar", &bytes, &format!("{names} {what} {name:?}"));
    }
    refused("bad.tar", &tar(&[]), "found an empty folder");
    // A size that no memory holds.
    let mut header = tar::Header::new_gnu();
    header.set_path("huge.png").unwrap();
    header.set_size(u64::MAX / 2);
    header.set_cksum();
    refused("bad.tar", header.as_bytes(), &says("one of 512 bytes that ends in huge.png"));
}

#[test]
fn what_is_whole_of_a_damaged_archive_is_kept_where_that_is_asked_for() {
    let (_outer, dir) = place();
    let mut members = images(&["0.png", "1.png", "2.png"]);
    members[1].1 = b"text".to_vec();
    let whole = tar(&members);
    write(dir.join("a.tar"), &whole[..whole.len() - 1024 - 500]);
    let lines = std::sync::Mutex::new(Vec::new());
    let note = |line: &str| lines.lock().unwrap().push(line.to_owned());
    let cache_dir = Some(cache_of(&dir));
    let left_out: Option<&(dyn Fn(&str) + Sync)> = Some(&note);
    let options = OpenOptions { image_size: 8, cache_dir, left_out, ..Default::default() };
    let set = dataset::open(&dir, &options).unwrap();
    assert_eq!(names(&set.unlabeled), ["a.tar/0.png"]);
    let lines = lines.into_inner().unwrap();
    assert!(lines[0].contains("a.tar: expected a whole tar archive, found one of"), "{lines:?}");
    assert!(lines[1].contains("a.tar/1.png: expected a JPEG"), "{lines:?}");
    message(open(&dir), "a.tar: expected a whole tar archive");
}

#[test]
fn a_changed_archive_is_decoded_again() {
    let (_outer, dir) = place();
    let path = dir.join("a.tar");
    write(&path, tar(&images(&["0.png", "1.png"])));
    let before = open(&path).unwrap();
    write(&path, tar(&images(&["1.png", "0.png", "2.png"])));
    let after = open(&path).unwrap();
    assert_eq!((before.unlabeled.len(), after.unlabeled.len()), (2, 3));
    let reds: Vec<u8> = (0..3).map(|index| planes(&after.unlabeled, index)[0]).collect();
    assert_eq!(reds, [9, 0, 18]);
}
