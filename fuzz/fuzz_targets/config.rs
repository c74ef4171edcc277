//! The JSON of a configuration: read, checked, written and read again; and one setting changed.
#![no_main]

use libfuzzer_sys::fuzz_target;

#[allow(dead_code)]
#[path = "../../crates/trainer/tests/read/mod.rs"]
mod read;

fuzz_target!(|input: &[u8]| read::config(input));
