//! Files that are whole or absent.

use std::io::Write;
use std::path::Path;

use tempfile::Builder;

use crate::Error;

/// Replaces `path` by `bytes`: written beside it, then renamed over it.
///
/// # Errors
/// [`Error::Io`]; `path` is then as it was.
pub fn write(path: &Path, bytes: &[u8]) -> Result<(), Error> {
    let folder =
        path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let mut builder = Builder::new();
    // Others may read it as they may read any file of the user.
    #[cfg(unix)]
    builder.permissions(std::os::unix::fs::PermissionsExt::from_mode(0o666));
    let mut file = builder.tempfile_in(folder).map_err(Error::io(path, "write it"))?;
    file.write_all(bytes).map_err(Error::io(path, "write it"))?;
    file.persist(path).map_err(|error| Error::io(path, "write it")(error.error))?;
    Ok(())
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
}
