//! Whatever the bytes of a run folder are, it is shown, or refused by a line that names it.

#[path = "../../../fuzz/src/corpus.rs"]
mod corpus;
#[path = "../../../fuzz/src/put_files.rs"]
mod put_files;
mod read;

use corpus::{damage, seeds};
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::Index;
use put_files::put_files;

/// What takes the place of a value.
const VALUES: [&str; 8] =
    ["0", "-1", "1e999", "18446744073709551615", "null", "[]", "\"<b>\"", "0.5"];

/// A seed with bytes overwritten, values replaced, and cut somewhere or not.
fn damaged() -> impl Strategy<Value = Vec<u8>> {
    let edits = vec((any::<Index>(), any::<u8>()), 0..4);
    let replaced = vec((any::<Index>(), proptest::sample::select(&VALUES[..])), 0..4);
    (any::<Index>(), edits, replaced, any::<Option<Index>>()).prop_map(
        |(seed, edits, replaced, cut)| {
            let mut bytes = seed.get(&seeds("run_folder")).clone();
            for (index, value) in replaced {
                // The next value after a colon.
                let at = index.index(bytes.len());
                let colon = bytes[at..].iter().position(|&byte| byte == b':');
                let Some(start) = colon.map(|colon| at + colon + 1) else { continue };
                let ends = |byte: &u8| b",]}\n".contains(byte);
                let length = bytes[start..].iter().position(ends).unwrap_or(0);
                bytes.splice(start..start + length, value.bytes());
            }
            damage(&mut bytes, edits, cut);
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
    seeds("run_folder").iter().for_each(|seed| read(seed));
    let folder = tempfile::tempdir().unwrap();
    put_files(folder.path(), &read::NAMES, &seeds("run_folder")[0]);
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
