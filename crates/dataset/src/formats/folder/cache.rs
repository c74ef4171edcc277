//! The packed cache: what decoding and resizing a folder gave, as binaries that the next opening
//! maps.
//!
//! A packed set is named by its folder and size and by a key over every file's relative path,
//! label, length and time of change. Hashing the contents would be safer, but means reading
//! everything each time; a file that changes and keeps both length and time is not noticed. Sets of
//! the same folder and size whose key is no longer right are deleted when a new one is written. A
//! file that changes while it is packed is told by the same marks.
//!
//! A set packed without what can't be used has a key of its own, and lists what it is without in
//! `left_out.txt`.

use std::collections::{BTreeMap, HashSet};
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use files::{AtomicFolder, FolderError, hex};
use rayon::prelude::*;
use sha2::{Digest, Sha256};

use super::bad_files::BadFiles;
use super::decode::decode;
use super::file_stamp::FileStamp;
use super::scan::{Files, Listing, no_images};
use crate::formats::stl10::{self, Order, Shape};
use crate::names::Names;
use crate::progress::Job;
use crate::resize::Resizer;
use crate::{Dataset, Error, OpenOptions};

/// Changes whenever decoding or resizing would give other bytes, or other files are kept.
const VERSION: &[u8] = b"packed 2";

/// What a packed set is without: a line each.
const LEFT_OUT: &str = "left_out.txt";

/// Opens the packed form of `listing`, the images of `dir`; makes it first where it is not there.
pub(super) fn open_or_pack(
    dir: &Path,
    listing: &Listing,
    options: &OpenOptions<'_>,
    bad: &mut BadFiles,
) -> Result<Dataset, Error> {
    let cache_dir = match &options.cache_dir {
        Some(dir) => dir.clone(),
        None => default_dir()?,
    };
    let place = fs::canonicalize(dir).map_err(Error::io(dir, "open"))?;
    let family = format!(
        "{}-{}-",
        hex(&Sha256::digest(place.as_os_str().as_encoded_bytes())[..8]),
        options.image_size
    );
    let stamps = stamps(listing, bad)?;
    let name = format!("{family}{}", key(dir, listing, &stamps, bad));
    let packed = cache_dir.join(&name);
    if packed.exists() {
        match reopen(&packed, bad) {
            Ok(dataset) => return Ok(dataset),
            Err(error) => {
                tracing::warn!(%error, "a packed set is damaged and is made anew");
                fs::remove_dir_all(&packed).map_err(Error::io(&packed, "replace"))?;
            }
        }
    }
    pack(dir, listing, &stamps, &packed, options, bad)?;
    remove_outdated(&cache_dir, &family, &name);
    reopen(&packed, bad)
}

/// Opens a packed set, and adds what it is without to what is left out.
fn reopen(packed: &Path, bad: &mut BadFiles) -> Result<Dataset, Error> {
    let dataset = stl10::open(packed)?;
    if let BadFiles::LeftOut(lines) = bad {
        let path = packed.join(LEFT_OUT);
        let text = fs::read_to_string(&path).map_err(Error::io(&path, "read"))?;
        lines.extend(text.lines().map(String::from));
    }
    Ok(dataset)
}

fn pack(
    dir: &Path,
    listing: &Listing,
    stamps: &[Vec<Option<FileStamp>>],
    packed: &Path,
    options: &OpenOptions<'_>,
    bad: &BadFiles,
) -> Result<(), Error> {
    let size = options.image_size;
    let mut shape = Shape::new(size, size, listing.class_names.len(), Order::RowMajor);
    let folder = AtomicFolder::create(packed)?;
    let total = listing.splits().map(|(_, files)| files.paths.len()).sum();
    let mut job = Job::begin("decoding images", total, options.progress);
    let mut lines = String::new();
    for ((split, files), stamps) in listing.splits().zip(stamps) {
        let (images, labels) = stl10::file_names(split);
        let images = folder.path().join(images);
        let unusable = decode_all(files, stamps, &images, &shape, &mut job, bad)?;
        if !unusable.is_empty() {
            stl10::remove_images(&images, shape.image_bytes(), &unusable)?;
        }
        let kept = files.without(&unusable)?;
        shape.set_count(split, kept.paths.len());
        let names = kept.paths.iter();
        let names = names.map(|path| below(dir, path).to_string_lossy());
        Names::write(&folder.path().join(stl10::names_file(split)), names)?;
        if let Some(classes) = &kept.labels {
            stl10::write_labels(&folder.path().join(labels), classes, &shape)?;
        }
        lines.extend(unusable.into_values().map(|line| line + "\n"));
    }
    if bad.is_left_out() {
        let path = folder.path().join(LEFT_OUT);
        fs::write(&path, lines).map_err(Error::io(&path, "write"))?;
    }
    shape.write(folder.path())?;
    match folder.commit() {
        // Another process was faster; what it packed is the same.
        Err(FolderError::NotEmpty { .. }) => Ok(()),
        other => Ok(other?),
    }
}

/// Decodes the images of a split into one file; what can't be used is black there, and handed back
/// by its index.
fn decode_all(
    files: &Files,
    stamps: &[Option<FileStamp>],
    path: &Path,
    shape: &Shape,
    job: &mut Job<'_>,
    bad: &BadFiles,
) -> Result<BTreeMap<usize, String>, Error> {
    let unusable = Mutex::new(BTreeMap::new());
    stl10::write_images(
        path,
        files.paths.len(),
        shape.image_bytes(),
        job,
        Resizer::new,
        |fitter, index, planes| {
            match decode(&files.paths[index], stamps[index]) {
                Ok(image) => fitter.fit_pixels(&image, planes, shape.width),
                Err(error) if bad.is_left_out() => {
                    planes.fill(0);
                    let mut unusable = unusable.lock().unwrap_or_else(PoisonError::into_inner);
                    unusable.insert(index, error.to_string());
                }
                Err(error) => return Err(error),
            }
            Ok(())
        },
    )?;
    Ok(unusable.into_inner().unwrap_or_else(PoisonError::into_inner))
}

impl Files {
    /// These files but for those at some indices.
    ///
    /// # Errors
    /// If the split or one of its classes has none left.
    fn without(&self, unusable: &BTreeMap<usize, String>) -> Result<Self, Error> {
        let kept: Vec<usize> =
            (0..self.paths.len()).filter(|index| !unusable.contains_key(index)).collect();
        let labels = self.labels.as_ref();
        let label = |index: usize| labels.map(|labels| labels[index]);
        let left: HashSet<Option<u16>> = kept.iter().map(|&index| label(index)).collect();
        for &index in unusable.keys() {
            if !left.contains(&label(index)) {
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
    let stamp = |path: &PathBuf| match FileStamp::of(path) {
        Ok(stamp) => Ok(Some(stamp)),
        Err(_) if bad.is_left_out() => Ok(None),
        Err(error) => Err(Error::io(path, "open")(error)),
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
            hash.update(stamp.as_ref().map_or(&[0; 24][..], FileStamp::bytes));
            hash.update(files.labels.as_ref().map_or(0, |labels| labels[i]).to_le_bytes());
        }
    }
    hex(&hash.finalize()[..16])
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

/// `twinview/packed` in the user's cache folder.
fn default_dir() -> Result<PathBuf, Error> {
    files::cache_dir("packed").ok_or_else(|| Error::Argument {
        name: "cache folder",
        expected: "XDG_CACHE_HOME or HOME in the environment".into(),
        found: "neither".into(),
    })
}
