//! Weights that an encoder begins with, from a file: of another run, of torchvision, of timm, of
//! DINOv2, or of Hugging Face.
//!
//! A run that begins so keeps them in its folder. What was given may then change or vanish:
//! the run can begin again, and be measured untrained.

use std::fmt;
use std::path::{Path, PathBuf};

use models::{EncoderConfig, Normalize, WeightSource, WeightsInfo, convert_weights};
use run::InitRecord;
use safetensors::{Dtype, SafeTensors};
use serde_json::Value;
use sha2::{Digest, Sha256};
use tch::{Kind, Tensor, no_grad};

use crate::checkpoint::{self, damaged};
use crate::learner::networks::EncoderAndHead;
use crate::{Error, Learner};

/// What a file of weights says that it is of.
#[derive(Clone, Debug, PartialEq)]
pub struct InitialWeights {
    /// The file.
    pub path: PathBuf,
    /// Of what the weights are, in words.
    pub source: String,
    /// The encoder, where the file says all of it.
    pub encoder: Option<EncoderConfig>,
    /// The normalization of pixels that they were trained with, where it is known.
    pub normalize: Option<Normalize>,
}

impl fmt::Display for InitialWeights {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: weights of {}", files::OneLine(&self.path), self.source)
    }
}

/// What the file of weights at `path` is of: a file, or the folder of a finished run.
///
/// # Errors
/// [`Error::Damaged`] for a file that can't be read or isn't one of weights.
pub fn inspect(path: &Path) -> Result<InitialWeights, Error> {
    let path = file_of(path)?;
    let bytes = read(&path)?;
    let file = parse(&path, &bytes)?;
    Ok(describe(path, &bytes, &file))
}

fn describe(path: PathBuf, bytes: &[u8], file: &SafeTensors) -> InitialWeights {
    if let Some(encoder) = own_encoder(bytes) {
        let source = format!("this program's encoder {}", written(&encoder));
        let normalize = Some(encoder.normalize());
        return InitialWeights { path, source, encoder: Some(encoder), normalize };
    }
    match info(file) {
        Some(info) => InitialWeights {
            path,
            source: info.to_string(),
            encoder: info.encoder,
            normalize: info.normalize,
        },
        None => {
            let source = "an encoder of unknown kind".to_owned();
            InitialWeights { path, source, encoder: None, normalize: None }
        }
    }
}

/// The encoder that a file of this program says it is of.
fn own_encoder(bytes: &[u8]) -> Option<EncoderConfig> {
    let (_, metadata) = SafeTensors::read_metadata(bytes).ok()?;
    let about: Value = serde_json::from_str(metadata.metadata().as_ref()?.get("twinview")?).ok()?;
    serde_json::from_value(about.get("encoder")?.clone()).ok()
}

/// What the tensors of a file are of, by their names and shapes.
fn info(file: &SafeTensors) -> Option<WeightsInfo> {
    let shape = |view: &[usize]| view.iter().map(|&side| side as i64).collect();
    let tensors = file.tensors();
    let shapes: Vec<(String, Vec<i64>)> =
        tensors.into_iter().map(|(name, view)| (name, shape(view.shape()))).collect();
    WeightsInfo::of(&shapes)
}

fn written(encoder: &EncoderConfig) -> Value {
    serde_json::to_value(encoder).expect("a config is valid JSON")
}

