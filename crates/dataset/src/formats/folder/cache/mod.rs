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
//! A set of the [aspect](crate::Store::Aspect) store has the whole images too, and a key of its own.
//! It serves for the other stores as well.
//!
//! A set packed without what can't be used has a key of its own, and lists what it is without in
//! `left_out.txt`.

mod decoded_images;
mod entry;
mod record;
mod stored_images;

use std::collections::{BTreeMap, HashMap, HashSet};
use std::fs::{self, TryLockError};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use files::{AtomicFolder, FolderError, hex};
use rayon::prelude::*;
use sha2::{Digest, Sha256};

use super::bad_files::BadFiles;
use super::decode::decode;
use super::file_stamp::FileStamp;
use super::listing::{Files, Listing, no_images};
use crate::formats::stl10::{self, Order, Shape};
use crate::names::Names;
use crate::progress::Job;
use crate::resize::{Planes, Resizer};
use crate::store::aspect_side;
use crate::whole_image::WholeImages;
use crate::{Dataset, Error, OpenOptions, Split, Store};

use decoded_images::DecodedImages;
use record::{RECORDS, Record, RecordWriter};
use stored_images::WholeWriter;

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

/// After which unfinished sets of other folders are deleted.
const WEEK: Duration = Duration::from_secs(7 * 24 * 3600);

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
        if let Some(packed) = self.find(store) {
            match self.reopen(&packed, listing, store, bad) {
                Ok(dataset) => return Ok(dataset),
                Err(error) => {
                    tracing::warn!(%error, "a packed set is damaged and is made anew");
                    fs::remove_dir_all(&packed).map_err(Error::io(&packed, "replace"))?;
                }
            }
        }
        let name = if store == Store::Aspect { &self.aspect } else { &self.square };
        let packed = cache_dir.join(name);
        let earlier = DecodedImages::find(cache_dir, *place, options.image_size, store);
        let packing = Packing { dir, folder, place: *place, listing, stamps, earlier, options };
        packing.run(&packed, bad)?;
        remove_outdated(cache_dir, family, name);
        remove_partial(cache_dir, *place, options.image_size);
        self.reopen(&packed, listing, store, bad)
    }

    /// Opens a packed set, and adds what it is without to what is left out.
    fn reopen(
        &self,
        packed: &Path,
        listing: &Listing,
        store: Store,
        bad: &mut BadFiles,
    ) -> Result<Dataset, Error> {
        let mut dataset = stl10::open_part(packed)?;
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
            let text = fs::read_to_string(&path).map_err(Error::io(&path, "read"))?;
            lines.extend(text.lines().map(String::from));
        }
        Ok(dataset)
    }
}

/// A folder being packed.
struct Packing<'a> {
    dir: &'a Path,
    /// The folder, links resolved, and a hash of that.
    folder: &'a Path,
    place: u64,
    listing: &'a Listing,
    stamps: &'a [Vec<Option<FileStamp>>],
    earlier: DecodedImages,
    options: &'a OpenOptions<'a>,
}

