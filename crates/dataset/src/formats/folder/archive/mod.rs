//! Archives of images: members are listed once and read where they lie.
//!
//! A member has the path of its archive with its name behind it, `shards/000.tar/cat/1.jpg`, so
//! that listings, caches and messages treat it as a file.

mod contents;
mod labeled;
mod name;
mod parquet;
mod read_at;
mod samples;
mod tar;
mod tree;
mod zip;

use std::collections::{HashMap, HashSet};
use std::fs::{self, File};
use std::path::{Path, PathBuf};

use super::bad_files::BadFiles;
use super::entries::Entries;
use super::file_stamp::FileStamp;
use super::split_name::SplitName;
use super::unused::Unused;
use crate::Error;
use crate::formats::archive_format::ArchiveFormat;

use self::parquet::ParquetImages;
use contents::{Contents, Location};
use read_at::{damaged, read_at};

pub(super) use labeled::scan_labeled;
pub(super) use tree::Tree;

/// Archives that are read as one set.
#[derive(Debug)]
pub struct Archives {
    archives: Vec<Archive>,
    by_path: HashMap<PathBuf, usize>,
    tree: Tree,
}

/// An archive, listed.
#[derive(Debug)]
struct Archive {
    path: PathBuf,
    format: ArchiveFormat,
    stamp: FileStamp,
    /// The split that the names of the archive and the folders above it say.
    split: Option<SplitName>,
    contents: Contents,
    /// For a Parquet file.
    parquet: Option<ParquetImages>,
}

impl Archives {
    /// Lists the archives at `paths`, which are in `dir` or are `dir` itself. What is damaged is
    /// left out where `bad` says so.
    pub fn open(
        dir: &Path,
        paths: Vec<PathBuf>,
        splits_by_name: bool,
        bad: &mut BadFiles,
    ) -> Result<Self, Error> {
        let mut archives = Vec::new();
        for path in paths {
            let split = splits_by_name.then(|| SplitName::of_path(dir, &path)).flatten();
            if let Some(archive) = bad.leave_out(Archive::open(path, split))? {
                archives.push(archive);
            }
        }
        for archive in &mut archives {
            for error in archive.contents.damage.drain(..) {
                bad.leave_out::<()>(Err(error))?;
            }
        }
        let by_path = archives.iter().enumerate();
        let by_path = by_path.map(|(at, archive)| (archive.path.clone(), at)).collect();
        let tree = Tree::new(dir, &archives);
        Ok(Self { archives, by_path, tree })
    }

    /// The archives in `dir` and below, and other files there; `None` where there are no archives,
    /// or images outside of them.
    pub fn find(dir: &Path, bad: &mut BadFiles) -> Result<Option<Found>, Error> {
        let mut found = Found::default();
        let mut seen = HashSet::new();
        let mut stack = vec![dir.to_owned()];
        while let Some(folder) = stack.pop() {
            let place = fs::canonicalize(&folder).map_err(Error::io(&folder, "open"));
            let Some(place) = bad.leave_out(place)? else { continue };
            if !seen.insert(place) {
                continue;
            }
            let entries = Entries::read(&folder, bad);
            let Some(entries) = bad.leave_out(entries)? else { continue };
            if !entries.images.is_empty() {
                return Ok(None);
            }
            for path in entries.others {
                let is_archive = ArchiveFormat::of(&path).is_some();
                if is_archive { &mut found.archives } else { &mut found.others }.push(path);
            }
            stack.extend(entries.folders.into_iter().rev());
        }
        found.archives.sort();
        Ok((!found.archives.is_empty()).then_some(found))
    }

