//! What the targets ask of image sets: a folder in memory, and what holds of every set that opens.
//! A test of `dataset` asks it of the seeds, too.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Mutex;

use dataset::{Error, OpenOptions};
use tempfile::TempDir;

mod put_files;
#[path = "../../crates/dataset/tests/fixtures/usable.rs"]
mod usable;

pub use put_files::put_files;

/// The files of STL-10 binaries, in the order of an input.
const STL10: [&str; 9] = [
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

/// The files of CIFAR-10 binaries, in the order of an input.
const CIFAR10: [&str; 7] = [
    "data_batch_1.bin",
    "data_batch_2.bin",
    "data_batch_3.bin",
    "data_batch_4.bin",
    "data_batch_5.bin",
    "test_batch.bin",
    "batches.meta.txt",
];

/// A temporary folder, in memory where the system has such a place.
pub fn folder() -> TempDir {
    let memory = Path::new("/dev/shm");
    if memory.is_dir() {
        tempfile::tempdir_in(memory).expect("a folder")
    } else {
        tempfile::tempdir().expect("a folder")
    }
}

/// Opens `dir`, with a cache beside it, and checks what comes of it.
pub fn open(dir: &Path, cache: PathBuf, leave_out: bool) {
    let lines = Mutex::new(0);
    let note = |line: &str| {
        one_line(line);
        *lines.lock().expect("no panic") += 1;
    };
    let options = OpenOptions {
        image_size: 8,
        cache_dir: Some(cache),
        left_out: if leave_out { Some(&note) } else { None },
        ..Default::default()
    };
    match dataset::open(dir, &options) {
        Ok(set) => usable::check(&set),
        Err(error) => check_error(&error, dir),
    }
}

fn check_error(error: &Error, dir: &Path) {
    let message = error.to_string();
    one_line(&message);
    assert!(message.contains(&dir.display().to_string()), "{message}");
}

/// Messages are one line each.
pub fn one_line(message: &str) {
    assert!(!message.contains('\n'), "{message:?}");
}

/// Opens the archive `name` with the content `input` in `folder`, and checks what comes of it, with
/// and without what is damaged.
pub fn open_archive(folder: &Path, name: &str, input: &[u8]) {
    let (archive, cache) = (folder.join(name), folder.join("cache"));
    let _ = fs::remove_dir_all(&cache);
    fs::write(&archive, input).expect("a file");
    for leave_out in [false, true] {
        open(&archive, cache.clone(), leave_out);
    }
}

/// Opens a folder of STL-10 binaries.
pub fn stl10(folder: &Path, input: &[u8]) {
    put_files(folder, &STL10, input);
    open(folder, folder.join("cache"), false);
}

/// Opens a folder of CIFAR-10 binaries. Records are long, so a batch is given as its first bytes
/// and its length.
pub fn cifar10(folder: &Path, input: &[u8]) {
    put_files(folder, &CIFAR10, input);
    for name in &CIFAR10[..6] {
        let path = folder.join(name);
        if let Ok(bytes) = fs::read(&path) {
            // Each byte is the label of a record; the last tells how much is missing.
            let mut whole: Vec<u8> = bytes.iter().flat_map(|&label| [label; 3073]).collect();
            let missing = bytes.last().map_or(0, |&last| usize::from(last / 128));
            whole.truncate(whole.len() - missing);
            fs::write(&path, whole).expect("a file");
        }
    }
    open(folder, folder.join("cache"), false);
}

/// Opens a folder of an image file beside a good one, decoded or left out.
pub fn images(folder: &Path, input: &[u8]) {
    let (images, cache) = (folder.join("images"), folder.join("cache"));
    let _ = fs::remove_dir_all(&cache);
    fs::create_dir_all(&images).expect("a folder");
    let good = include_bytes!("../corpus/images/good.png");
    fs::write(images.join("good.png"), good).expect("a file");
    fs::write(images.join("any.jpg"), input).expect("a file");
    open(&images, cache, true);
}
