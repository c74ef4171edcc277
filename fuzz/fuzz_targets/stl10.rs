//! A folder of STL-10 binaries: images, labels, shape, class names, folds and names of images.
#![no_main]

use std::sync::LazyLock;

use libfuzzer_sys::fuzz_target;
use tempfile::TempDir;

static FOLDER: LazyLock<TempDir> = LazyLock::new(fuzz::folder);

fuzz_target!(|input: &[u8]| fuzz::stl10(FOLDER.path(), input));
