//! A folder of CIFAR-10 binaries. Records are long, so a batch is given as its first bytes and its
//! length.
#![no_main]

use std::fs;
use std::sync::LazyLock;

use libfuzzer_sys::fuzz_target;
use tempfile::TempDir;

static FOLDER: LazyLock<TempDir> = LazyLock::new(fuzz::folder);

const NAMES: [&str; 7] = [
    "data_batch_1.bin",
    "data_batch_2.bin",
    "data_batch_3.bin",
    "data_batch_4.bin",
    "data_batch_5.bin",
    "test_batch.bin",
    "batches.meta.txt",
];

fuzz_target!(|input: &[u8]| {
    fuzz::put_files(FOLDER.path(), &NAMES, input);
    for name in &NAMES[..6] {
        let path = FOLDER.path().join(name);
        if let Ok(bytes) = fs::read(&path) {
            // Each byte is the label of a record; the last tells how much is missing.
            let mut whole: Vec<u8> = bytes.iter().flat_map(|&label| [label; 3073]).collect();
            let missing = bytes.last().map_or(0, |&last| usize::from(last / 128));
            whole.truncate(whole.len() - missing);
            fs::write(&path, whole).expect("a file");
        }
    }
    fuzz::open(FOLDER.path(), FOLDER.path().join("cache"), false);
});
