//! The seeds of the fuzz targets, whole and with some bytes overwritten.

#[path = "../../../fuzz/src/corpus.rs"]
mod corpus;
#[path = "../../../fuzz/src/lib.rs"]
mod fuzz;

use std::path::Path;

use corpus::{damage, seeds};
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::{Index, select};

/// A target: the name of its seeds, and what it asks of an input in a folder.
type Target = (&'static str, fn(&Path, &[u8]));

const TARGETS: [Target; 6] = [
    ("stl10", fuzz::stl10),
    ("cifar10", fuzz::cifar10),
    ("images", fuzz::images),
    ("tar_archive", |folder, input| fuzz::open_archive(folder, "any.tar", input)),
    ("zip_archive", |folder, input| fuzz::open_archive(folder, "any.zip", input)),
    ("parquet_file", |folder, input| fuzz::open_archive(folder, "any.parquet", input)),
];

#[test]
fn of_every_target() {
    for (name, target) in TARGETS {
        let (folder, seeds) = (fuzz::folder(), seeds(name));
        assert!(!seeds.is_empty(), "{name}");
        seeds.iter().for_each(|seed| target(folder.path(), seed));
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(120))]

    #[test]
    fn with_bytes_overwritten(
        (name, target) in select(&TARGETS[..]),
        seed in any::<Index>(),
        edits in vec((any::<Index>(), any::<u8>()), 1..6),
    ) {
        let mut input = seed.get(&seeds(name)).clone();
        damage(&mut input, edits, None);
        target(fuzz::folder().path(), &input);
    }
}
