//! The user's cache folder.

use std::path::{Path, PathBuf};
use std::{env, fs, io};

/// `twinview/NAME` in the user's cache folder: that of `XDG_CACHE_HOME`, or else `~/.cache`;
/// `None` where the environment has neither it nor a home.
pub fn cache_dir(name: &str) -> Option<PathBuf> {
    let absolute =
        |variable: &str| env::var_os(variable).map(PathBuf::from).filter(|path| path.is_absolute());
    let cache = absolute("XDG_CACHE_HOME")
        .or_else(|| absolute("HOME").map(|home| home.join(".cache")))
        .or_else(|| absolute("LOCALAPPDATA"))?;
    Some(cache.join("twinview").join(name))
}

/// Makes a folder for caches, and those above it, for this user alone: what is in it may be of
/// folders that others can't read. One that is there stays as it is.
///
/// # Errors
/// If it can't be made.
pub fn create_cache_dir(path: &Path) -> io::Result<()> {
    let mut builder = fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(path)
}

#[cfg(all(test, unix))]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    #[test]
    fn a_cache_is_for_its_user() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("twinview/packed");
        for _ in 0..2 {
            create_cache_dir(&path).unwrap();
        }
        for path in [path.as_path(), path.parent().unwrap()] {
            assert_eq!(path.metadata().unwrap().permissions().mode() & 0o777, 0o700);
        }
    }
}
