//! Fetching STL-10 as published: download, checksum, unpack aside, move into place.
//!
//! What is expected of the archive is data ([`Archive`]), so the tests run this very code on
//! archives of a few bytes from a server that misbehaves.

mod archive;
mod fetch;
mod unpack;

use std::fs::{self, OpenOptions, TryLockError};
use std::path::{Path, PathBuf};

use anyhow::{Context, bail};
use indicatif::{ProgressBar, ProgressStyle};

use crate::Usage;
use crate::digest::md5_of;
use crate::scratch::Scratch;
pub use archive::{Archive, STL10};
pub use fetch::Patience;

/// What [`download`] did.
#[derive(Debug, PartialEq, Eq)]
pub enum Outcome {
    /// Nothing: the files are there and right.
    Present(PathBuf),
    /// Fetched them.
    Fetched(PathBuf),
}

/// Makes sure that `dir` holds the unpacked archive. An interrupted download is taken up where it
/// stopped.
///
/// # Errors
/// [`Usage`] when wrong files are in the way or `url` is of a kind that can't be fetched; any other
/// error when the archive can't be fetched, is not the published one, or can't be written.
pub fn download(
    archive: &Archive,
    dir: &Path,
    url: &str,
    patience: &Patience,
) -> anyhow::Result<Outcome> {
    let target = dir.join(archive.folder);
    if target.exists() {
        return match problem(archive, &target)? {
            None => Ok(Outcome::Present(target)),
            Some(problem) => {
                let hint = format!("move {} away to download it again", target.display());
                Err(Usage(format!("{problem}; {hint}")).into())
            }
        };
    }
    if !url.starts_with("http://") && !url.starts_with("https://") {
        return Err(Usage(format!("--url {url}: expected http:// or https://")).into());
    }
    fs::create_dir_all(dir).with_context(|| format!("cannot make {}", dir.display()))?;
    let part = dir.join(format!("{}.tar.gz.part", archive.folder));
    let fetched = fetch_whole(archive, &part, url, patience).and_then(|()| {
        let scratch = Scratch::create(dir.join(format!(".{}.partial", archive.folder)))?;
        println!("==> unpacking {}", part.display());
        unpack::unpack(archive, &part, scratch.path())
            .with_context(|| format!("cannot unpack {}", part.display()))?;
        scratch.publish(&target)
    });
    let empty = || fs::metadata(&part).is_ok_and(|metadata| metadata.len() == 0);
    if fetched.is_ok() || empty() {
        fs::remove_file(&part).with_context(|| format!("cannot remove {}", part.display()))?;
    }
    fetched.map(|()| Outcome::Fetched(target))
}

/// What is wrong with the unpacked files.
fn problem(archive: &Archive, folder: &Path) -> anyhow::Result<Option<String>> {
    for member in archive.members {
        let path = folder.join(member.name);
        let Ok(metadata) = fs::metadata(&path) else {
            return Ok(Some(format!("{} is missing", path.display())));
        };
        let (size, found) = (member.size, metadata.len());
        if !size.fits(found) {
            return Ok(Some(format!("{}: expected {size}, found {found}", path.display())));
        }
        let Some(expected) = member.md5 else { continue };
        let found = md5_of(&path).with_context(|| format!("cannot read {}", path.display()))?;
        if found != expected {
            return Ok(Some(format!("{}: expected MD5 {expected}, found {found}", path.display())));
        }
    }
    Ok(None)
}

/// Completes the partial file and checks it. What was there before may be of another file: should
/// the whole turn out wrong, it is fetched once more from the start.
fn fetch_whole(
    archive: &Archive,
    path: &Path,
    url: &str,
    patience: &Patience,
) -> anyhow::Result<()> {
    let file = OpenOptions::new().create(true).truncate(false).read(true).write(true).open(path);
    let mut file = file.with_context(|| format!("cannot open {}", path.display()))?;
    match file.try_lock() {
        Ok(()) => {}
        Err(TryLockError::WouldBlock) => bail!("another download writes to {}", path.display()),
        Err(TryLockError::Error(error)) => {
            return Err(error).with_context(|| format!("cannot lock {}", path.display()));
        }
    }
    loop {
        let resumed = file.metadata().with_context(|| format!("cannot read {}", path.display()))?;
        println!("==> downloading {url} to {}", path.display());
        let progress = ProgressBar::new(archive.bytes).with_style(
            ProgressStyle::with_template(
                "{bytes:>11} / {total_bytes} [{wide_bar}] {binary_bytes_per_sec}, {eta} left",
            )
            .expect("the template is well formed"),
        );
        fetch::fetch(url, &mut file, archive.bytes, patience, &progress)?;
        progress.finish_and_clear();
        println!("==> checking {}", path.display());
        let found = md5_of(path).with_context(|| format!("cannot read {}", path.display()))?;
        if found == archive.md5 {
            return Ok(());
        }
        file.set_len(0).with_context(|| format!("cannot write {}", path.display()))?;
        if resumed.len() == 0 {
            bail!("{url}: expected MD5 {}, found {found}; not the published file", archive.md5);
        }
        println!("==> the part downloaded earlier does not fit: starting over");
    }
}

#[cfg(test)]
mod any_archive;
#[cfg(test)]
mod any_bytes;
#[cfg(test)]
mod tests;
