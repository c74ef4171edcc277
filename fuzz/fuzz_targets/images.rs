//! An image file among good ones, decoded or left out.
#![no_main]

use std::fs;
use std::sync::LazyLock;

use libfuzzer_sys::fuzz_target;
use tempfile::TempDir;

static FOLDER: LazyLock<TempDir> = LazyLock::new(|| {
    let folder = fuzz::folder();
    let images = folder.path().join("images");
    fs::create_dir(&images).expect("a folder");
    fs::write(images.join("good.png"), include_bytes!("../corpus/images/good.png"))
        .expect("a file");
    folder
});

fuzz_target!(|input: &[u8]| {
    let (images, cache) = (FOLDER.path().join("images"), FOLDER.path().join("cache"));
    let _ = fs::remove_dir_all(&cache);
    fs::write(images.join("any.jpg"), input).expect("a file");
    fuzz::open(&images, cache, true);
});
