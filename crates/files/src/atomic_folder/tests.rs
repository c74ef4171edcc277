use super::*;

#[test]
fn a_folder_appears_as_a_whole() {
    let root = tempfile::tempdir().unwrap();
    let (new, empty) = (root.path().join("above/new"), root.path().join("above/empty"));
    fs::create_dir_all(&empty).unwrap();
    for path in [&new, &empty] {
        let folder = AtomicFolder::create(path).unwrap();
        fs::create_dir(folder.path().join("in")).unwrap();
        fs::write(folder.path().join("in/file"), "content").unwrap();
        assert!(!path.join("in").exists());
        folder.commit().unwrap();
        assert_eq!(fs::read(path.join("in/file")).unwrap(), b"content");
    }
    assert_eq!(fs::read_dir(root.path().join("above")).unwrap().count(), 2);
}

#[test]
fn nothing_stays_of_a_folder_that_is_not_committed() {
    let root = tempfile::tempdir().unwrap();
    let folder = AtomicFolder::create(&root.path().join("folder")).unwrap();
    fs::write(folder.path().join("file"), "content").unwrap();
    drop(folder);
    assert_eq!(fs::read_dir(root.path()).unwrap().count(), 0);
}

#[test]
fn what_is_there_is_not_replaced() {
    let root = tempfile::tempdir().unwrap();
    let path = root.path().join("folder");
    let folder = AtomicFolder::create(&path).unwrap();
    // Another process is faster.
    fs::create_dir(&path).unwrap();
    fs::write(path.join("file"), "content").unwrap();
    for error in [folder.commit().unwrap_err(), AtomicFolder::create(&path).unwrap_err()] {
        assert!(matches!(&error, FolderError::NotEmpty { path: found } if *found == path));
        assert!(error.to_string().ends_with("found one with files in it"), "{error}");
    }
    let error = AtomicFolder::create(&path.join("file")).unwrap_err();
    assert!(matches!(error, FolderError::NotAFolder { .. }), "{error}");
    assert_eq!(fs::read_dir(root.path()).unwrap().count(), 1);
}

#[cfg(unix)]
#[test]
fn others_may_read_it_as_any_folder() {
    use std::os::unix::fs::PermissionsExt;
    let root = tempfile::tempdir().unwrap();
    let (ours, any) = (root.path().join("ours"), root.path().join("any"));
    AtomicFolder::create(&ours).unwrap().commit().unwrap();
    fs::create_dir(&any).unwrap();
    let mode = |path| fs::metadata(path).unwrap().permissions().mode();
    assert_eq!(mode(&ours), mode(&any));
}
