//! Folders that must not outlive the work they are for: removed on success, on error and on Ctrl-C.
//!
//! Their names are fixed, so that what a kill or a power cut leaves behind is found and removed by
//! the next run.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use anyhow::Context;
use signal_hook::consts::{SIGINT, SIGTERM};
use signal_hook::iterator::Signals;

/// How many scratch folders there are.
static LIVE: AtomicUsize = AtomicUsize::new(0);

/// Whether the user wants this to end.
static INTERRUPTED: AtomicBool = AtomicBool::new(false);

/// A folder that is removed, with what is in it, when this value goes.
pub struct Scratch {
    path: PathBuf,
}

impl Scratch {
    /// Makes an empty folder at `path`, in place of whatever an earlier run left there.
    ///
    /// # Errors
    /// When the old one can't be removed or the new one can't be made.
    pub fn create(path: PathBuf) -> anyhow::Result<Self> {
        let made = remove(&path).and_then(|()| fs::create_dir_all(&path));
        made.with_context(|| format!("cannot make the folder {}", path.display()))?;
        LIVE.fetch_add(1, Ordering::SeqCst);
        Ok(Self { path })
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Moves the finished folder to `target`, in place of whatever stands there.
    ///
    /// # Errors
    /// When the old one can't be moved away or the new one can't be moved in.
    pub fn publish(self, target: &Path) -> anyhow::Result<()> {
        // A folder can't be renamed over a full one. Moving the old one to a scratch name first
        // keeps the time without either to the moment between two renames.
        let mut old = target.as_os_str().to_owned();
        old.push(".old");
        let old = PathBuf::from(old);
        let moved = remove(&old)
            .and_then(|()| if target.exists() { fs::rename(target, &old) } else { Ok(()) })
            .and_then(|()| fs::rename(&self.path, target))
            .and_then(|()| remove(&old));
        moved.with_context(|| format!("cannot move into place: {}", target.display()))
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        // Best effort: a failure here leaves a folder whose name the next run clears.
        let _ = remove(&self.path);
        LIVE.fetch_sub(1, Ordering::SeqCst);
    }
}

/// Makes Ctrl-C and a polite kill end the process with code 130: at once where nothing is
/// half-written, else as soon as the writer, which reads its source through [`Interruptible`], has
/// cleaned up. A second one does not wait.
///
/// # Errors
/// When the signal handler can't be installed.
pub fn handle_interrupts() -> anyhow::Result<()> {
    let mut signals = Signals::new([SIGINT, SIGTERM]).context("cannot handle Ctrl-C")?;
    std::thread::spawn(move || {
        for _ in signals.forever() {
            let again = INTERRUPTED.swap(true, Ordering::SeqCst);
            if again || LIVE.load(Ordering::SeqCst) == 0 {
                std::process::exit(130);
            }
        }
    });
    Ok(())
}

/// Whether the user wants this to end.
pub fn interrupted() -> bool {
    INTERRUPTED.load(Ordering::SeqCst)
}

/// A source that fails once the user has pressed Ctrl-C.
pub struct Interruptible<R>(pub R);

impl<R: io::Read> io::Read for Interruptible<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if interrupted() {
            // Not `ErrorKind::Interrupted`, upon which readers try again.
            return Err(io::Error::other("interrupted"));
        }
        self.0.read(buffer)
    }
}

/// Removes a folder if it is there.
fn remove(path: &Path) -> io::Result<()> {
    match fs::remove_dir_all(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn starts_empty_and_goes_when_dropped() {
        let root = tempfile::tempdir().unwrap();
        let path = root.path().join("half");
        fs::create_dir_all(path.join("left/over")).unwrap();
        let scratch = Scratch::create(path.clone()).unwrap();
        assert_eq!(fs::read_dir(scratch.path()).unwrap().count(), 0);
        drop(scratch);
        assert!(!path.exists());
    }

    #[test]
    fn publishing_replaces_a_full_folder() {
        let root = tempfile::tempdir().unwrap();
        let target = root.path().join("done");
        fs::create_dir_all(target.join("old")).unwrap();
        let scratch = Scratch::create(root.path().join("half")).unwrap();
        fs::write(scratch.path().join("new"), "").unwrap();
        scratch.publish(&target).unwrap();
        let names = |path: &Path| -> Vec<_> {
            fs::read_dir(path).unwrap().map(|entry| entry.unwrap().file_name()).collect()
        };
        assert_eq!(names(&target), ["new"]);
        assert_eq!(names(root.path()), ["done"]);
    }
}
