//! What one folder holds: images, folders, and files of other kinds.

use std::ffi::OsStr;
use std::fs::{self, DirEntry};
use std::path::{Path, PathBuf};

use super::bad_files::BadFiles;
use super::unused::Unused;
use crate::Error;

/// Endings of the formats that are read.
pub(super) const READ: [&str; 12] =
    ["jpg", "jpeg", "jpe", "jfif", "png", "webp", "tif", "tiff", "bmp", "gif", "ppm", "pgm"];
/// Folders that systems and programs leave among photographs: previews, deleted files, metadata.
const SYSTEM_FOLDERS: [&str; 5] =
    ["@eadir", "__macosx", "#recycle", "$recycle.bin", "system volume information"];
/// Files of the same kind.
const SYSTEM_FILES: [&str; 2] = ["thumbs.db", "desktop.ini"];

/// What one folder holds, sorted by name; hidden entries and those of the system are left out.
#[derive(Debug, Default)]
pub(super) struct Entries {
    pub folders: Vec<PathBuf>,
    pub images: Vec<PathBuf>,
    /// Files that are no images by name.
    pub others: Vec<PathBuf>,
}

impl Entries {
    /// Lists `dir`. What can't be looked at is left out where `bad` says so.
    pub fn read(dir: &Path, bad: &mut BadFiles) -> Result<Self, Error> {
        let mut found = Vec::new();
        for entry in fs::read_dir(dir).map_err(Error::io(dir, "list"))? {
            let entry = entry.map_err(Error::io(dir, "list"))?;
            if !is_system(&entry.file_name()) {
                found.push(entry);
            }
        }
        found.sort_by_cached_key(DirEntry::file_name);
        let mut entries = Self::default();
        for entry in found {
            let added = entries.add(&entry);
            bad.leave_out(added)?;
        }
        Ok(entries)
    }

    fn add(&mut self, entry: &DirEntry) -> Result<(), Error> {
        let path = entry.path();
        let kind = entry.file_type().map_err(Error::io(&path, "open"))?;
        // Follows links, which many curated sets are made of.
        let is_folder = if kind.is_symlink() {
            fs::metadata(&path).map_err(Error::io(&path, "open"))?.is_dir()
        } else {
            kind.is_dir()
        };
        let list = match () {
            () if is_folder => &mut self.folders,
            () if is_read(&path) => &mut self.images,
            () => &mut self.others,
        };
        list.push(path);
        Ok(())
    }

    /// Notes the files that are no images by name.
    pub fn note_others(&self, unused: &mut Unused) {
        self.others.iter().for_each(|path| unused.add_file(path));
    }
}

/// Whether a file's name ends as that of a format that is read.
pub(super) fn is_read(path: &Path) -> bool {
    let ending = path.extension();
    ending.is_some_and(|ending| READ.iter().any(|read| ending.eq_ignore_ascii_case(read)))
}

pub(super) fn is_system(name: &OsStr) -> bool {
    let is = |system: &&str| name.eq_ignore_ascii_case(system);
    name.as_encoded_bytes().starts_with(b".")
        || SYSTEM_FOLDERS.iter().any(is)
        || SYSTEM_FILES.iter().any(is)
}
