//! A folder of STL-10 binaries: images, labels, shape, class names, folds and names of images.
#![no_main]

use std::sync::LazyLock;

use libfuzzer_sys::fuzz_target;
use tempfile::TempDir;

static FOLDER: LazyLock<TempDir> = LazyLock::new(fuzz::folder);

const NAMES: [&str; 9] = [
    "shape.json",
    "unlabeled_X.bin",
    "train_X.bin",
    "train_y.bin",
    "test_X.bin",
    "test_y.bin",
    "class_names.txt",
    "fold_indices.txt",
    "train_names.txt",
];

fuzz_target!(|input: &[u8]| {
    fuzz::put_files(FOLDER.path(), &NAMES, input);
    fuzz::open(FOLDER.path(), FOLDER.path().join("cache"), false);
});
