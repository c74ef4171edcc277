//! A checkpoint: the header of the safetensors file, and the header in it.
#![no_main]

use std::sync::LazyLock;

use libfuzzer_sys::fuzz_target;
use tempfile::TempDir;

#[allow(dead_code)]
#[path = "../../crates/trainer/tests/read/mod.rs"]
mod read;

static FOLDER: LazyLock<TempDir> = LazyLock::new(fuzz::folder);

fuzz_target!(|input: &[u8]| read::checkpoint(FOLDER.path(), input));
