//! One process at a time in a run folder.

use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use run::file;
use serde::{Deserialize, Serialize};

use crate::Error;

/// Times that a lock is tried for again: its folder was replaced, or the process that held it
/// ended.
const ATTEMPTS: usize = 20;

/// The lock of a run folder, held until it is dropped or the process ends, however it does.
///
/// The folder itself is locked (`flock`), so that nothing is left behind. Where the file system has
/// no such locks, a file `lock.json` names host and process instead.
#[derive(Debug)]
pub struct RunLock {
    path: PathBuf,
    /// Whether this process made the folder.
    made: bool,
    _folder: File,
    lock_file: Option<PathBuf>,
    warning: Option<String>,
}

impl RunLock {
    /// Takes the folder at `path`.
    ///
    /// # Errors
    /// [`Error::InUse`] or [`Error::Held`] where another process has it, [`Error::Io`].
    pub fn take(path: &Path) -> Result<Self, Error> {
        Self::acquire(path, || Ok(false))
    }

    /// Makes the folder at `path` if there is none, and takes it.
    ///
    /// # Errors
    /// As [`take`](Self::take).
    pub fn take_new(path: &Path) -> Result<Self, Error> {
        if let Some(parent) = path.parent().filter(|parent| !parent.as_os_str().is_empty()) {
            fs::create_dir_all(parent).map_err(Error::io(path, "make it"))?;
        }
        Self::acquire(path, || match fs::create_dir(path) {
            Ok(()) => Ok(true),
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(false),
            Err(error) => Err(Error::io(path, "make it")(error)),
        })
    }

    fn acquire(path: &Path, make: impl Fn() -> Result<bool, Error>) -> Result<Self, Error> {
        let mut made = false;
        for _ in 0..ATTEMPTS {
            made |= make()?;
            let folder = match File::open(path) {
                Ok(folder) => folder,
                // Whoever had it did not begin a run and removed it.
                Err(error) if made && error.kind() == io::ErrorKind::NotFound => continue,
                Err(error) => return Err(Error::io(path, "open it")(error)),
            };
            let (lock_file, warning) = match folder.try_lock() {
                Ok(()) if !is_still(path, &folder)? => continue,
                Ok(()) => {
                    refuse_living(path)?;
                    (None, None)
                }
                Err(TryLockError::WouldBlock) => return Err(Error::InUse(path.to_owned())),
                Err(TryLockError::Error(error)) => {
                    let lock_file = lock_by_file(path)?;
                    let warning = format!(
                        "{}: can't lock it ({error}); {} keeps other processes out",
                        path.display(),
                        file::LOCK
                    );
                    (Some(lock_file), Some(warning))
                }
            };
            let path = path.to_owned();
            return Ok(Self { path, made, _folder: folder, lock_file, warning });
        }
        Err(Error::InUse(path.to_owned()))
    }

    /// The folder.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// What to say where the folder could not be locked as it should be.
    pub fn warning(&self) -> Option<&str> {
        self.warning.as_deref()
    }

    /// Removes the folder if this process made it and it is empty.
    pub fn remove_made(self) {
        if let Some(file) = &self.lock_file {
            let _ = fs::remove_file(file);
        }
        if self.made {
            // Still locked: whoever waits for it sees that it is gone.
            let _ = fs::remove_dir(&self.path);
        }
    }
}

impl Drop for RunLock {
    fn drop(&mut self) {
        if let Some(file) = &self.lock_file {
            let _ = fs::remove_file(file);
        }
    }
}

/// Whether `folder` is still what is at `path`: another process may have removed it meanwhile.
fn is_still(path: &Path, folder: &File) -> Result<bool, Error> {
    #[cfg(unix)]
    {
        use std::os::unix::fs::MetadataExt;
        let locked = folder.metadata().map_err(Error::io(path, "read it"))?;
        match fs::metadata(path) {
            Ok(there) => Ok((there.dev(), there.ino()) == (locked.dev(), locked.ino())),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
            Err(error) => Err(Error::io(path, "read it")(error)),
        }
    }
    #[cfg(not(unix))]
    {
        let _ = folder;
        Ok(path.is_dir())
    }
}

