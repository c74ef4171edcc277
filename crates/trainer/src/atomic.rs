//! Files that are whole or absent.

use std::fs::File;
use std::io::Write;
use std::path::Path;

use tempfile::{Builder, NamedTempFile};

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
    let mut file = beside(folder).map_err(Error::io(path, "write it"))?;
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

/// A temporary file in `folder` that others may read as they may read any file of the user.
fn beside(folder: &Path) -> std::io::Result<NamedTempFile> {
    let mut builder = Builder::new();
    #[cfg(unix)]
    builder.permissions(std::os::unix::fs::PermissionsExt::from_mode(0o666));
    builder.tempfile_in(folder)
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    #[test]
    fn a_file_is_replaced_as_a_whole_and_nothing_stays_beside_it() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("file");
        write(&path, b"first").unwrap();
        write(&path, b"second").unwrap();
        assert_eq!(fs::read(&path).unwrap(), b"second");
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
        let error = write(&folder.path().join("absent/file"), b"").unwrap_err();
        assert!(matches!(error, Error::Io { .. }));
    }

    #[cfg(unix)]
    #[test]
    fn others_may_read_it_as_any_file() {
        use std::os::unix::fs::PermissionsExt;
        let folder = tempfile::tempdir().unwrap();
        let (ours, any) = (folder.path().join("ours"), folder.path().join("any"));
        write(&ours, b"").unwrap();
        fs::write(&any, b"").unwrap();
        let mode = |path| fs::metadata(path).unwrap().permissions().mode();
        assert_eq!(mode(&ours), mode(&any));
    }
}
