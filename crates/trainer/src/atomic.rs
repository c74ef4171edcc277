//! Files that are whole or absent.

use std::fs::File;
use std::io::Write;
use std::path::Path;

use tempfile::{Builder, NamedTempFile};

use crate::Error;

/// What names of files begin with that are being written.
pub const PREFIX: &str = ".unfinished-";

/// Replaces `path` by `bytes`: written beside it, flushed to disk, renamed over it.
///
/// # Errors
/// [`Error::Io`]; `path` is then as it was.
pub fn write(path: &Path, bytes: &[u8]) -> Result<(), Error> {
    let folder = folder_of(path);
    let mut file = beside(folder).map_err(Error::io(path, "write it"))?;
    file.write_all(bytes).map_err(Error::io(path, "write it"))?;
    file.as_file().sync_all().map_err(Error::io(path, "write it"))?;
    file.persist(path).map_err(|error| error.error).map_err(Error::io(path, "write it"))?;
    // The rename itself is on disk once the folder is.
    File::open(folder).and_then(|folder| folder.sync_all()).map_err(Error::io(folder, "write it"))
}

/// The folder that a file is in.
pub fn folder_of(path: &Path) -> &Path {
    path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."))
}

/// Finds out whether a file can be written to `path`, before the work that will fill it.
///
/// # Errors
/// [`Error::Unwritable`].
pub fn check_writable(path: &Path) -> Result<(), Error> {
    let unwritable = |found: String| Error::Unwritable { path: path.to_owned(), found };
    if path.is_dir() {
        return Err(unwritable("a folder".to_owned()));
    }
    // Without a name, so that a signal at this very moment leaves nothing.
    let attempt = tempfile::tempfile_in(folder_of(path));
    attempt.map(drop).map_err(|error| unwritable(error.to_string()))
}

/// A temporary file in `folder` that others may read as they may read any file of the user.
fn beside(folder: &Path) -> std::io::Result<NamedTempFile> {
    let mut builder = Builder::new();
    builder.prefix(PREFIX);
    #[cfg(unix)]
    builder.permissions(std::os::unix::fs::PermissionsExt::from_mode(0o666));
    builder.tempfile_in(folder)
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    #[test]
    fn what_can_not_be_written_is_known_before() {
        let folder = tempfile::tempdir().unwrap();
        check_writable(&folder.path().join("out.json")).unwrap();
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0);
        let missing = check_writable(&folder.path().join("no/out.json")).unwrap_err();
        assert!(missing.to_string().contains("no/out.json: expected a file that can be written"));
        let error = check_writable(folder.path()).unwrap_err().to_string();
        assert!(error.ends_with("found a folder"), "{error}");
    }

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
