//! Fetches STL-10 as published: download, checksum, unpack aside, move into place.
//!
//! What is expected of the archive is data ([`Archive`]), so the tests run the same code on
//! archives of a few bytes from a server that misbehaves.

mod archive;
mod fetch;
mod unpack;

use std::fs::TryLockError;
use std::path::Path;

use anyhow::{Context, bail};
use fs_err::{self as fs, File};
use indicatif::{ProgressBar, ProgressStyle};

use crate::Usage;
use crate::scratch::Scratch;
pub use archive::{Archive, STL10};
pub use fetch::RetryPolicy;

/// Makes sure that `dir` holds the unpacked archive, and returns whether it had to be fetched.
/// Resumes an interrupted download.
///
/// # Errors
/// [`Usage`] when wrong files are in the way or `url` is not of HTTP; any other error when the
/// archive can't be fetched, is not the published one, or can't be written.
pub fn download(
    archive: &Archive,
    dir: &Path,
    url: &str,
    policy: &RetryPolicy,
) -> anyhow::Result<bool> {
    let target = dir.join(archive.folder);
    if target.exists() {
        let hint = format!("move {} away to download it again", target.display());
        archive.check(&target).map_err(|error| Usage(format!("{error:#}; {hint}")))?;
        return Ok(false);
    }
    if !url.starts_with("http://") && !url.starts_with("https://") {
        return Err(Usage(format!("--url {url}: expected http:// or https://")).into());
    }
    fs::create_dir_all(dir)?;
    let part = dir.join(format!("{}.tar.gz.part", archive.folder));
    let fetched = fetch_archive(archive, &part, url, policy).and_then(|()| {
        let scratch = Scratch::create(dir.join(format!(".{}.partial", archive.folder)))?;
        println!("==> unpacking {}", part.display());
        unpack::unpack(archive, &part, &scratch.path)
            .with_context(|| format!("cannot unpack {}", part.display()))?;
        Ok(scratch.publish(&target)?)
    });
    if fetched.is_ok() || fs::metadata(&part).is_ok_and(|part| part.len() == 0) {
        fs::remove_file(&part)?;
    }
    fetched.map(|()| true)
}

/// Completes the partial file and checks it. An earlier part may be of another file: if the whole
/// turns out wrong, it is fetched once more from the start.
fn fetch_archive(
    archive: &Archive,
    path: &Path,
    url: &str,
    policy: &RetryPolicy,
) -> anyhow::Result<()> {
    let mut file = File::options().create(true).read(true).append(true).open(path)?;
    match file.try_lock() {
        Err(TryLockError::WouldBlock) => bail!("another download writes to {}", path.display()),
        locked => locked?,
    }
    loop {
        let resumed = file.metadata()?.len() > 0;
        println!("==> downloading {url} to {}", path.display());
        let template =
            "{bytes:>11} / {total_bytes} [{wide_bar}] {binary_bytes_per_sec}, {eta} left";
        let style = ProgressStyle::with_template(template).context("a progress bar")?;
        let progress = ProgressBar::new(archive.bytes).with_style(style);
        fetch::fetch(url, &mut file, archive.bytes, policy, &progress)?;
        progress.finish_and_clear();
        println!("==> checking {}", path.display());
        let (expected, found) = (archive.sha256, archive::sha256_of(path)?);
        if found == expected {
            return Ok(());
        }
        file.set_len(0)?;
        if !resumed {
            bail!("{url}: expected SHA-256 {expected}, found {found}; not the published file");
        }
        println!("==> the part downloaded earlier does not fit: starting over");
    }
}

#[cfg(test)]
mod any_archive;
#[cfg(test)]
mod tests;
