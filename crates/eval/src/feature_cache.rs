//! Features on disk, so that a second question about the same images takes no forward passes.
//!
//! A file holds the features of one split by one encoder, and is named by a hash over all that they
//! depend on. It has a magic number, the number of images and of features, the features as
//! little-endian float32, and the SHA-256 of all that. A file that is cut off or damaged is not
//! used. The files that were used last are kept, up to [`MOST_BYTES`].

use std::fs::{self, File};
use std::io::{self, BufReader, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use files::AtomicFile;
use sha2::{Digest, Sha256};

use crate::{Error, Result};

/// Changes whenever the same weights and images would give other features.
const MAGIC: &[u8; 8] = b"features";
/// Magic number, images, features.
const HEAD: usize = 24;
/// Bytes of the hash at the end.
const HASH: usize = 32;
/// How much is kept: 4 GiB.
const MOST_BYTES: u64 = 4 << 30;
const EXTENSION: &str = "features";

/// A folder of features.
#[derive(Clone, Debug)]
pub struct FeatureCache {
    dir: PathBuf,
    most_bytes: u64,
}

/// Features that are in the cache, to be read from the first image to the last.
pub(crate) struct CachedRows {
    file: BufReader<File>,
    path: PathBuf,
    left: usize,
    features: usize,
}

/// Features that are being added to the cache; dropped before `commit`, they leave no file.
pub(crate) struct CacheWriter<'a> {
    cache: &'a FeatureCache,
    file: AtomicFile,
    hash: Sha256,
}

impl FeatureCache {
    /// The cache in `dir`, which is made when it is needed.
    pub fn new(dir: PathBuf) -> Self {
        Self { dir, most_bytes: MOST_BYTES }
    }

    /// `twinview/features` in the user's cache folder, where there is one.
    pub fn of_user() -> Option<Self> {
        files::cache_dir("features").map(Self::new)
    }

    fn path(&self, key: &str) -> PathBuf {
        self.dir.join(key).with_extension(EXTENSION)
    }

    /// What is known under `key`, if it is there and whole: `features` numbers of each of `images`.
    pub(crate) fn read(&self, key: &str, images: usize, features: usize) -> Option<CachedRows> {
        let path = self.path(key);
        match CachedRows::open(&path, images, features) {
            Ok(rows) => {
                tracing::debug!(path = %path.display(), "features from the cache");
                Some(rows)
            }
            Err(error) if error.kind() == io::ErrorKind::NotFound => None,
            Err(error) => {
                tracing::warn!(path = %path.display(), %error, "cached features are made anew");
                None
            }
        }
    }

    /// Begins what `key` is to name; `None` where nothing can be written.
    pub(crate) fn create(
        &self,
        key: &str,
        images: usize,
        features: usize,
    ) -> Option<CacheWriter<'_>> {
        let path = self.path(key);
        let begun = files::create_cache_dir(&self.dir).map_err(|error| error.to_string());
        let file =
            begun.and_then(|()| AtomicFile::create(&path).map_err(|error| error.to_string()));
        let file = file.map_err(|error| tracing::warn!("features are not cached: {error}")).ok()?;
        let mut writer = CacheWriter { cache: self, file, hash: Sha256::new() };
        writer.put(&head(images, features)).ok()?;
        Some(writer)
    }

    /// Deletes the files that were used longest ago while there are too many bytes, and what killed
    /// processes left. Failing to is no reason to stop.
    fn prune(&self) {
        files::remove_partial(&self.dir);
        let entries = fs::read_dir(&self.dir).into_iter().flatten().flatten();
        let mut found: Vec<(SystemTime, u64, PathBuf)> = entries
            .map(|entry| entry.path())
            .filter(|path| path.extension().is_some_and(|extension| extension == EXTENSION))
            .filter_map(|path| {
                let metadata = fs::metadata(&path).ok()?;
                Some((metadata.modified().ok()?, metadata.len(), path))
            })
            .collect();
        found.sort();
        let mut bytes: u64 = found.iter().map(|(_, length, _)| length).sum();
        // The newest is always kept.
        found.pop();
        for (_, length, path) in found {
            if bytes <= self.most_bytes {
                break;
            }
            let _ = fs::remove_file(path);
            bytes -= length;
        }
    }
}

fn head(images: usize, features: usize) -> [u8; HEAD] {
    let mut head = [0; HEAD];
    head[..8].copy_from_slice(MAGIC);
    head[8..16].copy_from_slice(&(images as u64).to_le_bytes());
    head[16..].copy_from_slice(&(features as u64).to_le_bytes());
    head
}

impl CachedRows {
    /// Reads the whole file once, to know that it is whole.
    fn open(path: &Path, images: usize, features: usize) -> io::Result<Self> {
        let damaged = |what: &str| io::Error::new(io::ErrorKind::InvalidData, what.to_owned());
        let file = files::open_plain(path)?;
        let body = HEAD + 4 * images * features;
        if file.metadata()?.len() != (body + HASH) as u64 {
            return Err(damaged("another length than expected"));
        }
        let mut file = BufReader::with_capacity(1 << 18, file);
        let mut hash = Sha256::new();
        let mut part = vec![0; 1 << 18];
        let mut left = body;
        while left > 0 {
            let part = &mut part[..left.min(1 << 18)];
            file.read_exact(part)?;
            if left == body && part[..HEAD] != head(images, features) {
                return Err(damaged("another head than expected"));
            }
            hash.update(&*part);
            left -= part.len();
        }
        let mut expected = [0; HASH];
        file.read_exact(&mut expected)?;
        if hash.finalize()[..] != expected {
            return Err(damaged("another checksum than expected"));
        }
        file.seek(SeekFrom::Start(HEAD as u64))?;
        // The time of use, by which files are kept. Not every file system lets it be set.
        let _ = file.get_ref().set_modified(SystemTime::now());
        Ok(Self { file, path: path.to_owned(), left: images, features })
    }

    /// The features of the next images, at most `most` of them; none after the last.
    pub fn next(&mut self, most: usize) -> Result<Option<Vec<f32>>> {
        let images = self.left.min(most);
        if images == 0 {
            return Ok(None);
        }
        let mut bytes = vec![0; 4 * images * self.features];
        self.file.read_exact(&mut bytes).map_err(|error| Error::Cache {
            path: self.path.display().to_string(),
            found: error.to_string(),
        })?;
        self.left -= images;
        let numbers = bytes.as_chunks::<4>().0.iter();
        Ok(Some(numbers.map(|bytes| f32::from_le_bytes(*bytes)).collect()))
    }
}

impl CacheWriter<'_> {
    fn put(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.hash.update(bytes);
        self.file.write_all(bytes)
    }

    /// Adds the features of further images; `None` where that failed, so that nothing is cached.
    pub fn write(mut self, numbers: &[f32]) -> Option<Self> {
        let bytes: Vec<u8> = numbers.iter().flat_map(|number| number.to_le_bytes()).collect();
        let written = self.put(&bytes);
        written.map_err(|error| tracing::warn!("features are not cached: {error}")).ok()?;
        Some(self)
    }

    /// Ends the file, and makes room for it.
    pub fn commit(mut self) {
        let hash = self.hash.finalize();
        let written = self.file.write_all(&hash).map_err(|error| error.to_string());
        let written = written.and_then(|()| self.file.commit().map_err(|error| error.to_string()));
        match written {
            Ok(()) => self.cache.prune(),
            Err(error) => tracing::warn!("features are not cached: {error}"),
        }
    }
}

#[cfg(test)]
mod tests;
