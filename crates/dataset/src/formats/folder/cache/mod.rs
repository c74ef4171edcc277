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
//! A set packed without what can't be used has a key of its own, and lists what it is without in
//! `left_out.txt`.

mod cleaning;
mod decoded_images;
mod entry;
mod record;

use std::collections::{BTreeMap, HashSet};
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

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
use crate::resize::Resizer;
use crate::{Dataset, Error, OpenOptions};

use cleaning::{remove, remove_outdated, remove_partial};
use decoded_images::DecodedImages;
use record::{RECORDS, Record, RecordWriter};

pub use entry::{CacheEntry, cache_entries};
pub(super) use record::ContentHash;

/// Changes whenever decoding or resizing would give other bytes, or other files are kept.
const VERSION: &[u8] = b"packed 4";

/// The splits by the numbers that records have.
const SPLITS: [&str; 3] = ["unlabeled", "train", "test"];

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
    name: String,
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
        let name = format!("{family}{}", key(dir, listing, &stamps, bad));
        let image_size = options.image_size;
        Ok(Self { cache_dir, folder, place, family, name, image_size, stamps })
    }

    /// Where it is or will be.
    pub fn path(&self) -> PathBuf {
        self.cache_dir.join(&self.name)
    }

    /// Whether it is there.
    pub fn exists(&self) -> bool {
        self.path().exists()
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
        let Self { cache_dir, folder, place, family, name, stamps, .. } = self;
        let packed = self.path();
        let mut attempt = 0;
        loop {
            attempt += 1;
            if packed.exists() {
                match reopen(&packed, listing, bad) {
                    Ok(dataset) => return Ok(dataset),
                    Err(error) => {
                        tracing::warn!(%error, "a packed set is damaged and is made anew");
                        remove(&packed)?;
                    }
                }
            }
            let earlier = DecodedImages::find(cache_dir, *place, options.image_size);
            let packing = Packing { dir, folder, place: *place, listing, stamps, earlier, options };
            packing.run(&packed, bad)?;
            let dataset = reopen(&packed, listing, bad);
            // Deleted by another process, for which it is outdated.
            if dataset.is_err() && attempt < ATTEMPTS {
                continue;
            }
            remove_outdated(cache_dir, family, name);
            remove_partial(cache_dir, *place, options.image_size);
            return dataset;
        }
    }
}

