//! The sets in the cache: to list them, and to delete some.

use std::ffi::OsStr;
use std::fs::{self, File, TryLockError};
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use super::record::RECORDS;
use super::{SPLITS, default_dir, stored_images};
use crate::Error;
use crate::formats::stl10::{self, Shape};

/// The file with the path of the folder that a packed set is of. Its time is that of the last use.
const SOURCE: &str = "source.txt";

/// Decoded images of a folder, in the cache.
#[derive(Clone, Debug)]
pub struct CacheEntry {
    /// The folder, links resolved; `None` for a set of an earlier version.
    pub folder: Option<PathBuf>,
    /// Number of images; `None` where decoding hasn't ended.
    pub images: Option<usize>,
    /// Width and height of the images, in pixels; `None` where decoding hasn't ended.
    pub image_size: Option<usize>,
    /// Bytes on disk.
    pub bytes: u64,
    /// When it was opened last.
    pub last_use: SystemTime,
    path: PathBuf,
}

/// The decoded images of folders in `cache_dir`, by default in the user's cache folder; those used
/// last come first.
///
/// # Errors
/// If the folder can't be listed. One that isn't there is empty.
pub fn cache_entries(cache_dir: Option<&Path>) -> Result<Vec<CacheEntry>, Error> {
    let dir = cache_dir.map_or_else(default_dir, |dir| Ok(dir.to_owned()))?;
    let listed = match fs::read_dir(&dir) {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Vec::new()),
        listed => listed.map_err(Error::io(&dir, "list"))?,
    };
    let mut entries = Vec::new();
    for entry in listed {
        let entry = entry.map_err(Error::io(&dir, "list"))?;
        // A link is none of ours.
        let is_folder = entry.file_type().is_ok_and(|kind| kind.is_dir());
        if is_folder && is_name(&entry.file_name()) {
            entries.extend(CacheEntry::read(entry.path()));
        }
    }
    entries.sort_by(|a, b| b.last_use.cmp(&a.last_use).then_with(|| a.path.cmp(&b.path)));
    Ok(entries)
}

/// Whether `name` is that of a packed set, finished or not: hash of the folder, size, key.
fn is_name(name: &OsStr) -> bool {
    if files::is_partial(name) {
        return true;
    }
    let is_hex = |part: &str, digits: usize| {
        part.len() == digits && part.bytes().all(|byte| byte.is_ascii_hexdigit())
    };
    let name = name.to_string_lossy();
    let parts: Vec<&str> = name.split('-').collect();
    matches!(parts.as_slice(), [place, size, key]
        if is_hex(place, 16) && size.parse::<usize>().is_ok() && is_hex(key, 32))
}

impl CacheEntry {
    /// The entry at `path`; `None` where it has no records, as it is then none of ours.
    fn read(path: PathBuf) -> Option<Self> {
        if !path.join(RECORDS).is_file() {
            return None;
        }
        let source = path.join(SOURCE);
        let folder = files::read(&source).ok().map(|bytes| to_path(&bytes));
        let finished = path.file_name().is_some_and(|name| !files::is_partial(name));
        let shape = finished.then(|| Shape::read(&path).ok()).flatten();
        let modified =
            |path: &Path| fs::metadata(path).and_then(|metadata| metadata.modified()).ok();
        let last_use = modified(&source).or_else(|| modified(&path));
        let files = fs::read_dir(&path).into_iter().flatten().flatten();
        let lengths = files.filter_map(|file| Some(file.metadata().ok()?.len()));
        Some(Self {
            folder,
            images: shape
                .as_ref()
                .map(|shape| SPLITS.iter().filter_map(|split| shape.count(split)).sum()),
            image_size: shape.map(|shape| shape.width),
            bytes: lengths.sum(),
            last_use: last_use.unwrap_or(SystemTime::UNIX_EPOCH),
            path,
        })
    }

    /// Deletes it, unless a process uses it; whether it did.
    ///
    /// # Errors
    /// If it can't be deleted.
    pub fn remove(&self) -> Result<bool, Error> {
        let images = SPLITS
            .iter()
            .flat_map(|split| [stl10::file_names(split).0, stored_images::file_names(split).0]);
        let files = images.chain([RECORDS.to_owned()]).map(|name| self.path.join(name));
        let open: Vec<File> = files.filter_map(|file| files::open_plain(&file).ok()).collect();
        // Held until it is deleted. Who has mapped or writes a file has a lock on it; a file system
        // without locks gives another error.
        if open.iter().any(|file| matches!(file.try_lock(), Err(TryLockError::WouldBlock))) {
            return Ok(false);
        }
        fs::remove_dir_all(&self.path).map_err(Error::io(&self.path, "delete"))?;
        Ok(true)
    }
}

/// Notes that the packed set in `packed` is of `folder`.
pub(super) fn note_source(packed: &Path, folder: &Path) -> Result<(), Error> {
    let path = packed.join(SOURCE);
    fs::write(&path, folder.as_os_str().as_encoded_bytes()).map_err(Error::io(&path, "write"))
}

/// Notes that a packed set is used now, where that can be.
pub(super) fn note_use(packed: &Path) {
    let file = File::options().write(true).open(packed.join(SOURCE));
    let _ = file.and_then(|file| file.set_modified(SystemTime::now()));
}

#[cfg(unix)]
fn to_path(bytes: &[u8]) -> PathBuf {
    use std::os::unix::ffi::OsStrExt;
    OsStr::from_bytes(bytes).into()
}

#[cfg(not(unix))]
fn to_path(bytes: &[u8]) -> PathBuf {
    String::from_utf8_lossy(bytes).into_owned().into()
}
