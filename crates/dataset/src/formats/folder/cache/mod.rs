//! The packed cache: what decoding and resizing a folder gave, as binaries that the next opening
//! maps.
//!
//! A packed set is named by its folder and size and by a key over every file's relative path,
//! label, length and time of change. Hashing the contents would be safer, but means reading
//! everything each time; a file that changes and keeps both length and time is not noticed. A file
//! that changes while it is packed is told by the same marks.
//!
//! Where the key is another one, images of files that have not changed are copied from the sets
//! that are there, whole or not: of the same folder by path, of any folder by inode or by content.
//! Sets of the same folder and size whose key is no longer right are deleted when a new one is
//! written.
//!
//! A set of the [aspect](crate::Store::Aspect) store has the whole images too, and a key of its
//! own. It serves for the other stores as well.
//!
//! A set packed without what can't be used has a key of its own, and lists what it is without in
//! `left_out.txt`.

mod cleaning;
mod decoded_images;
mod entry;
mod packing;
mod record;
mod stored_images;

use std::collections::HashMap;
use std::fs;
use std::path::{Path, PathBuf};

use files::hex;
use rayon::prelude::*;
use sha2::{Digest, Sha256};

use super::bad_files::BadFiles;
use super::file_stamp::FileStamp;
use super::listing::{Files, Listing};
use crate::formats::stl10;
use crate::whole_image::WholeImages;
use crate::{Dataset, Error, OpenOptions, Split, Store};

use cleaning::{remove, remove_outdated, remove_partial};
use decoded_images::DecodedImages;
use packing::Packing;
use record::Record;

pub use entry::{CacheEntry, cache_entries};
pub(super) use record::ContentHash;
pub(crate) use stored_images::StoredImages;

/// Changes whenever decoding or resizing would give other bytes, or other files are kept.
const VERSION: &[u8] = b"packed 4";
/// The same for whole images.
const ASPECT_VERSION: &[u8] = b"aspect 1";

/// The splits by the numbers that records have.
const SPLITS: [&str; 3] = ["unlabeled", "train", TEST];
/// The split that isn't trained on, of which no whole images are kept.
pub(super) const TEST: &str = "test";

/// Times that a set is packed which another process deletes before it is opened.
const ATTEMPTS: usize = 20;

/// What a packed set is without: a line each.
const LEFT_OUT: &str = "left_out.txt";

/// Where the packed form of a folder is, or will be.
#[derive(Debug)]
pub(super) struct PackedSet {
    cache_dir: PathBuf,
    /// The folder, links resolved, and a hash of that.
    folder: PathBuf,
    place: u64,
    /// What the names of packed sets of this folder and size begin with.
    family: String,
    /// Names with center squares alone, and with whole images too.
    square: String,
    aspect: String,
    image_size: usize,
    stamps: Vec<Vec<Option<FileStamp>>>,
}

impl PackedSet {
    /// The place for `listing`, the images of `dir`.
    pub fn plan(
        dir: &Path,
        listing: &Listing,
        options: &OpenOptions<'_>,
        bad: &BadFiles,
    ) -> Result<Self, Error> {
        let cache_dir = match &options.cache_dir {
            Some(dir) => dir.clone(),
            None => default_dir()?,
        };
        let folder = fs::canonicalize(dir).map_err(Error::io(dir, "open"))?;
        let place = hash(folder.as_os_str().as_encoded_bytes());
        let family = format!("{}-{}-", hex(&place.to_be_bytes()), options.image_size);
        let stamps = stamps(listing, bad)?;
        let [square, aspect] = keys(dir, listing, &stamps, bad);
        let [square, aspect] = [square, aspect].map(|key| format!("{family}{key}"));
        let image_size = options.image_size;
        Ok(Self { cache_dir, folder, place, family, square, aspect, image_size, stamps })
    }

    /// Where it is, for some store.
    pub fn path(&self) -> PathBuf {
        self.find(Store::Square).unwrap_or_else(|| self.cache_dir.join(&self.square))
    }

    /// Where it is for a store, if it is there.
    fn find(&self, store: Store) -> Option<PathBuf> {
        let names: &[&String] = match store {
            Store::Aspect => &[&self.aspect],
            Store::Square | Store::Encoded => &[&self.square, &self.aspect],
        };
        names.iter().map(|name| self.cache_dir.join(name)).find(|path| path.exists())
    }

    /// Whether it is there for a store.
    pub fn exists(&self, store: Store) -> bool {
        self.find(store).is_some()
    }

    /// The stamps of files by split, in the order of the listing.
    pub fn stamps(&self) -> &[Vec<Option<FileStamp>>] {
        &self.stamps
    }

    /// The hash of each image's path relative to the folder, by its place in a split.
    pub fn path_hashes(&self, split: &str) -> HashMap<usize, u64> {
        let records = record::read(&self.path(), self.image_size);
        let records = records.map_or(Vec::new(), |(_, records)| records);
        let number = number_of(split);
        let of_split = records.iter().filter(|record| record.split == number);
        of_split.map(|record| (record.place as usize, record.path)).collect()
    }

    /// The hash of each file's content, its split, and its place in that; none before it is packed.
    pub fn contents(&self) -> Vec<(ContentHash, &'static str, usize)> {
        let records = record::read(&self.path(), self.image_size);
        let records = records.map_or(Vec::new(), |(_, records)| records);
        let split = |record: &Record| SPLITS.get(usize::from(record.split)).copied();
        let of = |record: Record| Some((record.content, split(&record)?, record.place as usize));
        records.into_iter().filter_map(of).collect()
    }

