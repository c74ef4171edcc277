//! Folders that are whole or absent.

use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};

use tempfile::TempDir;

use crate::partial::{builder, parent, sync_folder};
use crate::{Error, FolderError};

/// A folder being written under a temporary name beside its path; deleted when dropped before
/// [`commit`](Self::commit).
#[derive(Debug)]
pub struct AtomicFolder {
    partial: TempDir,
    path: PathBuf,
}

impl AtomicFolder {
    /// Begins a folder that [`commit`](Self::commit) will put at `path`, where nothing or an empty
    /// folder is now. Creates the folders above it.
    ///
    /// # Errors
    /// If there is something at `path`, or nothing can be written beside it.
    pub fn create(path: &Path) -> Result<Self, FolderError> {
        refuse_content(path)?;
        let parent = parent(path);
        fs::create_dir_all(parent).map_err(Error::io(parent, "create"))?;
        let partial = builder(0o777).tempdir_in(parent).map_err(Error::io(parent, "write into"))?;
        Ok(Self { partial, path: path.to_owned() })
    }

    /// The folder to write the files into.
    pub fn path(&self) -> &Path {
        self.partial.path()
    }

    /// Leaves the folder as it is, under its temporary name.
    pub fn leave(self) {
        let _ = self.partial.keep();
    }

    /// Flushes everything in the folder to disk and renames it to its path; then flushes the folder
    /// above.
    ///
    /// # Errors
    /// If it can't be written, or there is something at the path by now.
    pub fn commit(self) -> Result<(), FolderError> {
        let Self { partial, path } = self;
        refuse_content(&path)?;
        sync_content(partial.path()).map_err(Error::io(&path, "write"))?;
        // Another process may have put something there by now.
        let refused = |action| {
            let path = &path;
            move |error: io::Error| match error.kind() {
                io::ErrorKind::DirectoryNotEmpty | io::ErrorKind::AlreadyExists => {
                    FolderError::NotEmpty { path: path.clone() }
                }
                _ => Error::io(path, action)(error).into(),
            }
        };
        match fs::remove_dir(&path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            removed => removed.map_err(refused("replace"))?,
        }
        fs::rename(partial.path(), &path).map_err(refused("write"))?;
        // The temporary name is gone: nothing is left to delete.
        let _ = partial.keep();
        sync_folder(parent(&path)).map_err(Error::io(&path, "write"))?;
        Ok(())
    }
}

/// Waits until the files and folders in `folder` are on disk.
fn sync_content(folder: &Path) -> io::Result<()> {
    if !cfg!(unix) {
        return Ok(());
    }
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        let kind = entry.file_type()?;
        if kind.is_dir() {
            sync_content(&entry.path())?;
        } else if kind.is_file() {
            File::open(entry.path())?.sync_all()?;
        }
    }
    sync_folder(folder)
}

/// Finds out whether a folder can be made at `path`, before the work that will fill it.
///
/// # Errors
/// As [`AtomicFolder::create`], which makes the folders above it.
pub fn check_new_folder(path: &Path) -> Result<(), FolderError> {
    refuse_content(path)?;
    let above = path.ancestors().skip(1).find(|above| above.exists());
    let above = above.filter(|above| !above.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let attempt = tempfile::tempfile_in(above);
    attempt.map(drop).map_err(|error| Error::io(above, "write into")(error).into())
}

fn refuse_content(path: &Path) -> Result<(), FolderError> {
    match fs::read_dir(path) {
        Ok(mut entries) => match entries.next() {
            None => Ok(()),
            Some(_) => Err(FolderError::NotEmpty { path: path.to_owned() }),
        },
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        Err(error) if error.kind() == io::ErrorKind::NotADirectory => {
            Err(FolderError::NotAFolder { path: path.to_owned() })
        }
        Err(error) => Err(Error::io(path, "write")(error).into()),
    }
}

#[cfg(test)]
mod tests;
