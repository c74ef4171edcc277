//! The archive of STL-10: whatever it holds, nothing is written but the known files in their
//! folder.
#![no_main]

use std::sync::LazyLock;

use libfuzzer_sys::fuzz_target;
use tempfile::TempDir;

#[allow(dead_code)]
#[path = "../../xtask/src/stl10"]
mod stl10 {
    pub mod any_archive;
    pub mod archive;
    pub mod unpack;
}

static FOLDER: LazyLock<TempDir> = LazyLock::new(fuzz::folder);

fuzz_target!(|input: &[u8]| {
    stl10::any_archive::unpack(FOLDER.path(), input);
});
