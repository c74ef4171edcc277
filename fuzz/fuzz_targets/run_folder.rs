//! A run folder as `report` and `compare` read it: configuration, metrics, evaluation, summary.
#![no_main]

use std::sync::LazyLock;

use libfuzzer_sys::fuzz_target;
use tempfile::TempDir;

#[path = "../../crates/report/tests/read/mod.rs"]
mod read;

static FOLDER: LazyLock<TempDir> = LazyLock::new(fuzz::folder);

fuzz_target!(|input: &[u8]| {
    fuzz::put_files(FOLDER.path(), &read::NAMES, input);
    read::run_folder(FOLDER.path());
});
