use super::*;

#[test]
fn only_not_found_is_absence() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("file");
    assert_eq!(if_exists(read(&path)).unwrap(), None);
    assert_eq!(if_exists(list(&path)).unwrap(), None);
    assert!(!exists(&path).unwrap());
    remove_if_exists(&path).unwrap();
    fs::write(&path, "text").unwrap();
    assert_eq!(if_exists(read(&path)).unwrap().unwrap(), b"text");
    assert_eq!(list(folder.path()).unwrap(), std::slice::from_ref(&path));
    // A path through a file, and a folder in the place of a file.
    let through = path.join("in");
    for error in [
        if_exists(read(&through)).unwrap_err(),
        if_exists(read(folder.path())).unwrap_err(),
        if_exists(list(&path)).unwrap_err(),
        exists(&through).unwrap_err(),
        remove_if_exists(folder.path()).unwrap_err(),
    ] {
        assert!(!error.to_string().contains('\n'), "{error}");
    }
    remove_if_exists(&path).unwrap();
    assert!(!exists(&path).unwrap());
}

#[test]
fn bytes_that_are_no_text_are_an_error() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("file");
    fs::write(&path, [0xff]).unwrap();
    let error = read_text(&path).unwrap_err();
    assert_eq!(error.source.kind(), io::ErrorKind::InvalidData);
    assert!(error.to_string().ends_with("file: cannot read: bytes that are no UTF-8"), "{error}");
    fs::write(&path, "é").unwrap();
    assert_eq!(read_text(&path).unwrap(), "é");
}

#[cfg(unix)]
#[test]
fn what_has_no_end_is_not_read() {
    let folder = tempfile::tempdir().unwrap();
    let link = folder.path().join("link");
    std::os::unix::fs::symlink("/dev/zero", &link).unwrap();
    let pipe = folder.path().join("pipe");
    assert!(std::process::Command::new("mkfifo").arg(&pipe).status().unwrap().success());
    for path in [link, pipe] {
        let error = read(&path).unwrap_err().to_string();
        assert!(error.ends_with("expected a plain file, found a pipe, a socket or a device"));
    }
}

#[test]
fn a_full_disk_is_not_the_paths_fault() {
    for (error, of_path) in
        [(2, true), (13, true), (20, true), (5, false), (24, false), (28, false)]
    {
        assert_eq!(is_of_path(&io::Error::from_raw_os_error(error)), of_path, "{error}");
    }
}
