//! Files and folders that appear whole or not at all: written under a passing name beside their place, then renamed.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use tempfile::{Builder, NamedTempFile, TempDir};

use crate::Error;

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
        let partial = builder
            .tempdir_in(parent)
            .map_err(Error::io(parent, "write into"))?;
        Ok(Self {
            partial,
            target: target.to_path_buf(),
        })
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
                Error::OutputExists {
                    path: self.target.clone(),
                }
            }
            _ => Error::io(&self.target, "write")(error),
        })?;
        // The passing name is gone: nothing is left to delete.
        let _ = self.partial.keep();
        Ok(())
    }
}

/// Writes a file at `target` by `write`, replacing a file that is there.
pub(crate) fn write_file(
    target: &Path,
    write: impl FnOnce(&mut NamedTempFile) -> io::Result<()>,
) -> Result<(), Error> {
    let mut builder = Builder::new();
    builder.prefix(".partial-");
    #[cfg(unix)]
    builder.permissions(unix_permissions(0o666));
    let mut file = builder
        .tempfile_in(parent(target))
        .map_err(Error::io(target, "write"))?;
    write(&mut file).map_err(Error::io(target, "write"))?;
    file.persist(target)
        .map_err(|error| Error::io(target, "write")(error.error))?;
    Ok(())
}

fn refuse_content(target: &Path) -> Result<(), Error> {
    match fs::read_dir(target) {
        Ok(mut entries) => match entries.next() {
            None => Ok(()),
            Some(_) => Err(Error::OutputExists {
                path: target.to_path_buf(),
            }),
        },
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        Err(error) if error.kind() == io::ErrorKind::NotADirectory => Err(Error::NotAFolder {
            path: target.to_path_buf(),
        }),
        Err(error) => Err(Error::io(target, "write")(error)),
    }
}

fn parent(target: &Path) -> &Path {
    match target.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        _ => Path::new("."),
    }
}

/// What a plain `mkdir` or `open` asks for; the user's mask applies. Temporary names are closed to others otherwise.
#[cfg(unix)]
fn unix_permissions(mode: u32) -> fs::Permissions {
    std::os::unix::fs::PermissionsExt::from_mode(mode)
}
