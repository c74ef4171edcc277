//! Whatever an archive holds, nothing is written but the known files in their folder.

use std::fs::{self, File};
use std::io::Write;
use std::path::Path;

use flate2::Compression;
use flate2::write::GzEncoder;
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::Index;

use super::archive::{Member, Size};
use super::*;

const fn member(name: &'static str, size: Size) -> Member {
    Member {
        name,
        size,
        md5: None,
    }
}

const ARCHIVE: Archive = Archive {
    url: "",
    bytes: 0,
    md5: "",
    folder: "set",
    members: &[
        member("a.bin", Size::Exactly(4)),
        member("b.txt", Size::AtMost(1 << 10)),
    ],
};

fn names(dir: &Path) -> Vec<String> {
    let entries = fs::read_dir(dir).unwrap().map(|entry| entry.unwrap());
    let mut names: Vec<_> = entries
        .map(|entry| entry.file_name().into_string().unwrap())
        .collect();
    names.sort();
    names
}

/// Unpacks; whether it was what it should be.
fn unpack(tar: &[u8]) -> bool {
    let folder = tempfile::tempdir().unwrap();
    let (path, target) = (folder.path().join("archive"), folder.path().join("target"));
    fs::create_dir(&target).unwrap();
    let mut archive = GzEncoder::new(File::create(&path).unwrap(), Compression::none());
    archive.write_all(tar).unwrap();
    archive.finish().unwrap();
    let unpacked = unpack::unpack(&ARCHIVE, &path, &target);
    assert_eq!(names(folder.path()), ["archive", "target"]);
    let written = names(&target);
    let known = |name: &String| ["a.bin", "b.txt"].contains(&name.as_str());
    assert!(written.iter().all(known), "{written:?}");
    if unpacked.is_ok() {
        assert_eq!(written, ["a.bin", "b.txt"]);
        assert_eq!(fs::metadata(target.join("a.bin")).unwrap().len(), 4);
    }
    unpacked.is_ok()
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
