//! A Parquet file of images: read, or refused in one line.
#![no_main]

use std::panic;
use std::sync::LazyLock;

use libfuzzer_sys::fuzz_target;
use tempfile::TempDir;

static FOLDER: LazyLock<TempDir> = LazyLock::new(fuzz::folder);

// Where the decoder panics, that is caught and becomes an error. The fuzzer would end at once, in a
// panic hook, so there is another one; what isn't caught still ends it.
fuzz_target!(
    init: panic::set_hook(Box::new(|panic| eprintln!("{panic}"))),
    |input: &[u8]| fuzz::open_archive(FOLDER.path(), "any.parquet", input)
);
