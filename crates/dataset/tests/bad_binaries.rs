//! Damaged STL-10 binaries: each is one line that names the file, what was expected and what was
//! found.

mod fixtures;

use std::fs;
use std::path::Path;

use fixtures::{folder, message, noise, open, stl10, write};

/// Opens a whole set after `damage`, and checks the file and the end of the message.
fn check(damage: impl FnOnce(&Path), file: &str, ending: &str) {
    let dir = folder();
    stl10(dir.path());
    damage(dir.path());
    let found = message(open(dir.path()), file);
    assert!(found.ends_with(ending), "{found}\nshould end with\n{ending}");
}

#[test]
fn lengths() {
    let multiple = "expected a multiple of 27648 bytes (images of 3 x 96 x 96), found";
    let cut = |dir: &Path| write(dir.join("unlabeled_X.bin"), noise(27_648 + 27_647, 1));
    check(cut, "unlabeled_X.bin", &format!("{multiple} 55295 bytes"));
    check(|dir| write(dir.join("test_X.bin"), ""), "test_X.bin", &format!("{multiple} 0 bytes"));
    let fewer = |dir: &Path| write(dir.join("train_y.bin"), [1, 2, 3]);
    check(fewer, "train_y.bin", "expected 4 labels, one for each image of train_X.bin, found 3");
    let more = |dir: &Path| write(dir.join("test_y.bin"), [1, 2, 3]);
    check(more, "test_y.bin", "expected 2 labels, one for each image of test_X.bin, found 3");
}

#[test]
fn labels() {
    for (label, position) in [(0, 0), (11, 2), (255, 3)] {
        let damage = |dir: &Path| {
            let mut labels = [1, 2, 3, 4];
            labels[position] = label;
            write(dir.join("train_y.bin"), labels);
        };
        check(
            damage,
            "train_y.bin",
            &format!("expected labels 1 to 10, found {label} at position {position}"),
        );
    }
}

#[test]
fn missing_files() {
    let remove = |name: &'static str| move |dir: &Path| fs::remove_file(dir.join(name)).unwrap();
    let nothing = "found no such file or folder";
    check(
        remove("test_y.bin"),
        "test_y.bin",
        &format!("expected the labels of the images beside it, {nothing}"),
    );
    check(
        remove("train_X.bin"),
        "train_X.bin",
        &format!("expected the images of the labels beside it, {nothing}"),
    );
    let only_test = |dir: &Path| {
        for name in ["unlabeled_X.bin", "train_X.bin", "train_y.bin"] {
            fs::remove_file(dir.join(name)).unwrap();
        }
    };
    let ending = format!("expected images to train on, here or in train_X.bin, {nothing}");
    check(only_test, "unlabeled_X.bin", &ending);
}

#[test]
fn text_files() {
    let names = |dir: &Path| write(dir.join("class_names.txt"), "a\nb\n");
    check(names, "class_names.txt", "expected 10 class names, found 2");
    let fold = |dir: &Path| write(dir.join("fold_indices.txt"), "0 1\n2 4\n");
    check(
        fold,
        "fold_indices.txt",
        "expected indices below 4, the number of training images, found \"4\" in line 2",
    );
    let word = |dir: &Path| write(dir.join("fold_indices.txt"), "0 one\n");
    let ending = "expected indices below 4, the number of training images, found \"one\" in line 1";
    check(word, "fold_indices.txt", ending);
}

#[test]
fn shapes() {
    let shape = |text: &'static str| move |dir: &Path| write(dir.join("shape.json"), text);
    let text = r#"{"width": 96, "height": 96, "channels": 1, "classes": 10}"#;
    check(shape(text), "shape.json", "expected channels 3, found 1");
    let text = r#"{"width": 0, "height": 96, "channels": 3, "classes": 10}"#;
    check(shape(text), "shape.json", "expected width from 1 to 32768, found 0");
    let text = r#"{"width": 96, "height": 96, "channels": 3, "classes": 300}"#;
    check(shape(text), "shape.json", "expected label_bytes 2, found 1");
    let text = r#"{"width": 96, "height": 96, "channels": 3, "classes": 10, "depth": 8}"#;
    check(shape(text), "shape.json", "at line 1 column 65");
    check(shape("no JSON"), "shape.json", "found expected ident at line 1 column 2");
    let text = r#"{"width": 96, "height": 96, "channels": 3, "classes": 10, "unlabeled": 4}"#;
    let ending = "expected 110592 bytes (4 images of 3 x 96 x 96), found 82944 bytes";
    check(shape(text), "unlabeled_X.bin", ending);
    let text = r#"{"width": 96, "height": 96, "channels": 3, "classes": 10, "unlabeled": 18446744073709551615}"#;
    check(shape(text), "unlabeled_X.bin", "found 82944 bytes");
}

#[test]
fn folders() {
    let dir = folder();
    let found = message(open(&dir.path().join("nowhere")), "nowhere");
    assert!(
        found.ends_with("expected a folder of images, found no such file or folder"),
        "{found}"
    );
    write(dir.path().join("file"), "text");
    let found = message(open(&dir.path().join("file")), "file");
    assert!(found.contains("expected a folder or an archive (.tar"), "{found}");
    assert!(found.ends_with("found another file"), "{found}");
}

#[test]
fn line_breaks_in_what_was_found_stay_on_one_line() {
    let odd = r#"{"width":96,"ch\nnels":3}"#;
    let dir = folder();
    stl10(dir.path());
    write(dir.path().join("shape.json"), odd);
    let found = message(open(dir.path()), "shape.json");
    assert!(found.contains(r"unknown field `ch\nnels`"), "{found}");
}

#[cfg(unix)]
#[test]
fn pipes_and_devices_beside_the_images_are_refused_at_once() {
    let names = ["shape.json", "class_names.txt", "fold_indices.txt", "train_X.bin", "train_y.bin"];
    for name in names {
        for device in [false, true] {
            let dir = folder();
            stl10(dir.path());
            let path = dir.path().join(name);
            let _ = fs::remove_file(&path);
            if device {
                std::os::unix::fs::symlink("/dev/zero", &path).unwrap();
            } else {
                let made = std::process::Command::new("mkfifo").arg(&path).status();
                assert!(made.unwrap().success());
            }
            let found = message(open(dir.path()), name);
            assert!(found.contains("expected"), "{found}");
        }
    }
}
