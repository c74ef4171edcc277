//! What holds of unpacking, whatever the archive: nothing is written but the known files in their
//! folder. A fuzz target asks for it too.

use std::fs::{self, File};
use std::io::Write;
use std::path::Path;

use flate2::Compression;
use flate2::write::GzEncoder;

use super::archive::{Archive, Member, Size};
use super::unpack;

const fn member(name: &'static str, size: Size) -> Member {
    Member { name, size, md5: None }
}

const ARCHIVE: Archive = Archive {
    url: "",
    bytes: 0,
    md5: "",
    folder: "set",
    members: &[member("a.bin", Size::Exactly(4)), member("b.txt", Size::AtMost(1 << 10))],
};

/// The names in a folder, in order.
pub fn names(dir: &Path) -> Vec<String> {
    let entries = fs::read_dir(dir).expect("a folder").map(|entry| entry.expect("an entry"));
    let mut names: Vec<_> =
        entries.map(|entry| entry.file_name().into_string().expect("UTF-8")).collect();
    names.sort();
    names
}

/// Packs `tar` and unpacks it again, both in `folder`; whether it was what it should be.
pub fn unpack(folder: &Path, tar: &[u8]) -> bool {
    let (path, target) = (folder.join("archive"), folder.join("target"));
    let _ = fs::remove_dir_all(&target);
    fs::create_dir(&target).expect("a folder");
    let mut archive = GzEncoder::new(File::create(&path).expect("a file"), Compression::none());
    archive.write_all(tar).expect("room");
    archive.finish().expect("room");
    let unpacked = unpack::unpack(&ARCHIVE, &path, &target);
    assert_eq!(names(folder), ["archive", "target"]);
    let written = names(&target);
    let known = |name: &String| ["a.bin", "b.txt"].contains(&name.as_str());
    assert!(written.iter().all(known), "{written:?}");
    if unpacked.is_ok() {
        assert_eq!(written, ["a.bin", "b.txt"]);
        let length = |name| fs::metadata(target.join(name)).expect("a file").len();
        assert!(length("a.bin") == 4 && length("b.txt") <= 1 << 10);
    }
    unpacked.is_ok()
}
