//! What the targets share: a folder in memory, and what holds of every set that opens.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Mutex;

use dataset::{Error, OpenOptions};
use tempfile::TempDir;

#[path = "../../crates/dataset/tests/fixtures/usable.rs"]
mod usable;

/// A temporary folder, in memory where the system has such a place.
pub fn folder() -> TempDir {
    let memory = Path::new("/dev/shm");
    if memory.is_dir() {
        tempfile::tempdir_in(memory).expect("a folder")
    } else {
        tempfile::tempdir().expect("a folder")
    }
}

/// Writes the files of `input` into `dir`. Each begins with a line `=X`, where `X` is the place of
/// its name in `names` (a letter from `a` on); what goes before the first such line is the first
/// file.
pub fn put_files(dir: &Path, names: &[&str], input: &[u8]) {
    for name in names {
        let _ = fs::remove_file(dir.join(name));
    }
    let mut name = names[0];
    let mut content = Vec::new();
    for line in input.split_inclusive(|&byte| byte == b'\n') {
        match line {
            [b'=', letter, b'\n'] if usize::from(letter.wrapping_sub(b'a')) < names.len() => {
                put(&dir.join(name), &mut content);
                name = names[usize::from(letter - b'a')];
            }
            line => content.extend(line),
        }
    }
    // The line break before the next `=X` belongs to nobody.
    put(&dir.join(name), &mut content);
}

fn put(path: &Path, content: &mut Vec<u8>) {
    if content.last() == Some(&b'\n') {
        content.pop();
    }
    if !content.is_empty() {
        fs::write(path, &content).expect("a file");
    }
    content.clear();
}

/// Opens `dir`, with a cache beside it, and checks what comes of it.
pub fn open(dir: &Path, cache: PathBuf, leave_out: bool) {
    let lines = Mutex::new(0);
    let note = |line: &str| {
        one_line(line);
        *lines.lock().expect("no panic") += 1;
    };
    let options = OpenOptions {
        image_size: 8,
        cache_dir: Some(cache),
        left_out: if leave_out { Some(&note) } else { None },
        ..Default::default()
    };
    match dataset::open(dir, &options) {
        Ok(set) => usable::check(&set),
        Err(error) => check_error(&error, dir),
    }
}

fn check_error(error: &Error, dir: &Path) {
    let message = error.to_string();
    one_line(&message);
    assert!(message.contains(&dir.display().to_string()), "{message}");
}

/// Messages are one line each.
pub fn one_line(message: &str) {
    assert!(!message.contains('\n'), "{message:?}");
}

/// Opens the archive `name` with the content `input` in `folder`, and checks what comes of it, with
/// and without what is damaged.
pub fn open_archive(folder: &Path, name: &str, input: &[u8]) {
    let (archive, cache) = (folder.join(name), folder.join("cache"));
    let _ = fs::remove_dir_all(&cache);
    fs::write(&archive, input).expect("a file");
    for leave_out in [false, true] {
        open(&archive, cache.clone(), leave_out);
    }
}
