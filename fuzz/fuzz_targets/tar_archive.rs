//! A tar archive of images: read, or refused in one line.
#![no_main]

use std::sync::LazyLock;

use libfuzzer_sys::fuzz_target;
use tempfile::TempDir;

static FOLDER: LazyLock<TempDir> = LazyLock::new(fuzz::folder);

fuzz_target!(|input: &[u8]| fuzz::open_archive(FOLDER.path(), "any.tar", input));
