//! The packed cache: what decoding and resizing a folder gave, as binaries that the next opening maps.
//!
//! A packed set is named by its folder and size and by a key over every file's relative path, label, length and
//! time of change. Hashing the contents would be safer, but means reading everything each time; a file that
//! changes and keeps both length and time is not noticed. Sets of the same folder and size whose key is
//! no longer right are deleted when a new one is written.

use std::env;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::time::UNIX_EPOCH;

use rayon::prelude::*;
use sha2::{Digest, Sha256};

use super::decode::decode;
use super::scan::{Files, Listing};
use crate::fingerprint::hex;
use crate::fit::Fitter;
use crate::output::NewFolder;
use crate::progress::Job;
use crate::stl10::{self, Order, Shape};
use crate::{Dataset, Error, OpenOptions};

/// Changes whenever decoding or resizing would give other bytes.
const VERSION: &[u8] = b"packed 1";

/// Opens the packed form of `listing`, the images of `dir`; makes it first where it is not there.
pub(super) fn open_or_pack(
    dir: &Path,
    listing: &Listing,
    options: &OpenOptions<'_>,
) -> Result<Dataset, Error> {
    let cache_dir = match &options.cache_dir {
        Some(dir) => dir.clone(),
        None => default_dir()?,
    };
    let dir = fs::canonicalize(dir).map_err(Error::io(dir, "open"))?;
    let family = format!(
        "{}-{}-",
        hex(&Sha256::digest(dir.as_os_str().as_encoded_bytes())[..8]),
        options.image_size
    );
    let name = format!("{family}{}", key(&dir, listing)?);
    let packed = cache_dir.join(&name);
    if packed.exists() {
        match stl10::open(&packed) {
            Ok(dataset) => return Ok(dataset),
            Err(error) => {
                tracing::warn!(%error, "a packed set is damaged and is made anew");
                fs::remove_dir_all(&packed).map_err(Error::io(&packed, "replace"))?;
            }
        }
    }
    pack(listing, &packed, options)?;
    remove_outdated(&cache_dir, &family, &name);
    stl10::open(&packed)
}

fn pack(listing: &Listing, packed: &Path, options: &OpenOptions<'_>) -> Result<(), Error> {
    let size = options.image_size;
    let mut shape = Shape::new(size, size, listing.class_names.len(), Order::RowMajor);
    let folder = NewFolder::begin(packed)?;
    let total = listing.splits().map(|(_, files)| files.paths.len()).sum();
    let mut job = Job::begin("decoding images", total, options.progress);
    for (split, files) in listing.splits() {
        shape.set_count(split, files.paths.len());
        let (images, labels) = stl10::file_names(split);
        decode_all(files, &folder.path().join(images), &shape, &mut job)?;
        if let Some(classes) = &files.labels {
            stl10::write_labels(&folder.path().join(labels), classes, &shape)?;
        }
    }
    shape.write(folder.path())?;
    match folder.finish() {
        // Another process was faster; what it packed is the same.
        Err(Error::OutputExists { .. }) => Ok(()),
        other => other,
    }
}

fn decode_all(files: &Files, path: &Path, shape: &Shape, job: &mut Job<'_>) -> Result<(), Error> {
    stl10::write_images(
        path,
        files.paths.len(),
        shape.image_bytes(),
        job,
        Fitter::new,
        |fitter, index, planes| {
            let image = decode(&files.paths[index])?;
            fitter.fit_pixels(&image, planes, shape.width);
            Ok(())
        },
    )
}

/// Hash over everything that the packed bytes depend on, besides folder and size.
fn key(dir: &Path, listing: &Listing) -> Result<String, Error> {
    let mut hash = Sha256::new();
    hash.update(VERSION);
    for (split, files) in listing.splits() {
        let stamps: Result<Vec<_>, Error> =
            files.paths.par_iter().map(|path| stamp(path)).collect();
        hash.update(split);
        hash.update((files.paths.len() as u64).to_le_bytes());
        for (i, (path, stamp)) in files.paths.iter().zip(stamps?).enumerate() {
            let name = path
                .strip_prefix(dir)
                .unwrap_or(path)
                .as_os_str()
                .as_encoded_bytes();
            hash.update((name.len() as u64).to_le_bytes());
            hash.update(name);
            hash.update(stamp);
            hash.update(
                files
                    .labels
                    .as_ref()
                    .map_or(0, |labels| labels[i])
                    .to_le_bytes(),
            );
        }
    }
    Ok(hex(&hash.finalize()[..16]))
}

/// Length and time of change.
fn stamp(path: &Path) -> Result<[u8; 24], Error> {
    let metadata = fs::metadata(path).map_err(Error::io(path, "open"))?;
    let modified = metadata.modified().map_err(Error::io(path, "open"))?;
    let nanos = match modified.duration_since(UNIX_EPOCH) {
        Ok(since) => since.as_nanos() as i128,
        Err(before) => -(before.duration().as_nanos() as i128),
    };
    let mut stamp = [0; 24];
    stamp[..8].copy_from_slice(&metadata.len().to_le_bytes());
    stamp[8..].copy_from_slice(&nanos.to_le_bytes());
    Ok(stamp)
}

/// Deletes packed sets of the same folder and size under other keys. Failing to is no reason to stop.
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
    let absolute = |variable: &str| {
        env::var_os(variable)
            .map(PathBuf::from)
            .filter(|path| path.is_absolute())
    };
    let cache = absolute("XDG_CACHE_HOME")
        .or_else(|| absolute("HOME").map(|home| home.join(".cache")))
        .or_else(|| absolute("LOCALAPPDATA"));
    let cache = cache.ok_or_else(|| Error::Argument {
        name: "cache folder",
        expected: "XDG_CACHE_HOME or HOME in the environment".into(),
        found: "neither".into(),
    })?;
    Ok(cache.join("twinview").join("packed"))
}
