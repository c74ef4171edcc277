//! All images below a folder, in the order of their paths.

use std::collections::{HashMap, HashSet};
use std::fs;
use std::path::{Path, PathBuf};

use super::bad_files::BadFiles;
use super::entries::Entries;
use super::source::Source;
use super::unused::Unused;
use crate::Error;

/// Lists folders, each once: links may go in circles.
pub(super) struct Walk<'a> {
    pub source: &'a Source,
    pub bad: &'a mut BadFiles,
    pub unused: &'a mut Unused,
    /// Folders listed so far, without links in their paths.
    seen: HashSet<PathBuf>,
    /// Folders that were read before their turn.
    ahead: HashMap<PathBuf, Entries>,
}

/// A folder that is still to be listed.
struct Pending {
    path: PathBuf,
    /// The folder that it is in, without links in its path.
    above: PathBuf,
}

impl<'a> Walk<'a> {
    pub fn new(source: &'a Source, bad: &'a mut BadFiles, unused: &'a mut Unused) -> Self {
        Self { source, bad, unused, seen: HashSet::new(), ahead: HashMap::new() }
    }

    /// The entries of `dir`.
    pub fn read(&mut self, dir: &Path) -> Result<Entries, Error> {
        match self.ahead.remove(dir) {
            Some(entries) => Ok(entries),
            None => self.source.entries(dir, self.bad),
        }
    }

    /// The entries of `dir`, which will be listed later: it is not read again.
    pub fn read_ahead(&mut self, dir: &Path) -> Result<&Entries, Error> {
        let entries = self.read(dir)?;
        Ok(self.ahead.entry(dir.to_owned()).insert_entry(entries).into_mut())
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
        let place = self.source.canonicalize(dir)?;
        self.seen.insert(place.clone());
        self.take(entries, place, &mut images)?;
        Ok(images)
    }

    /// Folders below are listed with a stack of our own: they may be deep. `place` is that of the
    /// entries, without links in its path.
    fn take(
        &mut self,
        entries: Entries,
        place: PathBuf,
        images: &mut Vec<PathBuf>,
    ) -> Result<(), Error> {
        let mut stack = vec![];
        self.add(entries, &place, images, &mut stack);
        while let Some(folder) = stack.pop() {
            let place = self.bad.leave_out(folder.place(self.source))?;
            let Some(place) = place else { continue };
            // A link to a folder above, or to one that was listed.
            if folder.above.starts_with(&place) || !self.seen.insert(place.clone()) {
                self.unused.add_folder(&folder.path, "a link to what is listed already");
                continue;
            }
            let entries = self.read(&folder.path);
            if let Some(entries) = self.bad.leave_out(entries)? {
                self.add(entries, &place, images, &mut stack);
            }
        }
        Ok(())
    }

    fn add(
        &mut self,
        entries: Entries,
        place: &Path,
        images: &mut Vec<PathBuf>,
        stack: &mut Vec<Pending>,
    ) {
        entries.note_others(self.unused);
        images.extend(entries.images);
        let pending = |path| Pending { path, above: place.to_owned() };
        stack.extend(entries.folders.into_iter().rev().map(pending));
    }
}

impl Pending {
    /// Where the folder is, without links in its path. Only a link is looked up part by part, which
    /// would take long in deep folders.
    fn place(&self, source: &Source) -> Result<PathBuf, Error> {
        if matches!(source, Source::Archives(_)) {
            return Ok(self.path.clone());
        }
        let metadata = fs::symlink_metadata(&self.path).map_err(Error::io(&self.path, "open"))?;
        match (metadata.is_symlink(), self.path.file_name()) {
            (false, Some(name)) => Ok(self.above.join(name)),
            _ => fs::canonicalize(&self.path).map_err(Error::io(&self.path, "open")),
        }
    }
}
