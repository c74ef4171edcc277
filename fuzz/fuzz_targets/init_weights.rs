//! A file of `--init-weights`: the header, what it says that it is of, and its tensors.
#![no_main]

use std::sync::LazyLock;

use libfuzzer_sys::fuzz_target;
use tempfile::TempDir;

#[allow(dead_code)]
#[path = "../../crates/trainer/tests/read/mod.rs"]
mod read;

static FOLDER: LazyLock<TempDir> = LazyLock::new(fuzz::folder);

fuzz_target!(|input: &[u8]| read::initial_weights(FOLDER.path(), input));
