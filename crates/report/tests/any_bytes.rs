//! Whatever the bytes of a run folder are, it is shown, or refused by a line that names it.

#[path = "../../../fuzz/src/put_files.rs"]
mod put_files;
mod read;

use std::fs;
use std::path::Path;

use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::Index;
use put_files::put_files;

/// The seeds of the fuzz target.
fn seeds() -> Vec<Vec<u8>> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fuzz/corpus/run_folder");
    let mut paths: Vec<_> =
        fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    paths.sort();
    paths.iter().map(|path| fs::read(path).unwrap()).collect()
}

/// What takes the place of a value.
const VALUES: [&str; 8] =
    ["0", "-1", "1e999", "18446744073709551615", "null", "[]", "\"<b>\"", "0.5"];

/// A seed with bytes overwritten, values replaced, and cut somewhere or not.
fn damaged() -> impl Strategy<Value = Vec<u8>> {
    let edits = vec((any::<Index>(), any::<u8>()), 0..4);
    let replaced = vec((any::<Index>(), proptest::sample::select(&VALUES[..])), 0..4);
    (any::<Index>(), edits, replaced, any::<Option<Index>>()).prop_map(
        |(seed, edits, replaced, cut)| {
            let mut bytes = seed.get(&seeds()).clone();
            for (index, value) in replaced {
                // The next value after a colon.
                let at = index.index(bytes.len());
                let colon = bytes[at..].iter().position(|&byte| byte == b':');
                let Some(start) = colon.map(|colon| at + colon + 1) else { continue };
                let ends = |byte: &u8| b",]}\n".contains(byte);
                let length = bytes[start..].iter().position(ends).unwrap_or(0);
                bytes.splice(start..start + length, value.bytes());
            }
            for (index, byte) in edits {
                let at = index.index(bytes.len());
                bytes[at] = byte;
            }
            if let Some(cut) = cut {
                bytes.truncate(cut.index(bytes.len() + 1));
            }
            bytes
        },
    )
}

fn read(bytes: &[u8]) {
    let folder = tempfile::tempdir().unwrap();
    put_files(folder.path(), &read::NAMES, bytes);
    read::run_folder(folder.path());
}

#[test]
fn seeds_are_read() {
    seeds().iter().for_each(|seed| read(seed));
    let folder = tempfile::tempdir().unwrap();
    put_files(folder.path(), &read::NAMES, &seeds()[0]);
    let finished = report::Run::read(folder.path()).unwrap();
    assert!(finished.finished(), "a seed that is a whole run");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn of_a_run_folder(bytes in damaged()) {
        read(&bytes);
    }
}
