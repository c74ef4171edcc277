//! The archive of STL-10: whatever it holds, nothing is written but the known files in their folder.
#![no_main]

use std::fs::{self, File};
use std::io::Write;
use std::sync::LazyLock;

use flate2::Compression;
use flate2::write::GzEncoder;
use libfuzzer_sys::fuzz_target;
use tempfile::TempDir;

#[allow(dead_code)]
#[path = "../../xtask/src/digest.rs"]
mod digest;
#[allow(dead_code)]
#[path = "../../xtask/src/scratch.rs"]
mod scratch;
#[allow(dead_code)]
#[path = "../../xtask/src/stl10"]
mod stl10 {
    pub mod archive;
    pub mod unpack;
}

use stl10::archive::{Archive, Member, Size};

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

const fn member(name: &'static str, size: Size) -> Member {
    Member {
        name,
        size,
        md5: None,
    }
}

static FOLDER: LazyLock<TempDir> = LazyLock::new(fuzz::folder);

fuzz_target!(|input: &[u8]| {
    let (path, target) = (FOLDER.path().join("archive"), FOLDER.path().join("target"));
    let _ = fs::remove_dir_all(&target);
    fs::create_dir(&target).expect("a folder");
    let mut archive = GzEncoder::new(File::create(&path).expect("a file"), Compression::none());
    archive.write_all(input).expect("room");
    archive.finish().expect("room");
    let unpacked = stl10::unpack::unpack(&ARCHIVE, &path, &target);
    let names = |dir| -> Vec<String> {
        let entries = fs::read_dir(dir)
            .expect("a folder")
            .map(|entry| entry.expect("an entry"));
        let mut names: Vec<_> = entries
            .map(|entry| entry.file_name().into_string().expect("UTF-8"))
            .collect();
        names.sort();
        names
    };
    assert_eq!(names(FOLDER.path()), ["archive", "target"]);
    let written = names(&target);
    assert!(
        written
            .iter()
            .all(|name| ["a.bin", "b.txt"].contains(&name.as_str())),
        "{written:?}"
    );
    if unpacked.is_ok() {
        assert_eq!(written, ["a.bin", "b.txt"]);
        assert_eq!(fs::metadata(target.join("a.bin")).expect("a file").len(), 4);
        assert!(fs::metadata(target.join("b.txt")).expect("a file").len() <= 1 << 10);
    }
});
