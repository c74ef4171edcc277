//! Files that are whole or absent.

use std::fs::File;
use std::io::Write;
use std::path::Path;

use tempfile::NamedTempFile;

use crate::Error;

/// Replaces `path` by `bytes`: written beside it, flushed to disk, renamed over it.
///
/// # Errors
/// [`Error::Io`]; `path` is then as it was.
pub fn write(path: &Path, bytes: &[u8]) -> Result<(), Error> {
    let folder = path
        .parent()
        .filter(|parent| !parent.as_os_str().is_empty())
        .unwrap_or(Path::new("."));
    let mut file = NamedTempFile::new_in(folder).map_err(Error::io(path, "write it"))?;
    file.write_all(bytes).map_err(Error::io(path, "write it"))?;
    file.as_file()
        .sync_all()
        .map_err(Error::io(path, "write it"))?;
    file.persist(path)
        .map_err(|error| error.error)
        .map_err(Error::io(path, "write it"))?;
    // The rename itself is on disk once the folder is.
    File::open(folder)
        .and_then(|folder| folder.sync_all())
        .map_err(Error::io(folder, "write it"))
}
