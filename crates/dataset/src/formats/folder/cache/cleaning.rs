//! Deleting what is outdated or unfinished in the cache.

use std::fs::{self, File, TryLockError};
use std::io;
use std::path::Path;
use std::time::Duration;

use super::record::{self, RECORDS};
use crate::Error;

/// After which unfinished sets of other folders are deleted.
const WEEK: Duration = Duration::from_secs(7 * 24 * 3600);

/// Deletes a packed set that other processes may be opening or deleting: it is there or not, never
/// in part.
pub(super) fn remove(folder: &Path) -> Result<(), Error> {
    let aside = files::temporary_folder(folder)?;
    match fs::rename(folder, aside.path().join("outdated")) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        renamed => renamed.map_err(Error::io(folder, "replace")),
    }
}

/// Deletes packed sets of the same folder and size under other keys. Failing to is no reason to
/// stop.
pub(super) fn remove_outdated(cache_dir: &Path, family: &str, current: &str) {
    let Ok(entries) = fs::read_dir(cache_dir) else {
        return;
    };
    for entry in entries.flatten() {
        let name = entry.file_name();
        if name.to_string_lossy().starts_with(family)
            && name != current
            && let Err(error) = remove(&entry.path())
        {
            tracing::warn!(path = %entry.path().display(), %error, "cannot delete an outdated packed set");
        }
    }
}

/// Deletes what earlier openings of the same folder left unfinished, and what those of others did
/// a week ago; not what another process is writing.
pub(super) fn remove_partial(cache_dir: &Path, place: u64, image_size: usize) {
    for entry in fs::read_dir(cache_dir).into_iter().flatten().flatten() {
        let path = entry.path();
        if !files::is_partial(&entry.file_name()) || !path.is_dir() {
            continue;
        }
        let in_use = File::open(path.join(RECORDS))
            .is_ok_and(|file| matches!(file.try_lock(), Err(TryLockError::WouldBlock)));
        let same = record::read(&path, image_size).is_some_and(|(of, _)| of == place);
        let age = entry.metadata().and_then(|metadata| metadata.modified());
        let age = age.ok().and_then(|modified| modified.elapsed().ok());
        if !in_use && (same || age.is_some_and(|age| age > WEEK)) {
            let _ = fs::remove_dir_all(path);
        }
    }
}
