use std::fs;

use super::*;
use crate::{is_partial, remove_partial};

#[test]
fn what_cannot_be_written_is_known_before() {
    let folder = tempfile::tempdir().unwrap();
    check_writable(&folder.path().join("out.json")).unwrap();
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0);
    let missing = check_writable(&folder.path().join("no/out.json")).unwrap_err();
    assert!(missing.to_string().contains("no/out.json: expected a file that can be written"));
    let error = check_writable(folder.path()).unwrap_err().to_string();
    assert!(error.ends_with("found a folder"), "{error}");
    let long = check_writable(&folder.path().join("x".repeat(256))).unwrap_err().to_string();
    assert!(long.contains("x: expected a file that can be written"), "{long}");
}

#[test]
fn a_file_is_replaced_as_a_whole_and_nothing_stays_beside_it() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("file");
    write(&path, b"first").unwrap();
    write(&path, b"second").unwrap();
    assert_eq!(fs::read(&path).unwrap(), b"second");
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
    let path = folder.path().join("absent/file");
    let error = write(&path, b"").unwrap_err();
    assert_eq!((error.path.as_path(), error.action), (path.as_path(), "write"));
}

#[test]
fn nothing_stays_of_a_file_that_is_not_committed() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("file");
    write(&path, b"first").unwrap();
    let mut file = AtomicFile::create(&path).unwrap();
    file.write_all(b"second").unwrap();
    file.sync().unwrap();
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 2);
    assert_eq!(fs::read(&path).unwrap(), b"first");
    drop(file);
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
}

#[test]
fn what_a_killed_process_left_is_deleted_and_what_is_being_written_is_not() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join(".partial-left"), "half").unwrap();
    fs::write(folder.path().join("other"), "whole").unwrap();
    let path = folder.path().join("file");
    let mut file = AtomicFile::create(&path).unwrap();
    remove_partial(folder.path());
    file.write_all(b"whole").unwrap();
    file.commit().unwrap();
    assert_eq!(fs::read(&path).unwrap(), b"whole");
    let names = fs::read_dir(folder.path()).unwrap().map(|entry| entry.unwrap().file_name());
    let mut names: Vec<_> = names.collect();
    names.sort();
    assert_eq!(names, ["file", "other"]);
    assert!(is_partial(".partial-left".as_ref()) && !is_partial("partial-left".as_ref()));
    // There may be no such folder.
    remove_partial(&folder.path().join("absent"));
}

#[cfg(unix)]
#[test]
fn others_may_read_it_as_any_file() {
    use std::os::unix::fs::PermissionsExt;
    let folder = tempfile::tempdir().unwrap();
    let (ours, any) = (folder.path().join("ours"), folder.path().join("any"));
    write(&ours, b"").unwrap();
    fs::write(&any, b"").unwrap();
    let mode = |path| fs::metadata(path).unwrap().permissions().mode();
    assert_eq!(mode(&ours), mode(&any));
}

#[cfg(unix)]
#[test]
fn the_permissions_of_a_replaced_file_are_kept() {
    use std::os::unix::fs::PermissionsExt;
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("secret");
    fs::write(&path, "first").unwrap();
    fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).unwrap();
    write(&path, b"second").unwrap();
    assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
    assert_eq!(fs::read(&path).unwrap(), b"second");
}

#[cfg(unix)]
#[test]
fn links_are_followed_and_stay() {
    use std::os::unix::fs::symlink;
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name);
    fs::create_dir(at("other")).unwrap();
    symlink("other/file", at("link")).unwrap();
    symlink("link", at("link of link")).unwrap();
    // The first time to a file that isn't there yet.
    for text in ["first", "second"] {
        check_writable(&at("link of link")).unwrap();
        write(&at("link of link"), text.as_bytes()).unwrap();
        assert_eq!(fs::read_to_string(at("other/file")).unwrap(), text);
        assert!(at("link").is_symlink() && at("link of link").is_symlink());
        assert_eq!(fs::read_dir(at("other")).unwrap().count(), 1);
    }
    symlink("round", at("round")).unwrap();
    assert!(check_writable(&at("round")).is_err());
    assert!(write(&at("round"), b"").is_err());
}

#[cfg(unix)]
#[test]
fn a_pipe_is_written_to_and_not_replaced() {
    use std::os::unix::fs::FileTypeExt;
    let folder = tempfile::tempdir().unwrap();
    let pipe = folder.path().join("pipe");
    assert!(std::process::Command::new("mkfifo").arg(&pipe).status().unwrap().success());
    check_writable(&pipe).unwrap();
    let reader = {
        let pipe = pipe.clone();
        std::thread::spawn(move || fs::read(pipe).unwrap())
    };
    write(&pipe, b"content").unwrap();
    assert_eq!(reader.join().unwrap(), b"content");
    assert!(pipe.metadata().unwrap().file_type().is_fifo());
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
}

#[cfg(target_os = "linux")]
#[test]
fn a_device_is_written_to_and_not_replaced() {
    use std::os::unix::fs::{FileTypeExt, symlink};
    let folder = tempfile::tempdir().unwrap();
    let null = folder.path().join("null");
    symlink("/dev/null", &null).unwrap();
    check_writable(&null).unwrap();
    write(&null, b"content").unwrap();
    assert!(null.is_symlink());
    assert!(Path::new("/dev/null").metadata().unwrap().file_type().is_char_device());
    let full = folder.path().join("full");
    symlink("/dev/full", &full).unwrap();
    assert!(write(&full, b"content").is_err());
}
