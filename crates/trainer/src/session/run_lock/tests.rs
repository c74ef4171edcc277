use super::*;

#[test]
fn a_folder_is_taken_once() {
    let parent = tempfile::tempdir().unwrap();
    let path = parent.path().join("above/run");
    let lock = RunLock::take_new(&path).unwrap();
    assert!(matches!(RunLock::take(&path), Err(Error::InUse(_))));
    // Who loses removes nothing.
    assert!(matches!(RunLock::take_new(&path), Err(Error::InUse(_))));
    assert!(path.is_dir());
    drop(lock);
    let lock = RunLock::take_new(&path).unwrap();
    assert!(!lock.made && lock.warning().is_none());
    lock.remove_made();
    assert!(path.is_dir(), "another process made it");
    fs::remove_dir(&path).unwrap();
    RunLock::take_new(&path).unwrap().remove_made();
    assert!(!path.exists());
    assert!(matches!(RunLock::take(&path), Err(Error::Io { .. })));
}

#[test]
fn what_another_process_put_there_stays() {
    let parent = tempfile::tempdir().unwrap();
    let path = parent.path().join("run");
    let lock = RunLock::take_new(&path).unwrap();
    fs::write(path.join("file"), "").unwrap();
    lock.remove_made();
    assert!(path.join("file").exists());
}

#[test]
fn threads_that_start_at_once_take_it_once() {
    let parent = tempfile::tempdir().unwrap();
    for round in 0..50 {
        let path = parent.path().join(round.to_string());
        let taken: Vec<_> = std::thread::scope(|scope| {
            let start = || scope.spawn(|| RunLock::take_new(&path));
            let threads: Vec<_> = (0..4).map(|_| start()).collect();
            threads.into_iter().map(|thread| thread.join().unwrap()).collect()
        });
        assert_eq!(taken.iter().filter(|lock| lock.is_ok()).count(), 1, "{taken:?}");
        assert!(path.is_dir());
    }
}

#[test]
fn a_lock_file_holds_while_its_process_lives() {
    let parent = tempfile::tempdir().unwrap();
    let path = parent.path();
    let lock_file = lock_by_file(path).unwrap();
    let error = lock_by_file(path).unwrap_err().to_string();
    let by = format!("process {} on ", std::process::id());
    assert!(error.contains("lock.json") && error.contains(&by), "{error}");
    // This process itself may lock the folder.
    refuse_living(path).unwrap();
    let put = |holder: &Holder| {
        fs::write(&lock_file, serde_json::to_vec(holder).unwrap()).unwrap();
    };
    // One that has ended, and whose number another one has now.
    let ended = Holder { started: 1, ..Holder::this_process() };
    put(&ended);
    lock_by_file(path).unwrap();
    assert_eq!(holder(&lock_file).unwrap().unwrap().unwrap(), Holder::this_process());
    // Before the host was started again.
    put(&Holder { boot: "earlier".to_owned(), ..Holder::this_process() });
    lock_by_file(path).unwrap();
    // Of another host nothing is known; where the folder can be locked, that counts.
    put(&Holder { host: "elsewhere".to_owned(), ..Holder::this_process() });
    assert!(matches!(lock_by_file(path), Err(Error::Held { .. })));
    refuse_living(path).unwrap();
    // Another process of this host.
    let init = Holder { process: 1, started: started(1).unwrap(), ..Holder::this_process() };
    put(&init);
    assert!(matches!(refuse_living(path), Err(Error::Held { .. })));
    fs::write(&lock_file, "").unwrap();
    assert!(matches!(lock_by_file(path), Err(Error::Held { .. })));
    let names: Vec<_> =
        fs::read_dir(path).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    assert_eq!(names, [file::LOCK]);
}

#[test]
fn a_lock_file_that_another_process_put_there_is_put_back() {
    let parent = tempfile::tempdir().unwrap();
    let lock_file = lock_by_file(parent.path()).unwrap();
    take_away(&lock_file, &Holder { started: 1, ..Holder::this_process() }).unwrap();
    assert!(lock_file.exists());
    take_away(&lock_file, &Holder::this_process()).unwrap();
    assert!(!lock_file.exists());
    take_away(&lock_file, &Holder::this_process()).unwrap();
}
