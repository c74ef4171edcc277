//! Files that are whole or absent.

use std::fs::{self, File, OpenOptions};
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};

use tempfile::NamedTempFile;

use crate::partial::{builder, parent, sync_folder};
use crate::{Error, Unwritable};

/// Bytes of the buffer in front of the file.
const BUFFER_BYTES: usize = 1 << 16;

/// Links that are followed to a file, one behind the other.
const MOST_LINKS: usize = 40;

/// Replaces the file at `path` by `bytes`, atomically and durably; see [`AtomicFile`].
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
    let attempt = || match target(path)? {
        // A pipe is opened when there is something to write: opening it waits for a reader.
        target if is_special(&target)? => Ok(()),
        // Without a name, so that a signal at this very moment leaves nothing.
        target => tempfile::tempfile_in(parent(&target)).map(drop),
    };
    attempt().map_err(|error: io::Error| unwritable(error.to_string()))
}

/// A file being written under a temporary name in the folder of its path; deleted when dropped
/// before [`commit`](Self::commit). Writing is buffered.
///
/// A link is followed: the file that it leads to is replaced. The permissions of a file that is
/// replaced are kept. A pipe or a device, such as `/dev/stdout`, is never replaced but written to,
/// at once and for good.
#[derive(Debug)]
pub struct AtomicFile {
    to: Destination,
    path: PathBuf,
}

#[derive(Debug)]
enum Destination {
    /// A temporary file that is to be renamed to this path.
    Plain(BufWriter<NamedTempFile>, PathBuf),
    /// A pipe, a socket or a device.
    Special(BufWriter<File>),
}

impl AtomicFile {
    /// Begins a file that [`commit`](Self::commit) will put at `path`, with the permissions of the
    /// file there or of any new file.
    ///
    /// # Errors
    /// If nothing can be written there.
    pub fn create(path: &Path) -> Result<Self, Error> {
        let to = Self::open(path).map_err(Error::io(path, "write"))?;
        Ok(Self { to, path: path.to_owned() })
    }

    fn open(path: &Path) -> io::Result<Destination> {
        let target = target(path)?;
        if is_special(&target)? {
            let file = OpenOptions::new().append(true).open(&target)?;
            return Ok(Destination::Special(BufWriter::with_capacity(BUFFER_BYTES, file)));
        }
        let partial = builder(0o666).tempfile_in(parent(&target))?;
        // Tells `remove_partial` that this process is alive. Not every file system has locks.
        let _ = partial.as_file().try_lock();
        if let Ok(there) = fs::metadata(&target) {
            partial.as_file().set_permissions(there.permissions())?;
        }
        Ok(Destination::Plain(BufWriter::with_capacity(BUFFER_BYTES, partial), target))
    }

    fn writer(&mut self) -> &mut dyn Write {
        match &mut self.to {
            Destination::Plain(file, _) => file,
            Destination::Special(file) => file,
        }
    }

    /// Waits until all that was written is on disk: only then is it sure that there was room.
    ///
    /// # Errors
    /// If it can't be written.
    pub fn sync(&mut self) -> Result<(), Error> {
        let flushed = self.writer().flush();
        let synced = flushed.and_then(|()| match &self.to {
            Destination::Plain(file, _) => file.get_ref().as_file().sync_all(),
            Destination::Special(_) => Ok(()),
        });
        synced.map_err(Error::io(&self.path, "write"))
    }

    /// Flushes the file to disk and renames it to its path, replacing what is there; then flushes
    /// the folder.
    ///
    /// # Errors
    /// If it can't be written.
    pub fn commit(mut self) -> Result<(), Error> {
        self.sync()?;
        let Self { to, path } = self;
        let Destination::Plain(partial, target) = to else { return Ok(()) };
        let written = partial.into_inner().map_err(io::IntoInnerError::into_error);
        written
            .and_then(|partial| {
                let partial = partial.into_temp_path();
                fs::rename(&partial, &target)?;
                // The temporary name is gone: nothing is left to delete.
                let _ = partial.keep();
                sync_folder(parent(&target))
            })
            .map_err(Error::io(&path, "write"))
    }
}

impl Write for AtomicFile {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.writer().write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.writer().flush()
    }
}

/// The path that `path` leads to by links; the last one may lead to nothing yet.
fn target(path: &Path) -> io::Result<PathBuf> {
    let mut target = path.to_owned();
    for _ in 0..MOST_LINKS {
        match fs::symlink_metadata(&target) {
            // `/dev/stdout` leads to a name of an open file that may be no path at all.
            Ok(found) if found.is_symlink() && !is_special(&target)? => {
                target = parent(&target).join(fs::read_link(&target)?);
            }
            _ => return Ok(target),
        }
    }
    Err(io::Error::new(io::ErrorKind::InvalidInput, "too many links that lead to links"))
}

/// Whether a pipe, a socket or a device is at `path`, or at the end of its links; or a file that a
/// process has open, as `/dev/stdout` names one.
fn is_special(path: &Path) -> io::Result<bool> {
    if path.starts_with("/proc") {
        return Ok(true);
    }
    match fs::metadata(path) {
        Ok(found) => Ok(!found.is_file() && !found.is_dir()),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
        Err(error) => Err(error),
    }
}

#[cfg(test)]
mod tests;
