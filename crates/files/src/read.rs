//! Reading, in which only "not found" is absence.

use std::fs::{self, File};
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use crate::Error;

/// The content of the file at `path`.
///
/// # Errors
/// If it can't be read, or is no plain file: a pipe would block, and a device may have no end.
pub fn read(path: &Path) -> Result<Vec<u8>, Error> {
    let mut bytes = Vec::new();
    let read = open_plain(path).and_then(|mut file| file.read_to_end(&mut bytes));
    read.map(|_| bytes).map_err(Error::io(path, "read"))
}

/// The content of the file at `path` as text.
///
/// # Errors
/// As [`read`](read()), and if it is no UTF-8, which is [`io::ErrorKind::InvalidData`].
pub fn read_text(path: &Path) -> Result<String, Error> {
    let invalid = || io::Error::new(io::ErrorKind::InvalidData, "bytes that are no UTF-8");
    String::from_utf8(read(path)?).map_err(|_| Error::io(path, "read")(invalid()))
}

/// `None` where the file or folder isn't there; every other error stays one. What can't be read may
/// well exist, and must not be taken for absent.
///
/// # Errors
/// That of `result`, unless it is [`io::ErrorKind::NotFound`].
pub fn if_exists<T>(result: Result<T, Error>) -> Result<Option<T>, Error> {
    match result {
        Ok(found) => Ok(Some(found)),
        Err(error) if error.source.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}

/// The paths in `folder`, in order.
///
/// # Errors
/// If it can't be listed to its end.
pub fn list(folder: &Path) -> Result<Vec<PathBuf>, Error> {
    let entries = fs::read_dir(folder).map_err(Error::io(folder, "list"))?;
    let paths: io::Result<Vec<_>> = entries.map(|entry| Ok(entry?.path())).collect();
    let mut paths = paths.map_err(Error::io(folder, "list"))?;
    paths.sort();
    Ok(paths)
}

/// Whether something is at `path`, a broken link too.
///
/// # Errors
/// If that can't be told.
pub fn exists(path: &Path) -> Result<bool, Error> {
    let found = path.symlink_metadata().map_err(Error::io(path, "read"));
    Ok(if_exists(found)?.is_some())
}

/// Whether `path` leads to something: a broken link does not.
///
/// # Errors
/// If that can't be told.
pub fn leads_somewhere(path: &Path) -> Result<bool, Error> {
    Ok(if_exists(fs::metadata(path).map_err(Error::io(path, "read")))?.is_some())
}

/// Removes the file at `path`, if there is one.
///
/// # Errors
/// If it can't be removed.
pub fn remove_if_exists(path: &Path) -> Result<(), Error> {
    if_exists(fs::remove_file(path).map_err(Error::io(path, "remove"))).map(|_| ())
}

/// Opens a plain file, or a link to one, to read.
///
/// # Errors
/// As for [`File::open`]; [`io::ErrorKind::InvalidInput`] for a pipe, a socket or a device.
pub fn open_plain(path: &Path) -> io::Result<File> {
    let kind = fs::metadata(path)?.file_type();
    if !kind.is_file() && !kind.is_dir() {
        let found = "expected a plain file, found a pipe, a socket or a device";
        return Err(io::Error::new(io::ErrorKind::InvalidInput, found));
    }
    File::open(path)
}

/// Whether the path that was given is to blame for `error`: it leads nowhere, or where this user
/// may not go. Otherwise the system failed: a full or damaged disk, too many open files, no memory.
pub fn is_of_path(error: &io::Error) -> bool {
    use io::ErrorKind as E;
    let kinds = [
        E::NotFound,
        E::PermissionDenied,
        E::AlreadyExists,
        E::NotADirectory,
        E::IsADirectory,
        E::DirectoryNotEmpty,
        E::InvalidFilename,
        E::InvalidInput,
        E::InvalidData,
        E::ReadOnlyFilesystem,
        E::Unsupported,
    ];
    kinds.contains(&error.kind())
}

#[cfg(test)]
mod tests;
