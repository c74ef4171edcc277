//! Whatever an archive holds, nothing is written but the known files in their folder.

use std::fs;
use std::path::Path;

use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::Index;

use super::any_archive::{self, names};

/// Unpacks into a folder of its own; whether it was what it should be.
fn unpack(tar: &[u8]) -> bool {
    any_archive::unpack(tempfile::tempdir().unwrap().path(), tar)
}

fn seeds() -> Vec<(String, Vec<u8>)> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../fuzz/corpus/untar");
    let name = |name: String| (name.clone(), fs::read(folder.join(name)).unwrap());
    names(&folder).into_iter().map(name).collect()
}

#[test]
fn seeds_are_unpacked_or_refused() {
    for (name, tar) in seeds() {
        assert_eq!(unpack(&tar), name == "whole.tar", "{name}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn damaged_archives(
        seed in any::<Index>(),
        edits in vec((any::<Index>(), any::<u8>()), 0..6),
        cut in any::<Option<Index>>(),
    ) {
        let (_, mut tar) = seed.get(&seeds()).clone();
        for (index, byte) in edits {
            let at = index.index(tar.len());
            tar[at] = byte;
        }
        if let Some(cut) = cut {
            tar.truncate(cut.index(tar.len() + 1));
        }
        unpack(&tar);
    }
}