/// Opens the packed set of `listing`, and adds what it is without to what is left out.
fn reopen(packed: &Path, listing: &Listing, bad: &mut BadFiles) -> Result<Dataset, Error> {
    let dataset = stl10::open_part(packed)?;
    // Binaries may lack splits, and so does what another process deletes meanwhile.
    let whole = listing.splits().all(|(name, files)| {
        let found = dataset.splits().find(|(split, _)| *split == name);
        let found = found.map_or(0, |(_, split)| split.len());
        found == files.paths.len() || bad.is_left_out() && found > 0
    });
    if !whole {
        let path = packed.to_owned();
        return Err(Error::Missing { path, expected: "the images of a folder" });
    }
    entry::note_use(packed);
    if let BadFiles::LeftOut(lines) = bad {
        let path = packed.join(LEFT_OUT);
        let text = files::read_text(&path)?;
        lines.extend(text.lines().map(String::from));
    }
    Ok(dataset)
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
    /// Where files can't be used and `bad` refuses: after all files have been looked at. What was
    /// decoded is left in the cache then, and where the job is interrupted.
    fn run(&self, packed: &Path, bad: &BadFiles) -> Result<(), Error> {
        let size = self.options.image_size;
        let mut shape = Shape::new(size, size, self.listing.class_names.len(), Order::RowMajor);
        if let Some(cache_dir) = packed.parent() {
            files::create_cache_dir(cache_dir).map_err(Error::io(cache_dir, "write"))?;
        }
        let folder = match AtomicFolder::create(packed) {
            Err(FolderError::NotEmpty { .. }) => return Ok(()),
            folder => folder?,
        };
        let records = RecordWriter::create(folder.path(), self.place, size);
        let records = records.map_err(Error::io(packed, "write"))?;
        entry::note_source(folder.path(), self.folder)?;
        let total = self.listing.splits().map(|(_, files)| files.paths.len()).sum();
        let job = Job::begin("decoding images", total, self.options.progress)?;
        let mut unusable = Vec::new();
        for ((split, files), stamps) in self.listing.splits().zip(self.stamps) {
            let images = folder.path().join(stl10::file_names(split).0);
            let part = SplitPacking { packing: self, split: number_of(split), files, stamps };
            match part.decode_all(&images, &shape, &job, &records) {
                Err(Error::Interrupted) => {
                    leave(folder, &records);
                    return Err(Error::Interrupted);
                }
                decoded => unusable.push(decoded?),
            }
        }
        if !bad.is_left_out()
            && let Some(error) = refusal(&unusable)
        {
            leave(folder, &records);
            return Err(error);
        }
        self.finish(&folder, &mut shape, unusable, &records, bad)?;
        let committed = folder.commit();
        // Until here it is locked: others delete what nobody is writing.
        drop(records);
        match committed {
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
        records: &RecordWriter,
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
        if unusable.iter().any(|unusable| !unusable.is_empty()) {
            let of_split = |split: u8| {
                let mut splits = self.listing.splits().zip(&unusable);
                let found = splits.find(|((name, _), _)| number_of(name) == split);
                found.expect("a split of the listing").1
            };
            let mut kept = records.records();
            for record in &mut kept {
                let before = of_split(record.split).range(..record.place as usize).count();
                record.place -= before as u32;
            }
            records.replace(&kept).map_err(Error::io(&folder.join(RECORDS), "write"))?;
        }
        shape.write(folder)
    }
}

/// Leaves what was decoded, if anything was.
fn leave(folder: AtomicFolder, records: &RecordWriter) {
    if !records.records().is_empty() {
        folder.leave();
    }
}

/// Why files can't be used, as one error, each with a line in the log if there are several.
fn refusal(unusable: &[BTreeMap<usize, Error>]) -> Option<Error> {
    let errors: Vec<&Error> = unusable.iter().flat_map(BTreeMap::values).collect();
    let first = errors.first()?.to_string();
    if errors.len() > 1 {
        errors.iter().for_each(|error| tracing::warn!("{error}"));
    }
    let by_system = errors.iter().all(|error| error.is_of_system());
    Some(Error::Unusable { files: errors.len(), first, by_system })
}

/// A split being packed.
struct SplitPacking<'a> {
    packing: &'a Packing<'a>,
    split: u8,
    files: &'a Files,
    stamps: &'a [Option<FileStamp>],
}

impl SplitPacking<'_> {
    /// Decodes the images of the split into one file. What can't be used is black there, and handed
    /// back by its index.
    fn decode_all(
        &self,
        path: &Path,
        shape: &Shape,
        job: &Job<'_>,
        records: &RecordWriter,
    ) -> Result<BTreeMap<usize, Error>, Error> {
        let unusable = Mutex::new(BTreeMap::new());
        stl10::write_images(
            path,
            self.files.paths.len(),
            shape.image_bytes(),
            job,
            Resizer::new,
            |fitter, index, planes| {
                match self.decode_one(fitter, index, planes) {
                    Ok(Some(record)) => records.add(record).map_err(Error::io(path, "write"))?,
                    Ok(None) => {}
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

    /// The pixels of one file: from an earlier opening, or decoded. No record without a stamp.
    fn decode_one(
        &self,
        resizer: &mut Resizer,
        index: usize,
        planes: &mut [u8],
    ) -> Result<Option<Record>, Error> {
        let Packing { dir, earlier, options, .. } = self.packing;
        let (path, stamp) = (&self.files.paths[index], self.stamps[index]);
        let name = hash(below(dir, path).as_os_str().as_encoded_bytes());
        let found = stamp.and_then(|stamp| earlier.copy_of_file(name, stamp, planes));
        let (content, pixels) = match found {
            Some(Record { content, pixels, .. }) => (content, pixels),
            None => {
                let bytes = self.packing.listing.source.read(path, stamp)?;
                let content = Sha256::digest(&bytes)[..16].try_into().expect("sixteen bytes");
                match earlier.copy_of_content(&content, planes) {
                    Some(record) => (content, record.pixels),
                    None => {
                        let image = decode(path, &bytes, options.image_size)?;
                        resizer.fit_image(&image, planes, options.image_size);
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

/// Hash over everything that the packed bytes depend on, besides folder and size.
fn key(dir: &Path, listing: &Listing, stamps: &[Vec<Option<FileStamp>>], bad: &BadFiles) -> String {
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
    hex(&hash.finalize()[..16])
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
