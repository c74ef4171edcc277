//! Putting a libtorch together in the cache: fetch, unpack aside, move into place.

use std::fs::{self, File, OpenOptions, Permissions, TryLockError};
use std::io::{self, BufReader, BufWriter, Write};
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::{Path, PathBuf};

use anyhow::{Context, bail};

use super::pip::Pip;
use super::wheels::{Flavour, Wheel};
use crate::scratch::{Interruptible, Scratch};

/// Whether the folder is a libtorch that [`install`] finished.
pub fn is_finished(folder: &Path, flavour: Flavour) -> bool {
    let version = fs::read_to_string(folder.join("build-version"));
    version.is_ok_and(|text| text.trim() == flavour.build_version())
        && folder.join("lib/libtorch_cpu.so").is_file()
}

/// Makes sure that the libtorch stands in `cache`, and says where. Offline and instant when it
/// does.
///
/// # Errors
/// When a wheel can't be fetched or is not the pinned one, or the disk is full.
pub fn install(
    cache: &Path,
    flavour: Flavour,
    wheels: &[Wheel],
    python: &Path,
) -> anyhow::Result<PathBuf> {
    let target = cache.join(flavour.folder());
    if is_finished(&target, flavour) {
        return Ok(target);
    }
    fs::create_dir_all(cache).with_context(|| format!("cannot make {}", cache.display()))?;
    let _lock = lock(&cache.join("setup.lock"))?;
    if is_finished(&target, flavour) {
        return Ok(target); // by the one we waited for
    }
    let folder = cache.join("wheels");
    fs::create_dir_all(&folder).with_context(|| format!("cannot make {}", folder.display()))?;
    let pip = Pip::find(python)?;
    let fetched = wheels.iter().map(|wheel| pip.fetch(wheel, &folder));
    let fetched = fetched.collect::<anyhow::Result<Vec<_>>>()?;

    let scratch = Scratch::create(cache.join(format!("{}.partial", flavour.folder())))?;
    for wheel in &fetched {
        println!("==> unpacking {}", wheel.display());
        unpack(wheel, scratch.path(), flavour)
            .with_context(|| format!("cannot unpack {}", wheel.display()))?;
    }
    if flavour == Flavour::Cpu {
        symlink("libtorch_cpu.so", scratch.path().join("lib/libtorch.so"))
            .context("cannot link libtorch.so")?;
    }
    // Last, as it is what says that the rest is there.
    fs::write(scratch.path().join("build-version"), flavour.build_version() + "\n")
        .context("cannot write build-version")?;
    scratch.publish(&target)?;
    for wheel in &fetched {
        fs::remove_file(wheel).with_context(|| format!("cannot remove {}", wheel.display()))?;
    }
    let _ = fs::remove_dir(&folder); // stays when wheels of another set-up are in it
    Ok(target)
}

/// Waits until no other set-up is at work on this cache. The lock goes with the returned file.
fn lock(path: &Path) -> anyhow::Result<File> {
    let file = OpenOptions::new().create(true).truncate(false).write(true).open(path);
    let file = file.with_context(|| format!("cannot open {}", path.display()))?;
    match file.try_lock() {
        Ok(()) => return Ok(file),
        Err(TryLockError::WouldBlock) => println!("==> waiting for another set-up to finish"),
        Err(TryLockError::Error(error)) => {
            return Err(error).with_context(|| format!("cannot lock {}", path.display()));
        }
    }
    file.lock().with_context(|| format!("cannot lock {}", path.display()))?;
    Ok(file)
}

/// Unpacks the wanted files of one wheel.
fn unpack(wheel: &Path, target: &Path, flavour: Flavour) -> anyhow::Result<()> {
    let mut archive = zip::ZipArchive::new(BufReader::new(File::open(wheel)?))?;
    for index in 0..archive.len() {
        let mut entry = archive.by_index(index)?;
        // Refuses names that would lead out of the folder.
        let Some(name) = entry.enclosed_name() else {
            bail!("unsafe path {:?} in the archive", entry.name());
        };
        let place = name.to_str().and_then(|name| flavour.place(name));
        let Some(place) = place.filter(|_| entry.is_file()) else {
            continue;
        };
        let path = target.join(place);
        let mode = entry.unix_mode().map_or(0o644, |mode| mode & 0o755 | 0o600);
        write(&mut Interruptible(&mut entry), &path, mode)
            .with_context(|| format!("cannot write {}", path.display()))?;
    }
    Ok(())
}

fn write(source: &mut impl io::Read, path: &Path, mode: u32) -> io::Result<()> {
    if let Some(parent) = path.parent() {
        fs::create_dir_all(parent)?;
    }
    let mut file = BufWriter::with_capacity(1 << 18, File::create(path)?);
    io::copy(source, &mut file)?;
    file.flush()?;
    fs::set_permissions(path, Permissions::from_mode(mode))
}

#[cfg(test)]
#[path = "install_tests.rs"]
mod tests;
