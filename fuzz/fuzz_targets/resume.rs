//! A run folder as `pretrain --resume` reads it: the configuration, and the lines of metrics that
//! are kept.
#![no_main]

use std::sync::LazyLock;

use libfuzzer_sys::fuzz_target;
use tempfile::TempDir;

#[allow(dead_code)]
#[path = "../../crates/trainer/tests/read/mod.rs"]
mod read;

static FOLDER: LazyLock<TempDir> = LazyLock::new(fuzz::folder);

fuzz_target!(|input: &[u8]| {
    fuzz::put_files(FOLDER.path(), &read::RESUMED, input);
    read::resume(FOLDER.path());
});
