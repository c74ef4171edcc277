//! Whatever the bytes of a configuration, a checkpoint, a run to resume or a file of weights are,
//! it is read, or refused by an error that names it.

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
use trainer::Config;

/// A seed with some bytes overwritten, and cut somewhere or not.
fn damaged(target: &str) -> impl Strategy<Value = Vec<u8>> + use<> {
    let seeds = seeds(target);
    let edits = vec((any::<Index>(), any::<u8>()), 0..6);
    (any::<Index>(), edits, any::<Option<Index>>()).prop_map(move |(seed, edits, cut)| {
        let mut bytes = seed.get(&seeds).clone();
        damage(&mut bytes, edits, cut);
        bytes
    })
}

fn read_checkpoint(bytes: &[u8]) {
    read::checkpoint(tempfile::tempdir().unwrap().path(), bytes);
}

fn resume(bytes: &[u8]) {
    let folder = tempfile::tempdir().unwrap();
    put_files(folder.path(), &read::RESUMED, bytes);
    read::resume(folder.path());
}

fn initial_weights(bytes: &[u8]) {
    read::initial_weights(tempfile::tempdir().unwrap().path(), bytes);
}

#[test]
fn seeds_are_read() {
    seeds("resume").iter().for_each(|seed| resume(seed));
    seeds("init_weights").iter().for_each(|seed| initial_weights(seed));
    seeds("checkpoint").iter().for_each(|seed| read_checkpoint(seed));
    seeds("config").iter().for_each(|seed| read::config(seed));
    let text = String::from_utf8(seeds("config").remove(0)).unwrap();
    let document = &text[..=text.rfind('}').unwrap()];
    assert!(Config::parse(document, "a.json").is_ok(), "a seed that is a configuration");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn of_a_checkpoint(bytes in damaged("checkpoint")) {
        read_checkpoint(&bytes);
    }

    #[test]
    fn of_a_run_to_resume(bytes in damaged("resume")) {
        resume(&bytes);
    }

    #[test]
    fn of_a_file_of_weights(bytes in damaged("init_weights")) {
        initial_weights(&bytes);
    }

    #[test]
    fn of_a_configuration(bytes in damaged("config")) {
        read::config(&bytes);
    }
}
