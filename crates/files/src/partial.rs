//! Temporary names, and flushing of folders.

use std::ffi::OsStr;
use std::fs::{self, File, OpenOptions, TryLockError};
use std::io;
use std::path::Path;

use tempfile::{Builder, TempDir};

use crate::Error;

/// What the temporary names of files and folders that are being written begin with.
const PREFIX: &str = ".partial-";

/// Whether `name` is that of a file or folder that is being written, or that a killed process was
/// writing.
pub fn is_partial(name: &OsStr) -> bool {
    name.as_encoded_bytes().starts_with(PREFIX.as_bytes())
}

/// Deletes the files in `folder` that killed processes had not finished writing; not those that
/// another process is writing. What can't be deleted stays.
pub fn remove_partial(folder: &Path) {
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    for entry in entries.filter(|entry| is_partial(&entry.file_name())) {
        let path = entry.path();
        let Ok(file) = OpenOptions::new().write(true).open(&path) else { continue };
        // Whoever writes it holds its lock. A file system without locks gives another error.
        if !matches!(file.try_lock(), Err(TryLockError::WouldBlock)) {
            let _ = fs::remove_file(path);
        }
    }
}

/// A folder with a temporary name beside `path`, deleted when dropped.
///
/// # Errors
/// If nothing can be written there.
pub fn temporary_folder(path: &Path) -> Result<TempDir, Error> {
    let mut builder = Builder::new();
    builder.prefix(PREFIX);
    builder.tempdir_in(parent(path)).map_err(Error::io(path, "write"))
}

/// Begins temporary names of files or folders that are as open to others as `open` and `mkdir` make
/// them with this mode; the user's mask applies.
pub(crate) fn builder(mode: u32) -> Builder<'static, 'static> {
    let mut builder = Builder::new();
    builder.prefix(PREFIX);
    #[cfg(unix)]
    builder.permissions(std::os::unix::fs::PermissionsExt::from_mode(mode));
    #[cfg(not(unix))]
    let _ = mode;
    builder
}

/// The folder that `path` is in.
pub(crate) fn parent(path: &Path) -> &Path {
    path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."))
}

/// Waits until the names in `folder` are on disk: a rename is durable once its folder is. Where
/// the folder can't be read or the file system can't flush one, nothing can be done.
pub(crate) fn sync_folder(folder: &Path) -> io::Result<()> {
    if !cfg!(unix) {
        return Ok(());
    }
    match File::open(folder).and_then(|folder| folder.sync_all()) {
        Err(error) if cannot_sync(error.kind()) => Ok(()),
        other => other,
    }
}

fn cannot_sync(kind: io::ErrorKind) -> bool {
    use io::ErrorKind::{InvalidInput, PermissionDenied, Unsupported};
    matches!(kind, InvalidInput | PermissionDenied | Unsupported)
}
