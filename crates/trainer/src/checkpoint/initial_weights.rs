//! Weights that an encoder begins with, from a file: of torchvision, of timm, or of another run.
//!
//! A run that begins so keeps them in its folder. What was given may then change or vanish:
//! the run can begin again, and be measured untrained.

use std::fs;
use std::path::{Path, PathBuf};

use models::EncoderConfig;
use run::InitRecord;
use safetensors::SafeTensors;
use serde_json::Value;
use sha2::{Digest, Sha256};

use crate::checkpoint::{self, damaged};
use crate::learner::networks::EncoderAndHead;
use crate::{Error, Learner};

/// The classifiers of torchvision's and of timm's networks, which an encoder doesn't have.
const CLASSIFIERS: [&str; 2] = ["fc.", "head."];

/// Sets the encoders of `learner`, the student's and the teacher's, to the weights in `path`: a
/// file, or the folder of a finished run.
///
/// # Errors
/// As [`load`], and [`Error::Damaged`] for a folder without an encoder.
pub(crate) fn begin_from(path: &Path, learner: &Learner) -> Result<InitRecord, Error> {
    let path = &file_of(path)?;
    let absolute = std::path::absolute(path).unwrap_or_else(|_| path.to_owned());
    if absolute.to_str().is_none() {
        return Err(damaged(path, "a path in UTF-8", "other bytes"));
    }
    let mut sha256 = String::new();
    for networks in learner.networks() {
        sha256 = load(path, networks)?;
    }
    Ok(InitRecord { path: absolute, sha256 })
}

/// The file of weights that `path` is, or has in it.
fn file_of(path: &Path) -> Result<PathBuf, Error> {
    if !path.is_dir() {
        return Ok(path.to_owned());
    }
    let file = path.join(run::file::ENCODER);
    if file.is_file() {
        return Ok(file);
    }
    let found = match path.join(run::file::CONFIG).is_file() {
        true => {
            let name = path.display();
            format!(
                "a run that is not finished; `twinview export {name} --format safetensors --out \
                 encoder.safetensors` writes the weights of its last checkpoint"
            )
        }
        false => format!("a folder without {}", run::file::ENCODER),
    };
    Err(damaged(path, "a file of weights or a finished run", found))
}

/// The `error` of weights that don't fit the encoder `expected`, by what the file itself says it is
/// of, if it does.
pub(crate) fn explain(error: Error, path: &Path, expected: &EncoderConfig) -> Error {
    let encoder = || -> Option<(PathBuf, Value)> {
        let path = file_of(path).ok()?;
        let bytes = fs::read(&path).ok()?;
        let (_, metadata) = SafeTensors::read_metadata(&bytes).ok()?;
        let about: Value =
            serde_json::from_str(metadata.metadata().as_ref()?.get("twinview")?).ok()?;
        Some((path, about.get("encoder")?.clone()))
    };
    let expected = serde_json::to_value(expected).expect("a config is valid JSON");
    match encoder() {
        Some((path, found)) if found != expected => {
            let found = format!("those of {found} (--encoder or --set encoder=... chooses it)");
            damaged(&path, format!("weights of the encoder {expected}"), found)
        }
        _ => error,
    }
}

/// Sets the encoder of `networks` to the weights and running statistics in `path`, by their names
/// in the encoder. Classifiers (`fc.`, `head.`) are passed over. Gives the SHA-256 of the file.
///
/// # Errors
/// [`Error::Damaged`] where the file can't be read, where a tensor is missing or of another kind or
/// shape, and where there is one that the encoder doesn't have.
pub fn load(path: &Path, networks: &EncoderAndHead) -> Result<String, Error> {
    let bytes = fs::read(path).map_err(|error| damaged(path, "a file of weights", error))?;
    let file = checkpoint::parse(path, &bytes)?;
    let named = networks.encoder_tensors();
    let known = |name: &&str| named.binary_search_by(|(own, _)| own.as_str().cmp(name)).is_ok();
    let mut foreign = file.names();
    let classifies = |name: &str| CLASSIFIERS.iter().any(|prefix| name.starts_with(prefix));
    foreign.retain(|name| !known(name) && !classifies(name));
    foreign.sort_unstable();
    for (name, tensor) in &named {
        checkpoint::copy(path, &file, name, &mut tensor.shallow_clone())?;
    }
    if let Some(first) = foreign.first() {
        let expected = "no tensors but those of the encoder";
        return Err(damaged(path, expected, format!("{first} ({} such)", foreign.len())));
    }
    Ok(files::hex(&Sha256::digest(&bytes)))
}
