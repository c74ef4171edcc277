//! Whatever the archive, nothing is written but the known files in their folder. Called by the
//! tests and by a fuzz target.

use std::fs::{self, File};
use std::io::Write;
use std::path::Path;

use flate2::Compression;
use flate2::write::GzEncoder;

use super::archive::{Archive, Member};
use super::unpack;

const ARCHIVE: Archive = Archive {
    url: "",
    bytes: 0,
    sha256: "",
    folder: "set",
    members: &[
        Member { name: "a.bin", bytes: 4, md5: Some("e2fc714c4727ee9395f324cd2e7f331f") },
        Member { name: "b.txt", bytes: 1 << 10, md5: None },
    ],
};

/// The names in a folder, sorted.
pub fn names(dir: &Path) -> Vec<String> {
    let entries = fs::read_dir(dir).unwrap();
    let mut names: Vec<String> =
        entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

/// Compresses `tar` and unpacks it again, both in `folder`. Returns whether it was accepted.
pub fn unpack(folder: &Path, tar: &[u8]) -> bool {
    let (path, target) = (folder.join("archive"), folder.join("target"));
    let _ = fs::remove_dir_all(&target);
    fs::create_dir(&target).unwrap();
    let mut archive = GzEncoder::new(File::create(&path).unwrap(), Compression::none());
    archive.write_all(tar).unwrap();
    archive.finish().unwrap();
    let accepted = unpack::unpack(&ARCHIVE, &path, &target).is_ok();
    assert_eq!(names(folder), ["archive", "target"]);
    let written = names(&target);
    assert!(written.iter().all(|name| name == "a.bin" || name == "b.txt"), "{written:?}");
    if accepted {
        assert_eq!(fs::read(target.join("a.bin")).unwrap(), b"abcd");
        assert!(fs::metadata(target.join("b.txt")).unwrap().len() <= 1 << 10);
    }
    accepted
}