impl Packing<'_> {
    /// Packs into `packed`.
    ///
    /// # Errors
    /// Where files can't be used and `bad` refuses: after all files have been looked at, and with
    /// what was decoded left in the cache.
    fn run(&self, packed: &Path, bad: &BadFiles) -> Result<(), Error> {
        let size = self.options.image_size;
        let mut shape = Shape::new(size, size, self.listing.class_names.len(), Order::RowMajor);
        if let Some(cache_dir) = packed.parent() {
            files::create_cache_dir(cache_dir).map_err(Error::io(cache_dir, "write"))?;
        }
        let folder = AtomicFolder::create(packed)?;
        let records = RecordWriter::create(folder.path(), self.place, size);
        let records = records.map_err(Error::io(packed, "write"))?;
        entry::note_source(folder.path(), self.folder)?;
        let total = self.listing.splits().map(|(_, files)| files.paths.len()).sum();
        let mut job = Job::begin("decoding images", total, self.options.progress);
        let mut unusable = Vec::new();
        for ((split, files), stamps) in self.listing.splits().zip(self.stamps) {
            let images = folder.path().join(stl10::file_names(split).0);
            let whole = (self.options.store == Store::Aspect && split != TEST)
                .then(|| WholeWriter::create(folder.path(), split, size))
                .transpose()
                .map_err(Error::io(packed, "write"))?;
            let part =
                SplitPacking { packing: self, split: number_of(split), files, stamps, whole };
            let of_split = part.decode_all(&images, &shape, &mut job, &records)?;
            if let Some(whole) = part.whole.filter(|_| !of_split.is_empty() && bad.is_left_out()) {
                whole.close_gaps(folder.path(), split, size, &of_split)?;
            }
            unusable.push(of_split);
        }
        if !bad.is_left_out()
            && let Some(error) = refusal(&unusable)
        {
            let decoded = records.into_records();
            if !decoded.is_empty() {
                folder.leave();
            }
            return Err(error);
        }
        self.finish(&folder, &mut shape, unusable, records, bad)?;
        match folder.commit() {
            // Another process was faster; what it packed is the same.
            Err(FolderError::NotEmpty { .. }) => Ok(()),
            other => Ok(other?),
        }
    }

    /// Takes out what can't be used, and writes names, labels and shape.
    fn finish(
        &self,
        folder: &AtomicFolder,
        shape: &mut Shape,
        unusable: Vec<BTreeMap<usize, Error>>,
        records: RecordWriter,
        bad: &BadFiles,
    ) -> Result<(), Error> {
        let folder = folder.path();
        for ((split, files), unusable) in self.listing.splits().zip(&unusable) {
            let (images, labels) = stl10::file_names(split);
            if !unusable.is_empty() {
                stl10::remove_images(&folder.join(images), shape.image_bytes(), unusable)?;
            }
            let kept = files.without(unusable, self.listing.class_folders)?;
            shape.set_count(split, kept.paths.len());
            let names = kept.paths.iter();
            let names = names.map(|path| below(self.dir, path).to_string_lossy());
            Names::write(&folder.join(stl10::names_file(split)), names)?;
            if let Some(classes) = &kept.labels {
                stl10::write_labels(&folder.join(labels), classes, shape)?;
            }
        }
        if bad.is_left_out() {
            let lines = unusable.iter().flat_map(BTreeMap::values);
            let text: String = lines.map(|error| format!("{error}\n")).collect();
            let path = folder.join(LEFT_OUT);
            fs::write(&path, text).map_err(Error::io(&path, "write"))?;
        }
        let mut records = records.into_records();
        if unusable.iter().any(|unusable| !unusable.is_empty()) {
            let of_split = |split: u8| {
                let mut splits = self.listing.splits().zip(&unusable);
                let found = splits.find(|((name, _), _)| number_of(name) == split);
                found.expect("a split of the listing").1
            };
            for record in &mut records {
                let before = of_split(record.split).range(..record.place as usize).count();
                record.place -= before as u32;
            }
            record::rewrite(folder, self.place, self.options.image_size, &records)?;
        }
        shape.write(folder)
    }
}

/// Why files can't be used, as one error, each with a line in the log if there are several.
fn refusal(unusable: &[BTreeMap<usize, Error>]) -> Option<Error> {
    let errors: Vec<&Error> = unusable.iter().flat_map(BTreeMap::values).collect();
    let first = errors.first()?.to_string();
    if errors.len() > 1 {
        errors.iter().for_each(|error| tracing::warn!("{error}"));
    }
    Some(Error::Unusable { files: errors.len(), first })
}

/// A split being packed.
struct SplitPacking<'a> {
    packing: &'a Packing<'a>,
    split: u8,
    files: &'a Files,
    stamps: &'a [Option<FileStamp>],
    /// For whole images, where they are kept too.
    whole: Option<WholeWriter>,
}

