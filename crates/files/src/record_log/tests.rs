use std::fs;

use super::*;

#[test]
fn records_follow_what_is_there() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("log");
    fs::write(&path, "a\n").unwrap();
    let mut file = RecordLog::open(&path).unwrap();
    file.append(b"b\n").unwrap();
    file.sync().unwrap();
    assert_eq!(fs::read_to_string(&path).unwrap(), "a\nb\n");
}

#[test]
fn a_file_that_cannot_be_opened_is_an_error() {
    let folder = tempfile::tempdir().unwrap();
    let error = RecordLog::open(folder.path()).unwrap_err().to_string();
    assert!(error.contains(": cannot open: "), "{error}");
}

#[cfg(target_os = "linux")]
#[test]
fn a_full_device_is_an_error() {
    let mut file = RecordLog::open(Path::new("/dev/full")).unwrap();
    let error = file.append(b"record").unwrap_err().to_string();
    assert!(error.starts_with("/dev/full: cannot write: "), "{error}");
}