/// Sets the encoders of `learner`, the student's and the teacher's, to the weights in `path`: a
/// file, or the folder of a finished run.
///
/// # Errors
/// As [`load`], and [`Error::Damaged`] for a folder without an encoder.
pub(crate) fn begin_from(
    path: &Path,
    learner: &Learner,
    encoder: &EncoderConfig,
) -> Result<InitRecord, Error> {
    let path = &file_of(path)?;
    let absolute = std::path::absolute(path).unwrap_or_else(|_| path.to_owned());
    if absolute.to_str().is_none() {
        return Err(damaged(path, "a path in UTF-8", "other bytes"));
    }
    let mut sha256 = String::new();
    for networks in learner.networks() {
        sha256 = load(path, networks, encoder)?;
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

/// The `error` of weights that don't fit the encoder `expected`, by what the file is of, if that
/// is known.
pub(crate) fn explain(error: Error, path: &Path, expected: &EncoderConfig) -> Error {
    let Ok(about) = inspect(path) else { return error };
    let plain = |encoder: &EncoderConfig| {
        let mut encoder = encoder.clone().with_normalize(Normalize::NONE);
        // Initial values and what is dropped are not of the weights.
        match &mut encoder {
            EncoderConfig::Vit(config) => {
                config.layer_scale = config.layer_scale.map(|_| 1.0);
                config.drop_path = None;
            }
            EncoderConfig::ConvNext(config) => config.drop_path = 0.0,
            _ => {}
        }
        encoder
    };
    match &about.encoder {
        Some(found) if plain(found) != plain(expected) => {
            let settings = written(found).to_string();
            let source = match about.source.ends_with(&settings) {
                true => about.source,
                false => format!("{}: {settings}", about.source),
            };
            let found = format!("those of {source} (--encoder or --set encoder=... chooses it)");
            let expected = format!("weights of the encoder {}", written(expected));
            damaged(&about.path, expected, found)
        }
        _ => error,
    }
}

/// Sets the encoder of `networks`, which is an `encoder`, to the weights and running statistics in
/// `path`, by their names in it, or by those of other programs ([`models::WeightSource`]).
/// Classifiers are passed over, and a mask token where the networks have none. Gives the SHA-256 of
/// the file.
///
/// # Errors
/// [`Error::Damaged`] where the file can't be read, where a tensor is missing or of another kind or
/// shape, and where there is one that the encoder doesn't have.
pub fn load(
    path: &Path,
    networks: &EncoderAndHead,
    encoder: &EncoderConfig,
) -> Result<String, Error> {
    let bytes = read(path)?;
    let file = parse(path, &bytes)?;
    // Files of this program and unknown ones have the encoder's own names, as timm's have.
    let source = info(&file).map_or(WeightSource::Timm, |info| info.source);
    let stored = tensors(path, &file)?;
    if let (Some(mut own), Some(token)) = (networks.mask_token(), models::mask_token(&stored))
        && own.numel() == token.numel()
    {
        no_grad(|| own.copy_(&token.view_as(&own)));
    }
    let mut found = convert_weights(source, stored, encoder);
    let named = networks.encoder_tensors();
    let missing: Vec<&str> = named
        .iter()
        .map(|(name, _)| name.as_str())
        .filter(|name| !found.iter().any(|(own, _)| own == name))
        .collect();
    if let Some(first) = missing.first() {
        let found = match missing.len() {
            1 => "none of this name".to_owned(),
            count => format!("none of this name ({count} such, the last {})", missing[count - 1]),
        };
        return Err(damaged(path, format!("a tensor {first}"), found));
    }
    found.sort_by(|a, b| a.0.cmp(&b.0));
    let mut foreign = Vec::new();
    for (name, tensor) in &found {
        let Ok(index) = named.binary_search_by(|(own, _)| own.cmp(name)) else {
            foreign.push(name);
            continue;
        };
        let mut own = named[index].1.shallow_clone();
        if own.size() != tensor.size() || own.kind() != tensor.kind() {
            let expected = format!("{name} of {:?} {:?}", own.kind(), own.size());
            let stored = file.tensor(name).map(|view| format!("{:?}", view.dtype()));
            let kind = stored.unwrap_or_else(|_| format!("{:?}", tensor.kind()));
            return Err(damaged(path, expected, format!("{kind} {:?}", tensor.size())));
        }
        no_grad(|| own.copy_(tensor));
    }
    if let Some(first) = foreign.first() {
        let expected = "no tensors but those of the encoder";
        return Err(damaged(path, expected, format!("{first} ({} such)", foreign.len())));
    }
    Ok(files::hex(&Sha256::digest(&bytes)))
}

fn read(path: &Path) -> Result<Vec<u8>, Error> {
    files::read(path).map_err(|error| match files::is_of_path(&error.source) {
        true => damaged(path, "a file of weights", error.source),
        false => error.into(),
    })
}

/// Reads the header of a safetensors file; refuses a pickle with what converts it.
fn parse<'a>(path: &Path, bytes: &'a [u8]) -> Result<SafeTensors<'a>, Error> {
    // torch.save writes a zip archive, before PyTorch 1.6 a bare pickle.
    if bytes.starts_with(b"PK\x03\x04") || bytes.starts_with(b"\x80\x02") {
        let name = path.file_name().unwrap_or(path.as_os_str()).to_string_lossy();
        let stem = path.file_stem().unwrap_or(path.as_os_str()).to_string_lossy();
        let found = format!(
            "a pickle, which could run any program; these two lines of Python convert it: \
             import torch, safetensors.torch; safetensors.torch.save_file(torch.load({name:?}, \
             map_location=\"cpu\", weights_only=True), \"{stem}.safetensors\")"
        );
        return Err(damaged(path, "a safetensors file", found));
    }
    checkpoint::parse(path, bytes)
}

/// The tensors of a file, in their own kinds.
fn tensors(path: &Path, file: &SafeTensors) -> Result<Vec<(String, Tensor)>, Error> {
    let read = |name: &str| {
        let view = file.tensor(name).expect("a name of this file");
        let shape: Vec<i64> = view.shape().iter().map(|&side| side as i64).collect();
        let kind = match view.dtype() {
            Dtype::F32 => Kind::Float,
            Dtype::F64 => Kind::Double,
            Dtype::F16 => Kind::Half,
            Dtype::BF16 => Kind::BFloat16,
            Dtype::I64 => Kind::Int64,
            Dtype::I32 => Kind::Int,
            Dtype::U8 => Kind::Uint8,
            Dtype::BOOL => Kind::Bool,
            other => {
                let expected = format!("{name} of a common type");
                return Err(damaged(path, expected, format!("{other:?}")));
            }
        };
        Ok((name.to_owned(), Tensor::from_data_size(view.data(), &shape, kind)))
    };
    file.names().into_iter().map(read).collect()
}

#[cfg(test)]
mod tests;