impl SplitPacking<'_> {
    /// Decodes the images of the split into one file. What can't be used is black there, and handed
    /// back by its index.
    fn decode_all(
        &self,
        path: &Path,
        shape: &Shape,
        job: &mut Job<'_>,
        records: &RecordWriter,
    ) -> Result<BTreeMap<usize, Error>, Error> {
        let unusable = Mutex::new(BTreeMap::new());
        stl10::write_images(
            path,
            self.files.paths.len(),
            shape.image_bytes(),
            job,
            || (Resizer::new(), Planes::default()),
            |(resizer, whole), index, planes| {
                match self.decode_one(resizer, index, planes, whole) {
                    Ok(record) => {
                        let added = self.whole.as_ref().map_or(Ok(()), |to| to.add(index, whole));
                        let added =
                            added.and_then(|()| record.map_or(Ok(()), |of| records.add(of)));
                        added.map_err(Error::io(path, "write"))?;
                    }
                    Err(error) => {
                        planes.fill(0);
                        let mut unusable = unusable.lock().unwrap_or_else(PoisonError::into_inner);
                        unusable.insert(index, error);
                    }
                }
                Ok(())
            },
        )?;
        Ok(unusable.into_inner().unwrap_or_else(PoisonError::into_inner))
    }

    /// The pixels of one file, and where they are kept the whole ones: from an earlier opening, or
    /// decoded. No record without a stamp.
    fn decode_one(
        &self,
        resizer: &mut Resizer,
        index: usize,
        planes: &mut [u8],
        whole: &mut Planes,
    ) -> Result<Option<Record>, Error> {
        let Packing { dir, earlier, options, .. } = self.packing;
        let (path, stamp) = (&self.files.paths[index], self.stamps[index]);
        let name = path_hash(dir, path);
        let mut whole = self.whole.is_some().then_some(whole);
        let found =
            stamp.and_then(|stamp| earlier.copy_of_file(name, stamp, planes, whole.as_deref_mut()));
        let (content, pixels) = match found {
            Some(Record { content, pixels, .. }) => (content, pixels),
            None => {
                let bytes = self.packing.listing.source.read(path, stamp)?;
                let content = Sha256::digest(&bytes)[..16].try_into().expect("sixteen bytes");
                match earlier.copy_of_content(&content, planes, whole.as_deref_mut()) {
                    Some(record) => (content, record.pixels),
                    None => {
                        let image = decode(path, &bytes, options.image_size)?;
                        resizer.fit_image(&image, planes, options.image_size);
                        if let Some(whole) = whole {
                            resizer.fit_whole(&image, whole, aspect_side(options.image_size));
                        }
                        (content, crc32fast::hash(planes))
                    }
                }
            }
        };
        let record = |stamp| Record {
            split: self.split,
            place: index as u32,
            path: name,
            stamp,
            content,
            pixels,
        };
        Ok(stamp.map(record))
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

impl Files {
    /// These files but for those at some indices.
    ///
    /// # Errors
    /// If the split has none left, or one of its classes where these are folders.
    fn without(
        &self,
        unusable: &BTreeMap<usize, Error>,
        class_folders: bool,
    ) -> Result<Self, Error> {
        let kept: Vec<usize> =
            (0..self.paths.len()).filter(|index| !unusable.contains_key(index)).collect();
        let labels = self.labels.as_ref();
        let label = |index: usize| labels.map(|labels| labels[index]);
        let class = |index: usize| label(index).filter(|_| class_folders);
        let left: HashSet<Option<u16>> = kept.iter().map(|&index| class(index)).collect();
        for &index in unusable.keys() {
            if !left.contains(&class(index)) {
                return Err(no_images(self.paths[index].parent().unwrap_or(Path::new(""))));
            }
        }
        Ok(Self {
            paths: kept.iter().map(|&index| self.paths[index].clone()).collect(),
            labels: labels.map(|labels| kept.iter().map(|&index| labels[index]).collect()),
        })
    }
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

/// Deletes packed sets of the same folder and size under other keys. Failing to is no reason to
/// stop.
fn remove_outdated(cache_dir: &Path, family: &str, current: &str) {
    let Ok(entries) = fs::read_dir(cache_dir) else {
        return;
    };
    for entry in entries.flatten() {
        let name = entry.file_name();
        if name.to_string_lossy().starts_with(family)
            && name != current
            && let Err(error) = fs::remove_dir_all(entry.path())
            && error.kind() != io::ErrorKind::NotFound
        {
            tracing::warn!(path = %entry.path().display(), %error, "cannot delete an outdated packed set");
        }
    }
}

/// Deletes what earlier openings of the same folder left unfinished, and what those of others did
/// a week ago; not what another process is writing.
fn remove_partial(cache_dir: &Path, place: u64, image_size: usize) {
    for entry in fs::read_dir(cache_dir).into_iter().flatten().flatten() {
        let path = entry.path();
        if !files::is_partial(&entry.file_name()) || !path.is_dir() {
            continue;
        }
        let in_use = fs::File::open(path.join(RECORDS))
            .is_ok_and(|file| matches!(file.try_lock(), Err(TryLockError::WouldBlock)));
        let same = record::read(&path, image_size).is_some_and(|(of, _)| of == place);
        let age = entry.metadata().and_then(|metadata| metadata.modified());
        let age = age.ok().and_then(|modified| modified.elapsed().ok());
        if !in_use && (same || age.is_some_and(|age| age > WEEK)) {
            let _ = fs::remove_dir_all(path);
        }
    }
}

/// `twinview/packed` in the user's cache folder.
fn default_dir() -> Result<PathBuf, Error> {
    files::cache_dir("packed").ok_or_else(|| Error::Argument {
        name: "cache folder",
        expected: "XDG_CACHE_HOME or HOME in the environment".into(),
        found: "neither".into(),
    })
}
