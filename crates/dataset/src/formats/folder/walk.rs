//! All images below a folder, in the order of their paths.

use std::collections::HashSet;
use std::fs;
use std::path::{Path, PathBuf};

use super::bad_files::BadFiles;
use super::entries::Entries;
use super::unused::Unused;
use crate::Error;

/// Lists folders, each once: links may go in circles.
pub(super) struct Walk<'a> {
    pub bad: &'a mut BadFiles,
    pub unused: &'a mut Unused,
    /// Folders listed so far, without links in their paths; filled only where there are links.
    seen: HashSet<PathBuf>,
}

impl<'a> Walk<'a> {
    pub fn new(bad: &'a mut BadFiles, unused: &'a mut Unused) -> Self {
        Self { bad, unused, seen: HashSet::new() }
    }

    /// The entries of `dir`.
    pub fn read(&mut self, dir: &Path) -> Result<Entries, Error> {
        Entries::read(dir, self.bad)
    }

    /// The images in `dir` and below.
    pub fn below(&mut self, dir: &Path) -> Result<Vec<PathBuf>, Error> {
        let entries = self.read(dir)?;
        self.of(dir, entries)
    }

    /// The images in `dir` and below; `entries` are those of `dir`.
    pub fn of(&mut self, dir: &Path, entries: Entries) -> Result<Vec<PathBuf>, Error> {
        let mut images = Vec::new();
        self.seen.clear();
        self.first_time(dir)?;
        self.take(entries, &mut images)?;
        Ok(images)
    }

    /// Folders below are listed with a stack of our own: they may be deep.
    fn take(&mut self, entries: Entries, images: &mut Vec<PathBuf>) -> Result<(), Error> {
        let mut stack = vec![];
        self.add(entries, images, &mut stack);
        while let Some(folder) = stack.pop() {
            let first = self.first_time(&folder);
            let Some(first) = self.bad.leave_out(first)? else { continue };
            if !first {
                self.unused.add_folder(&folder, "a link to what is listed already");
                continue;
            }
            let entries = Entries::read(&folder, self.bad);
            if let Some(entries) = self.bad.leave_out(entries)? {
                self.add(entries, images, &mut stack);
            }
        }
        Ok(())
    }

    fn add(&mut self, entries: Entries, images: &mut Vec<PathBuf>, stack: &mut Vec<PathBuf>) {
        entries.note_others(self.unused);
        images.extend(entries.images);
        stack.extend(entries.folders.into_iter().rev());
    }

    /// Notes that a folder is listed; whether it wasn't yet, and is no link to one above it.
    fn first_time(&mut self, folder: &Path) -> Result<bool, Error> {
        let place = |path: &Path| fs::canonicalize(path).map_err(Error::io(folder, "open"));
        let target = place(folder)?;
        let above = folder.parent().map_or(Ok(PathBuf::new()), |parent| {
            place(if parent.as_os_str().is_empty() { Path::new(".") } else { parent })
        })?;
        Ok(!above.starts_with(&target) && self.seen.insert(target))
    }
}
