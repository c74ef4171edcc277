//! Where the images of a set are: in files, or in archives.

use std::fs;
use std::path::{Path, PathBuf};

use super::archive::Archives;
use super::bad_files::BadFiles;
use super::decode;
use super::entries::Entries;
use super::file_stamp::FileStamp;
use crate::Error;
use crate::formats::archive_format::ArchiveFormat;

/// Files in folders, or members of archives.
#[derive(Debug, Default)]
pub(super) enum Source {
    #[default]
    Folders,
    Archives(Box<Archives>),
}

impl Source {
    /// That of the image at `path`: a file, or a member of an archive.
    pub fn of_image(path: &Path) -> Result<Self, Error> {
        if path.exists() {
            return Ok(Self::Folders);
        }
        let archive =
            path.ancestors().skip(1).find(|above| ArchiveFormat::of_file(above).is_some());
        archive.map_or(Ok(Self::Folders), Self::of_archive)
    }

    /// The archive at `path`; what is damaged in it is not there.
    pub fn of_archive(path: &Path) -> Result<Self, Error> {
        let mut bad = BadFiles::LeftOut(Vec::new());
        let archives = Archives::open(path, vec![path.to_owned()], false, &mut bad)?;
        Ok(Self::Archives(Box::new(archives)))
    }

    /// What the folder at `dir` holds.
    pub fn entries(&self, dir: &Path, bad: &mut BadFiles) -> Result<Entries, Error> {
        match self {
            Self::Folders => Entries::read(dir, bad),
            Self::Archives(archives) => Ok(archives.tree().entries(dir)),
        }
    }

    /// The folder at `dir` without links in its path.
    pub fn canonicalize(&self, dir: &Path) -> Result<PathBuf, Error> {
        match self {
            Self::Folders => fs::canonicalize(dir).map_err(Error::io(dir, "open")),
            Self::Archives(_) => Ok(dir.to_owned()),
        }
    }

    /// The stamp of the image at `path`.
    pub fn stamp(&self, path: &Path) -> Result<FileStamp, Error> {
        match self {
            Self::Folders => FileStamp::of(path).map_err(Error::io(path, "open")),
            Self::Archives(archives) => archives.stamp(path),
        }
    }

    /// Whether an image can be read without those around it.
    pub fn is_read_apart(&self) -> bool {
        match self {
            Self::Folders => true,
            Self::Archives(archives) => archives.is_read_apart(),
        }
    }

    /// The content of the image at `path`. Its `stamp` is from when it was listed.
    pub fn read(&self, path: &Path, stamp: Option<FileStamp>) -> Result<Vec<u8>, Error> {
        match self {
            Self::Folders => decode::read(path, stamp),
            Self::Archives(archives) => archives.read(path),
        }
    }
}