    /// What they are, in a few words.
    pub fn kind(&self) -> &'static str {
        let first = self.archives.first().map_or("archives", |first| first.format.kind());
        let is_first = |archive: &Archive| archive.format.kind() == first;
        if self.archives.iter().all(is_first) { first } else { "archives" }
    }

    /// Whether members have labels of their own.
    pub fn is_labeled(&self) -> bool {
        self.archives.iter().any(|archive| archive.contents.is_labeled())
    }

    /// Whether a member can be read without those around it, as a row of a Parquet file can't.
    pub fn is_read_apart(&self) -> bool {
        self.archives.iter().all(|archive| archive.parquet.is_none())
    }

    /// The members as folders and images.
    pub fn tree(&self) -> &Tree {
        &self.tree
    }

    /// The split of the archive of a member, where it says one.
    pub fn split(&self, path: &Path) -> Option<SplitName> {
        self.locate(path)?.0.split
    }

    /// Notes what lies in the archives and isn't used.
    fn note_others(&self, unused: &mut Unused) {
        for archive in &self.archives {
            archive.contents.others.iter().for_each(|name| unused.add_file(Path::new(name)));
        }
    }

    /// The archive of a member, and the member's place in it.
    fn locate(&self, path: &Path) -> Option<(&Archive, &str, Location)> {
        let above = path.ancestors().skip(1).find_map(|above| self.by_path.get(above));
        let archive = &self.archives[*above?];
        let name = path.strip_prefix(&archive.path).ok()?;
        let member = archive.contents.member(name.to_str()?)?;
        Some((archive, &member.name, member.location))
    }

    /// The stamp of a member: that of its archive, with the inode mixed with the member's name.
    pub fn stamp(&self, path: &Path) -> Result<FileStamp, Error> {
        let (archive, name, _) = self.locate(path).ok_or_else(|| no_member(path))?;
        Ok(archive.stamp.of_member(name))
    }

    /// The content of a member, as it was when the archive was listed.
    pub fn read(&self, path: &Path) -> Result<Vec<u8>, Error> {
        let (archive, _, location) = self.locate(path).ok_or_else(|| no_member(path))?;
        let open = || File::open(&archive.path).map_err(Error::io(&archive.path, "open"));
        let mut file = open()?;
        let bytes = match location {
            Location::Stored { offset, length } => read_at(path, &mut file, offset, length)?,
            Location::Zip(member) => zip::read(path, &mut file, member)?,
            Location::Row { group, row } => {
                let images = archive.parquet.as_ref().expect("it has rows");
                images.read(path, open()?, group, row)?
            }
        };
        let now = file.metadata().and_then(|now| FileStamp::of_metadata(&now));
        if now.map_err(Error::io(&archive.path, "read"))? != archive.stamp {
            let found = "it changed".to_owned();
            return Err(Error::Changed { path: archive.path.clone(), found });
        }
        Ok(bytes)
    }
}

/// What is in a folder of archives.
#[derive(Debug, Default)]
pub(super) struct Found {
    /// In the order of their paths.
    pub archives: Vec<PathBuf>,
    /// Files that aren't used.
    pub others: Vec<PathBuf>,
}

impl Archive {
    fn open(path: PathBuf, split: Option<SplitName>) -> Result<Self, Error> {
        let format = ArchiveFormat::of(&path).expect("a name of an archive");
        // Opening a pipe might never end.
        if !fs::metadata(&path).map_err(Error::io(&path, "open"))?.is_file() {
            return Err(damaged(&path, "an archive", "no plain file"));
        }
        let mut file = File::open(&path).map_err(Error::io(&path, "open"))?;
        let stamp = file.metadata().and_then(|metadata| FileStamp::of_metadata(&metadata));
        let stamp = stamp.map_err(Error::io(&path, "open"))?;
        let mut parquet = None;
        let contents = match format {
            ArchiveFormat::Tar => tar::list(&path, &mut file, stamp.length)?,
            ArchiveFormat::Zip => zip::list(&path, &mut file, stamp.length)?,
            ArchiveFormat::Parquet => {
                let (images, contents) = ParquetImages::list(&path, &file, stamp.length)?;
                parquet = Some(images);
                contents
            }
        };
        Ok(Self { path, format, stamp, split, contents, parquet })
    }
}

fn no_member(path: &Path) -> Error {
    Error::Missing { path: path.to_owned(), expected: "an image in an archive" }
}
