//! A folder of CIFAR-10 binaries.
#![no_main]

use std::sync::LazyLock;

use libfuzzer_sys::fuzz_target;
use tempfile::TempDir;

static FOLDER: LazyLock<TempDir> = LazyLock::new(fuzz::folder);

fuzz_target!(|input: &[u8]| fuzz::cifar10(FOLDER.path(), input));