/// Who holds a run folder: `lock.json`.
#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Holder {
    host: String,
    /// Differs after the host was started again.
    boot: String,
    process: u32,
    /// When the process started, in clock ticks of its host: a number may be given again.
    started: u64,
}

impl Holder {
    fn this_process() -> Self {
        let text = |path: &str| fs::read_to_string(path).unwrap_or_default().trim().to_owned();
        let process = std::process::id();
        Self {
            host: text("/proc/sys/kernel/hostname"),
            boot: text("/proc/sys/kernel/random/boot_id"),
            process,
            started: started(process).unwrap_or(0),
        }
    }

    /// Whether it is a process of the host of `here`, and has ended.
    fn has_ended(&self, here: &Self) -> bool {
        let known = !here.host.is_empty() && self.host == here.host && here.started != 0;
        known && (self.boot != here.boot || started(self.process) != Some(self.started))
    }
}

/// When a process started: field 22 of its `stat`. The second is a name in parentheses, which may
/// hold anything.
fn started(process: u32) -> Option<u64> {
    let text = fs::read_to_string(format!("/proc/{process}/stat")).ok()?;
    let (_, fields) = text.rsplit_once(')')?;
    fields.split_whitespace().nth(19)?.parse().ok()
}

/// Who the lock file says has the folder; `None` where there is none. One that is still being
/// written, or was when its process was killed, names nobody.
fn holder(lock_file: &Path) -> Result<Option<Option<Holder>>, Error> {
    let text = files::if_exists(files::read(lock_file))?;
    Ok(text.map(|text| serde_json::from_slice(&text).ok()))
}

fn held(lock_file: &Path, holder: Option<&Holder>) -> Error {
    let by = match holder {
        Some(Holder { host, process, .. }) => format!("process {process} on {host}"),
        None => "a process that it doesn't name".to_owned(),
    };
    Error::Held { path: lock_file.to_owned(), by }
}

/// Where the folder can be locked, a lock file counts only while a process of this host that could
/// not lock it is alive.
fn refuse_living(path: &Path) -> Result<(), Error> {
    let (lock_file, here) = (path.join(file::LOCK), Holder::this_process());
    match holder(&lock_file)?.flatten() {
        Some(holder) if holder.host == here.host && holder != here && !holder.has_ended(&here) => {
            Err(held(&lock_file, Some(&holder)))
        }
        _ => Ok(()),
    }
}

/// Takes the folder by a lock file that names this process. That of a process which has ended is
/// removed.
fn lock_by_file(path: &Path) -> Result<PathBuf, Error> {
    let (lock_file, here) = (path.join(file::LOCK), Holder::this_process());
    let text = serde_json::to_vec(&here).expect("records are always valid JSON");
    for _ in 0..ATTEMPTS {
        match OpenOptions::new().write(true).create_new(true).open(&lock_file) {
            Ok(mut file) => {
                let written = file.write_all(&text).and_then(|()| file.sync_all());
                return match written {
                    Ok(()) => Ok(lock_file),
                    Err(error) => {
                        let _ = fs::remove_file(&lock_file);
                        Err(Error::io(&lock_file, "write it")(error))
                    }
                };
            }
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
            Err(error) => return Err(Error::io(&lock_file, "write it")(error)),
        }
        match holder(&lock_file)? {
            Some(Some(holder)) if holder.has_ended(&here) => take_away(&lock_file, &holder)?,
            Some(holder) => return Err(held(&lock_file, holder.as_ref())),
            None => {}
        }
    }
    Err(Error::InUse(path.to_owned()))
}

/// Removes the lock file of `ended`, unless another process has done so and put its own there.
fn take_away(lock_file: &Path, ended: &Holder) -> Result<(), Error> {
    let aside = lock_file.with_extension(format!("{}.ended", std::process::id()));
    match fs::rename(lock_file, &aside) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        renamed => renamed.map_err(Error::io(lock_file, "rename it"))?,
    }
    if holder(&aside)?.flatten().as_ref() != Some(ended) {
        // Without replacing a newer one.
        let _ = fs::hard_link(&aside, lock_file);
    }
    files::remove_if_exists(&aside)?;
    Ok(())
}

#[cfg(test)]
mod tests;
