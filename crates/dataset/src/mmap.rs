//! Memory-mapped files with bounded resident memory.
//!
//! Every page that a mapping touches counts toward the process until it is let go, so that an
//! epoch over a set of 2.8 GB would look like (and in some containers be charged as) 2.8 GB of
//! memory. A large mapping therefore drops its pages each time some dozens of images were handed
//! out. They stay in the system's page cache: touching them again costs minor faults (a few
//! microseconds an image), no reading.
//!
//! A file that changes while it is mapped is noticed by its length and time of change, for which
//! whoever read from it asks afterwards ([`check`](Mapping::check)). Reading what was cut off
//! raises SIGBUS, which is the program's to handle; [`mapped_file`] says of which file the address
//! is. A file that is deleted or replaced by renaming stays as it was for who has mapped it.

use std::fs::File;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::SystemTime;

use memmap2::Mmap;

pub use self::registry::mapped_file;

use self::registry::Registered;
use crate::Error;

mod registry;

/// Mappings up to this length may stay resident as a whole.
const SMALL_BYTES: usize = 64 << 20;

/// Bytes handed out between two drops. One fault maps up to 2 MiB around the image that was touched
/// (a large folio of the page cache, Linux 6.18), so that sixty times as much, 128 MiB, may become
/// resident.
const BUDGET_BYTES: usize = 2 << 20;

/// A read-only mapped file.
#[derive(Debug)]
pub(crate) struct Mapping {
    map: Mmap,
    path: PathBuf,
    file: File,
    /// `None` where the file system keeps no such time.
    modified: Option<SystemTime>,
    handed_out: AtomicUsize,
    _registered: Option<Registered>,
}

impl Mapping {
    /// Maps a file that is not empty; its pages are not read.
    pub fn open(path: &Path) -> Result<Self, Error> {
        let file = files::open_plain(path).map_err(Error::io(path, "open"))?;
        let metadata = file.metadata().map_err(Error::io(path, "open"))?;
        // Tells who deletes sets in the cache that this one is in use. Not every file system has
        // locks.
        let _ = file.try_lock_shared();
        // SAFETY: the map is read-only and private to this type. As for every mapped file, nobody
        // may change the file while it is in use; this crate replaces files by renaming and never
        // writes in place, and what others do is checked for in `check`.
        let map = unsafe { Mmap::map(&file) }.map_err(Error::io(path, "map"))?;
        let registered = Registered::new(&map, path);
        Ok(Self {
            map,
            _registered: registered,
            path: path.to_path_buf(),
            file,
            modified: metadata.modified().ok(),
            handed_out: AtomicUsize::new(0),
        })
    }

    /// Length and time of change, of which one differs after a change; `None` where the file
    /// system keeps no such time.
    pub fn stamp(&self) -> Option<[u8; 24]> {
        let modified = self.modified?.duration_since(SystemTime::UNIX_EPOCH).ok()?;
        let mut stamp = [0; 24];
        stamp[..8].copy_from_slice(&(self.len() as u64).to_le_bytes());
        stamp[8..].copy_from_slice(&modified.as_nanos().to_le_bytes());
        Some(stamp)
    }

    /// Length in bytes.
    pub fn len(&self) -> usize {
        self.map.len()
    }

    /// The path of the file, links resolved; `None` where it is gone.
    pub fn place(&self) -> Option<PathBuf> {
        std::fs::canonicalize(&self.path).ok()
    }

    /// `length` bytes from `start` on.
    pub fn slice(&self, start: usize, length: usize) -> &[u8] {
        if self.map.len() > SMALL_BYTES {
            let before = self.handed_out.fetch_add(length, Ordering::Relaxed);
            if before % BUDGET_BYTES + length >= BUDGET_BYTES {
                self.drop_pages();
            }
        }
        &self.map[start..start + length]
    }

    /// That the file still is what it was when it was opened.
    ///
    /// # Errors
    /// [`Error::Changed`], and [`Error::Io`] where the system doesn't say.
    pub fn check(&self) -> Result<(), Error> {
        let metadata = self.file.metadata();
        let metadata = metadata.map_err(Error::io(&self.path, "read"))?;
        let (before, now) = (self.map.len() as u64, metadata.len());
        let found = if now != before {
            format!("{now} bytes in place of {before}")
        } else if metadata.modified().ok() != self.modified {
            "another time of change".to_owned()
        } else {
            return Ok(());
        };
        Err(Error::Changed { path: self.path.clone(), found })
    }

    /// Lets go of all resident pages.
    #[cfg(unix)]
    pub fn drop_pages(&self) {
        // SAFETY: the mapping is read-only and backed by its file, so dropped pages come back with
        // the same bytes, also for slices that are being read at this moment.
        let dropped = unsafe { self.map.unchecked_advise(memmap2::UncheckedAdvice::DontNeed) };
        if let Err(error) = dropped {
            tracing::debug!(%error, "the system keeps mapped pages resident");
        }
    }

    /// Lets go of all resident pages, where the system can be told.
    #[cfg(not(unix))]
    pub fn drop_pages(&self) {}
}
