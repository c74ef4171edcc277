//! Files and folders that appear whole or not at all: written under a passing name beside their
//! place, then renamed.

use std::fs;
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};

use tempfile::{Builder, NamedTempFile, TempDir};

use crate::Error;

/// Written at once.
const BUFFER_BYTES: usize = 1 << 16;

/// A folder being written; gone when dropped before [`finish`](Self::finish).
pub(crate) struct NewFolder {
    partial: TempDir,
    target: PathBuf,
}

impl NewFolder {
    /// Begins a folder that shall stand at `target`, where nothing or an empty folder is now.
    pub fn begin(target: &Path) -> Result<Self, Error> {
        refuse_content(target)?;
        let parent = parent(target);
        fs::create_dir_all(parent).map_err(Error::io(parent, "create"))?;
        let mut builder = Builder::new();
        builder.prefix(".partial-");
        #[cfg(unix)]
        builder.permissions(unix_permissions(0o777));
        let partial = builder.tempdir_in(parent).map_err(Error::io(parent, "write into"))?;
        Ok(Self { partial, target: target.to_path_buf() })
    }

    /// Where to write the files.
    pub fn path(&self) -> &Path {
        self.partial.path()
    }

    /// Puts the folder in its place.
    pub fn finish(self) -> Result<(), Error> {
        refuse_content(&self.target)?;
        if self.target.exists() {
            fs::remove_dir(&self.target).map_err(Error::io(&self.target, "replace"))?;
        }
        fs::rename(self.partial.path(), &self.target).map_err(|error| match error.kind() {
            io::ErrorKind::DirectoryNotEmpty | io::ErrorKind::AlreadyExists => {
                Error::OutputExists { path: self.target.clone() }
            }
            _ => Error::io(&self.target, "write")(error),
        })?;
        // The passing name is gone: nothing is left to delete.
        let _ = self.partial.keep();
        Ok(())
    }
}

/// A file that appears at its place whole, replacing one that is there, or not at all: gone when
/// dropped before [`finish`](Self::finish). Writing is buffered.
#[derive(Debug)]
pub struct NewFile {
    partial: BufWriter<NamedTempFile>,
    target: PathBuf,
}

impl NewFile {
    /// Begins a file that shall stand at `target`.
    ///
    /// # Errors
    /// If nothing can be written there.
    pub fn begin(target: &Path) -> Result<Self, Error> {
        let mut builder = Builder::new();
        builder.prefix(".partial-");
        #[cfg(unix)]
        builder.permissions(unix_permissions(0o666));
        let partial = builder.tempfile_in(parent(target)).map_err(Error::io(target, "write"))?;
        Ok(Self {
            partial: BufWriter::with_capacity(BUFFER_BYTES, partial),
            target: target.to_path_buf(),
        })
    }

    /// Waits until all that was written is on disk: only then is it sure that there was room for
    /// it.
    ///
    /// # Errors
    /// If it can't be written.
    pub fn sync(&mut self) -> Result<(), Error> {
        let written = self.partial.flush();
        written
            .and_then(|()| self.partial.get_ref().as_file().sync_all())
            .map_err(Error::io(&self.target, "write"))
    }

    /// Puts the file in its place.
    ///
    /// # Errors
    /// If it can't be written.
    pub fn finish(mut self) -> Result<(), Error> {
        self.sync()?;
        let target = self.target;
        let written = self.partial.into_inner();
        written
            .map_err(|error| error.into_error())
            .and_then(|partial| partial.persist(&target).map_err(|error| error.error))
            .map(drop)
            .map_err(Error::io(&target, "write"))
    }
}

impl Write for NewFile {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.partial.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.partial.flush()
    }
}

fn refuse_content(target: &Path) -> Result<(), Error> {
    match fs::read_dir(target) {
        Ok(mut entries) => match entries.next() {
            None => Ok(()),
            Some(_) => Err(Error::OutputExists { path: target.to_path_buf() }),
        },
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        Err(error) if error.kind() == io::ErrorKind::NotADirectory => {
            Err(Error::NotAFolder { path: target.to_path_buf() })
        }
        Err(error) => Err(Error::io(target, "write")(error)),
    }
}

fn parent(target: &Path) -> &Path {
    match target.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        _ => Path::new("."),
    }
}

/// What a plain `mkdir` or `open` asks for; the user's mask applies. Temporary names are closed to
/// others otherwise.
#[cfg(unix)]
fn unix_permissions(mode: u32) -> fs::Permissions {
    std::os::unix::fs::PermissionsExt::from_mode(mode)
}