    /// Opens the packed form; makes it first where it is not there.
    pub fn open_or_pack(
        &self,
        dir: &Path,
        listing: &Listing,
        options: &OpenOptions<'_>,
        bad: &mut BadFiles,
    ) -> Result<Dataset, Error> {
        let Self { cache_dir, folder, place, family, stamps, .. } = self;
        let store = options.store;
        let name = if store == Store::Aspect { &self.aspect } else { &self.square };
        let packed = cache_dir.join(name);
        let mut attempt = 0;
        loop {
            attempt += 1;
            if let Some(found) = self.find(store) {
                match self.reopen(&found, listing, store, bad) {
                    Ok(dataset) => return Ok(dataset),
                    Err(error) => {
                        tracing::warn!(%error, "a packed set is damaged and is made anew");
                        remove(&found)?;
                    }
                }
            }
            let earlier = DecodedImages::find(cache_dir, *place, options.image_size, store);
            let packing = Packing { dir, folder, place: *place, listing, stamps, earlier, options };
            packing.run(&packed, bad)?;
            let dataset = self.reopen(&packed, listing, store, bad);
            // Deleted by another process, for which it is outdated.
            if dataset.is_err() && attempt < ATTEMPTS {
                continue;
            }
            remove_outdated(cache_dir, family, name);
            remove_partial(cache_dir, *place, options.image_size);
            return dataset;
        }
    }

    /// Opens the packed set of `listing`, and adds what it is without to what is left out.
    fn reopen(
        &self,
        packed: &Path,
        listing: &Listing,
        store: Store,
        bad: &mut BadFiles,
    ) -> Result<Dataset, Error> {
        let mut dataset = stl10::open_part(packed)?;
        // Binaries may lack splits, and so does what another process deletes meanwhile.
        let whole = listing.splits().all(|(name, files)| {
            let found = dataset.split(name).map_or(0, Split::len);
            found == files.paths.len() || bad.is_left_out() && found > 0
        });
        if !whole {
            let path = packed.to_owned();
            return Err(Error::Missing { path, expected: "the images of a folder" });
        }
        if store == Store::Aspect {
            for (split, _) in listing.splits().filter(|(split, _)| *split != TEST) {
                let count = dataset.split(split).map_or(0, Split::len);
                let whole = StoredImages::open(packed, split, self.image_size, count)?;
                dataset.add_whole_images(split, WholeImages::Stored(whole));
            }
        }
        entry::note_use(packed);
        if let BadFiles::LeftOut(lines) = bad {
            let path = packed.join(LEFT_OUT);
            let text = files::read_text(&path)?;
            lines.extend(text.lines().map(String::from));
        }
        Ok(dataset)
    }
}

/// The number of a split in records.
fn number_of(split: &str) -> u8 {
    SPLITS.iter().position(|name| *name == split).expect("one of three") as u8
}

/// The first 64 bits of a SHA-256 sum.
fn hash(bytes: &[u8]) -> u64 {
    u64::from_be_bytes(Sha256::digest(bytes)[..8].try_into().expect("eight bytes"))
}

/// The stamps of all files, a list a split; none for a file that is to be left out.
fn stamps(listing: &Listing, bad: &BadFiles) -> Result<Vec<Vec<Option<FileStamp>>>, Error> {
    let stamp = |path: &PathBuf| match listing.source.stamp(path) {
        Ok(stamp) => Ok(Some(stamp)),
        Err(_) if bad.is_left_out() => Ok(None),
        Err(error) => Err(error),
    };
    let of_split = |(_, files): (_, &Files)| files.paths.par_iter().map(stamp).collect();
    listing.splits().map(of_split).collect()
}

/// Hashes over everything that the packed bytes depend on, besides folder and size: without and
/// with whole images.
fn keys(
    dir: &Path,
    listing: &Listing,
    stamps: &[Vec<Option<FileStamp>>],
    bad: &BadFiles,
) -> [String; 2] {
    let mut hash = Sha256::new();
    hash.update(VERSION);
    if bad.is_left_out() {
        hash.update("left out");
    }
    for ((split, files), stamps) in listing.splits().zip(stamps) {
        hash.update(split);
        hash.update((files.paths.len() as u64).to_le_bytes());
        for (i, (path, stamp)) in files.paths.iter().zip(stamps).enumerate() {
            let name = below(dir, path).as_os_str().as_encoded_bytes();
            hash.update((name.len() as u64).to_le_bytes());
            hash.update(name);
            hash.update(stamp.as_ref().map_or([0; 24], FileStamp::content_bytes));
            hash.update(files.labels.as_ref().map_or(0, |labels| labels[i]).to_le_bytes());
        }
    }
    let aspect = hash.clone().chain_update(ASPECT_VERSION);
    [hash, aspect].map(|hash| hex(&hash.finalize()[..16]))
}

/// The hash of the path of a listed file, relative to the folder, that records have.
pub(super) fn path_hash(dir: &Path, path: &Path) -> u64 {
    hash(below(dir, path).as_os_str().as_encoded_bytes())
}

/// The path of a listed file from the folder on.
fn below<'a>(dir: &Path, path: &'a Path) -> &'a Path {
    path.strip_prefix(dir).unwrap_or(path)
}

/// `twinview/packed` in the user's cache folder.
fn default_dir() -> Result<PathBuf, Error> {
    files::cache_dir("packed").ok_or_else(|| Error::Argument {
        name: "cache folder",
        expected: "XDG_CACHE_HOME or HOME in the environment".into(),
        found: "neither".into(),
    })
}
