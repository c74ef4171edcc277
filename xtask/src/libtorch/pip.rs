//! Fetching wheels with the user's own pip, which knows their index, proxy and certificates.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, bail};

use super::wheels::{VERSION, Wheel};
use crate::digest::sha256_of;
use crate::workspace::{self, output};

/// A pip that was found to work.
pub struct Pip {
    python: PathBuf,
    resume: bool,
}

impl Pip {
    /// Looks for pip in the given Python.
    ///
    /// # Errors
    /// When there is no such Python, or it has no pip.
    pub fn find(python: &Path) -> anyhow::Result<Self> {
        let name = python.display();
        let instead = format!("or set LIBTORCH to the folder of a libtorch {VERSION}");
        let mut help = Command::new(python);
        help.args(["-m", "pip", "download", "--help"]);
        match output(help)? {
            None => bail!("{name} not found, whose pip fetches libtorch: install it, {instead}"),
            Some(help) if !help.status.success() => {
                bail!("{name} has no pip, which fetches libtorch: install it, {instead}")
            }
            Some(help) => {
                let resume = String::from_utf8_lossy(&help.stdout).contains("--resume-retries");
                Ok(Self { python: python.to_owned(), resume })
            }
        }
    }

    /// Makes sure that the wheel is in `folder`, whole, and says where.
    ///
    /// # Errors
    /// When pip fails, or what it fetched is not the pinned file.
    pub fn fetch(&self, wheel: &Wheel, folder: &Path) -> anyhow::Result<PathBuf> {
        let path = folder.join(wheel.file);
        if path.is_file() {
            if verify(&path, wheel).is_ok() {
                return Ok(path);
            }
            fs::remove_file(&path).with_context(|| format!("cannot remove {}", path.display()))?;
        }
        let mut command = Command::new(&self.python);
        command.args(["-m", "pip", "download", "--disable-pip-version-check"]);
        command.args(["--no-deps", "--only-binary=:all:", "--dest"]).arg(folder);
        if self.resume {
            command.args(["--resume-retries", "10"]);
        }
        workspace::run({
            command.args(wheel.pip_args());
            command
        })?;
        if !path.is_file() {
            bail!("pip reported success but did not deliver {}", path.display());
        }
        verify(&path, wheel).inspect_err(|_| {
            // Or the next run would find it and blame it again.
            let _ = fs::remove_file(&path);
        })?;
        Ok(path)
    }
}

fn verify(path: &Path, wheel: &Wheel) -> anyhow::Result<()> {
    let found = sha256_of(path).with_context(|| format!("cannot read {}", path.display()))?;
    let expected = wheel.sha256;
    if found != expected {
        bail!("checksum mismatch in {}: expected sha256 {expected}, found {found}", path.display());
    }
    Ok(())
}
