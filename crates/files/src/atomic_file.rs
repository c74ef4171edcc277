//! Files that are whole or absent.

use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};

use tempfile::NamedTempFile;

use crate::partial::{builder, parent, sync_folder};
use crate::{Error, Unwritable};

/// Bytes of the buffer in front of the file.
const BUFFER_BYTES: usize = 1 << 16;

/// Replaces the file at `path` by `bytes`, atomically and durably.
///
/// # Errors
/// If it can't be written; `path` is then as it was, unless only the flush of its folder failed.
pub fn write(path: &Path, bytes: &[u8]) -> Result<(), Error> {
    let mut file = AtomicFile::create(path)?;
    file.write_all(bytes).map_err(Error::io(path, "write"))?;
    file.commit()
}

/// Finds out whether a file can be written to `path`, before the work that will fill it.
///
/// # Errors
/// If `path` is a folder or no name that a file can have, or nothing can be written beside it.
pub fn check_writable(path: &Path) -> Result<(), Unwritable> {
    let unwritable = |found: String| Unwritable { path: path.to_owned(), found };
    if path.is_dir() {
        return Err(unwritable("a folder".to_owned()));
    }
    // A name that is too long is no name of a file that isn't there.
    match path.symlink_metadata() {
        Err(error) if error.kind() != io::ErrorKind::NotFound => {
            return Err(unwritable(error.to_string()));
        }
        _ => {}
    }
    // Without a name, so that a signal at this very moment leaves nothing.
    let attempt = tempfile::tempfile_in(parent(path));
    attempt.map(drop).map_err(|error| unwritable(error.to_string()))
}

/// A file being written under a temporary name in the folder of its path; deleted when dropped
/// before [`commit`](Self::commit). Writing is buffered.
#[derive(Debug)]
pub struct AtomicFile {
    partial: BufWriter<NamedTempFile>,
    path: PathBuf,
}

impl AtomicFile {
    /// Begins a file that [`commit`](Self::commit) will put at `path`, with the permissions of any
    /// new file.
    ///
    /// # Errors
    /// If nothing can be written there.
    pub fn create(path: &Path) -> Result<Self, Error> {
        let partial = builder(0o666).tempfile_in(parent(path)).map_err(Error::io(path, "write"))?;
        // Tells `remove_partial` that this process is alive. Not every file system has locks.
        let _ = partial.as_file().try_lock();
        Ok(Self { partial: BufWriter::with_capacity(BUFFER_BYTES, partial), path: path.to_owned() })
    }

    /// Waits until all that was written is on disk: only then is it sure that there was room.
    ///
    /// # Errors
    /// If it can't be written.
    pub fn sync(&mut self) -> Result<(), Error> {
        let written = self.partial.flush();
        written
            .and_then(|()| self.partial.get_ref().as_file().sync_all())
            .map_err(Error::io(&self.path, "write"))
    }

    /// Flushes the file to disk and renames it to its path, replacing what is there; then flushes
    /// the folder.
    ///
    /// # Errors
    /// If it can't be written.
    pub fn commit(mut self) -> Result<(), Error> {
        self.sync()?;
        let Self { partial, path } = self;
        let written = partial.into_inner().map_err(io::IntoInnerError::into_error);
        written
            .and_then(|partial| partial.persist(&path).map_err(|error| error.error))
            .and_then(|_| sync_folder(parent(&path)))
            .map_err(Error::io(&path, "write"))
    }
}

impl Write for AtomicFile {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.partial.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.partial.flush()
    }
}

#[cfg(test)]
mod tests;
