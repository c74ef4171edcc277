//! Temporary folders, removed on success, on error and on Ctrl-C.
//!
//! Their names are fixed: what a kill or a power cut leaves behind is removed by the next run.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};

use anyhow::Context;
use fs_err as fs;
use signal_hook::consts::{SIGINT, SIGTERM};
use signal_hook::iterator::Signals;

/// The scratch folders that exist.
fn live() -> MutexGuard<'static, Vec<PathBuf>> {
    static LIVE: Mutex<Vec<PathBuf>> = Mutex::new(Vec::new());
    LIVE.lock().unwrap_or_else(PoisonError::into_inner)
}

/// A folder that is removed with its content when this value is dropped.
pub struct Scratch {
    pub path: PathBuf,
}

impl Scratch {
    /// Makes an empty folder at `path`, in place of what an earlier run left there.
    pub fn create(path: PathBuf) -> io::Result<Self> {
        remove(&path)?;
        live().push(path.clone());
        fs::create_dir_all(&path)?;
        Ok(Self { path })
    }

    /// Moves the finished folder to `target`, in place of what is there.
    pub fn publish(self, target: &Path) -> io::Result<()> {
        // A folder can't be renamed over a full one. The old one gets a scratch name first, so that
        // `target` is missing only between two renames.
        let mut old = target.as_os_str().to_owned();
        old.push(".old");
        let old = PathBuf::from(old);
        remove(&old)?;
        if target.exists() {
            fs::rename(target, &old)?;
        }
        fs::rename(&self.path, target)?;
        remove(&old)
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        // Best effort: the next run removes what stays.
        let _ = remove(&self.path);
        live().retain(|path| *path != self.path);
    }
}

/// Makes SIGINT and SIGTERM remove all scratch folders and end the process with code 130.
pub fn handle_interrupts() -> anyhow::Result<()> {
    let mut signals = Signals::new([SIGINT, SIGTERM]).context("cannot handle Ctrl-C")?;
    std::thread::spawn(move || {
        signals.forever().next();
        let folders = live();
        // The main thread may still write to a folder while it is removed.
        let _ = (0..10).any(|_| folders.iter().all(|folder| remove(folder).is_ok()));
        eprintln!("interrupted");
        std::process::exit(130);
    });
    Ok(())
}

/// Removes a folder if there is one.
pub fn remove(path: &Path) -> io::Result<()> {
    match fs::remove_dir_all(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn starts_empty_and_is_removed_or_published() {
        let root = tempfile::tempdir().unwrap();
        let (half, target) = (root.path().join("half"), root.path().join("done"));
        fs::create_dir_all(half.join("left/over")).unwrap();
        let scratch = Scratch::create(half.clone()).unwrap();
        assert_eq!(fs::read_dir(&scratch.path).unwrap().count(), 0);
        drop(scratch);
        assert!(!half.exists());

        // In place of a full folder.
        fs::create_dir_all(target.join("old")).unwrap();
        let scratch = Scratch::create(half).unwrap();
        fs::write(scratch.path.join("new"), "").unwrap();
        scratch.publish(&target).unwrap();
        assert_eq!(fs::read_dir(root.path()).unwrap().count(), 1);
        assert!(target.join("new").exists() && !target.join("old").exists());
    }
}
