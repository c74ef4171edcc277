//! A checkpoint: the header of the safetensors file, and the header in it.
#![no_main]

use std::fs;
use std::sync::LazyLock;

use libfuzzer_sys::fuzz_target;
use tempfile::TempDir;
use trainer::checkpoint;

static FOLDER: LazyLock<TempDir> = LazyLock::new(fuzz::folder);

fuzz_target!(|input: &[u8]| {
    let path = FOLDER.path().join("step-000000001.safetensors");
    fs::write(&path, input).expect("a file");
    match checkpoint::load_into(&path, "", Vec::new()) {
        Ok(header) => assert_eq!(header.format, 2),
        Err(error) => {
            let message = error.to_string();
            fuzz::one_line(&message);
            assert!(message.contains("step-000000001.safetensors"), "{message}");
        }
    }
});
