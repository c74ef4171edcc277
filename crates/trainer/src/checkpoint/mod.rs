//! Checkpoints: every learned or accumulated number of a run in one safetensors file.

pub(crate) mod encoder_file;
pub mod initial_weights;

use std::collections::HashMap;
use std::fs;
use std::path::{Path, PathBuf};

use run::{History, file};
use safetensors::tensor::{Dtype, SafeTensors, TensorView};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use tch::{Kind, Tensor, no_grad};

use crate::measures::epoch_metrics::EpochMetrics;
use crate::{Error, Learner, RunRecord};

/// Raised when the meaning of a checkpoint changes.
const FORMAT: u32 = 5;
/// The key of the header in the file's metadata.
const HEADER: &str = "twinview";

/// Where a run stands: all of its state that isn't a tensor.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Header {
    /// Version of the format.
    pub format: u32,
    /// Source revision of the program that wrote it.
    pub revision: String,
    /// [`Config::fingerprint`](crate::Config::fingerprint) of its run.
    pub settings: String,
    /// Finished epochs.
    pub epoch: u32,
    /// Finished steps of the epoch under way.
    pub step_in_epoch: u32,
    /// Finished steps in all.
    pub step: u64,
    /// Steps of the optimizers of the networks and of the probe.
    pub optimizer_steps: [u64; 2],
    /// Seconds spent training.
    pub train_secs: f64,
    /// Epochs in a row that looked collapsed.
    pub collapse_warnings: u32,
    /// What the epoch under way has measured so far.
    pub metrics: EpochMetrics,
    /// The finished epochs.
    pub history: History,
}

impl Header {
    /// The header of a run that has not begun.
    pub fn start(revision: String, settings: String) -> Self {
        Self {
            format: FORMAT,
            revision,
            settings,
            epoch: 0,
            step_in_epoch: 0,
            step: 0,
            optimizer_steps: [0, 0],
            train_secs: 0.0,
            collapse_warnings: 0,
            metrics: EpochMetrics::default(),
            history: History::default(),
        }
    }

    /// Checks that the checkpoint at `path`, which has this header, is one of the run that `record`
    /// describes.
    ///
    /// # Errors
    /// [`Error::Damaged`].
    pub fn check(&self, path: &Path, record: &RunRecord) -> Result<(), Error> {
        let settings = record.config.fingerprint();
        if self.settings == settings {
            return Ok(());
        }
        let expected = format!("a checkpoint of a run with the settings {settings} (SHA-256)");
        Err(damaged(path, expected, &self.settings))
    }
}

/// What the header of every format begins with.
#[derive(Deserialize)]
struct Version {
    format: u32,
}

/// The named tensors of a learner; they share memory with it.
pub fn tensors(learner: &Learner) -> Vec<(String, Tensor)> {
    let parameters = &learner.parameters;
    let mut named = parameters.named(parameters.flat());
    named.extend(models::buffers(&learner.student.store));
    let optimizer = learner.optimizer.state(parameters);
    named.extend(optimizer.into_iter().map(|(name, tensor)| (format!("optimizer.{name}"), tensor)));
    if let Some(teacher) = &learner.teacher {
        let mut all = teacher.parameters.named(teacher.parameters.flat());
        all.extend(models::buffers(&teacher.networks.store));
        named.extend(all.into_iter().map(|(name, tensor)| (format!("teacher.{name}"), tensor)));
    }
    if let Some(probe) = &learner.probe {
        named.extend(probe.parameters.named(probe.parameters.flat()));
        let state = probe.optimizer.state(&probe.parameters);
        named.extend(state.into_iter().map(|(name, tensor)| (format!("optimizer.{name}"), tensor)));
    }
    named
}

/// Writes `learner` and `header` to `path`, all or nothing.
///
/// # Errors
/// [`Error::Io`].
pub fn save(path: &Path, learner: &Learner, header: &Header) -> Result<(), Error> {
    let header = serde_json::to_string(header).expect("a header is always valid JSON");
    let named = tensors(learner);
    let stored = stored(&named);
    let views = stored
        .iter()
        .map(|(name, dtype, shape, bytes)| (*name, *dtype, shape.as_slice(), bytes.as_slice()));
    let sum = checksum(&header, views);
    let text = format!("{SUM}{sum}{AFTER_SUM}{header}}}");
    write_stored(path, &stored, HashMap::from([(HEADER.to_owned(), text)]))
}

/// What a header is wrapped in: JSON, and yet its bytes can be told exactly.
const SUM: &str = r#"{"sha256":""#;
const AFTER_SUM: &str = r#"","header":"#;

/// A SHA-256 over a header and tensors, in hexadecimal digits; the order of the tensors doesn't
/// matter.
fn checksum<'a>(
    header: &str,
    tensors: impl Iterator<Item = (&'a str, Dtype, &'a [usize], &'a [u8])>,
) -> String {
    let mut tensors: Vec<_> = tensors.collect();
    tensors.sort_by_key(|(name, ..)| *name);
    let mut hash = Sha256::new();
    hash.update(header);
    for (name, dtype, shape, bytes) in tensors {
        hash.update(format!("{name} {dtype:?} {shape:?} "));
        hash.update(bytes);
    }
    files::hex(&hash.finalize())
}

/// A SHA-256 over the names, kinds, shapes and bytes of `named`, in hexadecimal digits; their order
/// doesn't matter.
pub fn fingerprint(named: &[(String, Tensor)]) -> String {
    let stored = stored(named);
    let views = stored
        .iter()
        .map(|(name, dtype, shape, bytes)| (*name, *dtype, shape.as_slice(), bytes.as_slice()));
    checksum("", views)
}

/// A tensor as it is stored.
type Stored<'a> = (&'a str, Dtype, Vec<usize>, Vec<u8>);

fn stored(named: &[(String, Tensor)]) -> Vec<Stored<'_>> {
    named
        .iter()
        .map(|(name, tensor)| {
            let shape = tensor.size().iter().map(|&side| side as usize).collect();
            (name.as_str(), dtype(tensor.kind()), shape, bytes(tensor))
        })
        .collect()
}

/// Writes named tensors and metadata as safetensors, all or nothing.
///
/// # Errors
/// [`Error::Io`].
pub fn write(
    path: &Path,
    named: &[(String, Tensor)],
    metadata: HashMap<String, String>,
) -> Result<(), Error> {
    write_stored(path, &stored(named), metadata)
}

fn write_stored(
    path: &Path,
    stored: &[Stored],
    metadata: HashMap<String, String>,
) -> Result<(), Error> {
    let views = stored.iter().map(|(name, dtype, shape, bytes)| {
        let view = TensorView::new(*dtype, shape.clone(), bytes);
        (*name, view.expect("the bytes of a tensor match its shape"))
    });
    let file = safetensors::serialize(views, Some(metadata)).expect("names and sizes are valid");
    Ok(files::write(path, &file)?)
}

/// Restores `learner` from `path`.
///
/// # Errors
/// [`Error::Damaged`] where the file isn't a checkpoint of such a learner; the learner is then
/// partly overwritten.
pub fn load(path: &Path, learner: &mut Learner) -> Result<Header, Error> {
    let (bytes, header) = open(path)?;
    let file = parse(path, &bytes)?;
    for (name, mut tensor) in tensors(learner) {
        copy(path, &file, &name, &mut tensor)?;
    }
    learner.optimizer.resume(header.optimizer_steps[0]);
    if let Some(probe) = &mut learner.probe {
        probe.optimizer.resume(header.optimizer_steps[1]);
    }
    Ok(header)
}

/// Restores the tensors `named` from `path`, each from the one called `prefix` + its name.
///
/// # Errors
/// [`Error::Damaged`].
pub fn load_into(path: &Path, prefix: &str, named: Vec<(String, Tensor)>) -> Result<Header, Error> {
    let (bytes, header) = open(path)?;
    let file = parse(path, &bytes)?;
    for (name, mut tensor) in named {
        copy(path, &file, &format!("{prefix}{name}"), &mut tensor)?;
    }
    Ok(header)
}

/// The newest checkpoint of the run in `folder`: the file with the highest step in its name.
///
/// # Errors
/// [`Error::NoRun`] where there is none.
pub fn newest_of(folder: &Path) -> Result<PathBuf, Error> {
    all(&folder.join(file::CHECKPOINTS))
        .pop()
        .ok_or_else(|| Error::NoRun { path: folder.to_owned(), found: "no checkpoint".to_owned() })
}

/// The checkpoint of the run in `folder` from the end of `epoch` (1-based), where it was kept.
///
/// # Errors
/// [`Error::NoRun`] where there is none of that epoch, naming those that there are.
pub fn after_epoch(folder: &Path, epoch: u32) -> Result<PathBuf, Error> {
    let mut kept = Vec::new();
    for path in all(&folder.join(file::CHECKPOINTS)) {
        let (_, header) = open(&path)?;
        if header.epoch == epoch && header.step_in_epoch == 0 {
            return Ok(path);
        }
        kept.push(header.epoch.to_string());
    }
    let found = format!("no checkpoint after epoch {epoch}, only after {}", kept.join(", "));
    Err(Error::NoRun { path: folder.to_owned(), found })
}

/// The checkpoint that the newest of the run in `folder` says is that of the best epoch.
///
/// # Errors
/// [`Error::NoRun`] where no epoch was chosen or its checkpoint is gone, [`Error::Damaged`].
pub fn best_of(folder: &Path) -> Result<PathBuf, Error> {
    let (_, header) = open(&newest_of(folder)?)?;
    let none = |found: String| Error::NoRun { path: folder.to_owned(), found };
    let best = header.history.best;
    let best = best.ok_or_else(|| none("no epoch that was chosen as the best".to_owned()))?;
    let path = path_of(&folder.join(file::CHECKPOINTS), best.step);
    if !path.exists() {
        let found = format!("no checkpoint after epoch {}, its best", best.epoch);
        return Err(none(found));
    }
    Ok(path)
}

/// Whether the checkpoint at `path` holds a teacher.
///
/// # Errors
/// [`Error::Damaged`] where it isn't a checkpoint.
pub fn has_teacher(path: &Path) -> Result<bool, Error> {
    let (bytes, _) = open(path)?;
    Ok(parse(path, &bytes)?.names().iter().any(|name| name.starts_with("teacher.")))
}

/// The checkpoint in `folder` after `step` steps.
pub fn path_of(folder: &Path, step: u64) -> PathBuf {
    folder.join(file::checkpoint(step))
}

/// The checkpoints in `folder`, oldest first.
pub fn all(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    let mut found: Vec<PathBuf> = entries
        .map(|entry| entry.path())
        .filter(|path| {
            path.file_name().and_then(|name| name.to_str()).is_some_and(file::is_checkpoint)
        })
        .collect();
    found.sort();
    found
}

/// Makes an [`Error::Damaged`] for `path`.
pub(crate) fn damaged(path: &Path, expected: impl Into<String>, found: impl ToString) -> Error {
    let (path, expected, found) = (path.to_owned(), expected.into(), found.to_string());
    Error::Damaged { path, expected, found }
}

fn open(path: &Path) -> Result<(Vec<u8>, Header), Error> {
    let bytes = fs::read(path).map_err(Error::io(path, "read it"))?;
    let (_, metadata) = SafeTensors::read_metadata(&bytes)
        .map_err(|error| damaged(path, "a safetensors file", error))?;
    let text = metadata.metadata().as_ref().and_then(|map| map.get(HEADER));
    let text = text.ok_or_else(|| damaged(path, "a checkpoint of this tool", "no header"))?;
    let wrapped = text.strip_prefix(SUM).and_then(|text| {
        let (sum, rest) = text.split_once(AFTER_SUM)?;
        Some((sum, rest.strip_suffix('}')?))
    });
    let (sum, text) =
        wrapped.ok_or_else(|| damaged(path, "a checkpoint's header", "another text"))?;
    let file = parse(path, &bytes)?;
    let names = file.names();
    let views = names.iter().map(|name| {
        let view = file.tensor(name).expect("a name of this file");
        (*name, view)
    });
    let views: Vec<_> = views.collect();
    let found = checksum(
        text,
        views.iter().map(|(name, view)| (*name, view.dtype(), view.shape(), view.data())),
    );
    if found != sum {
        return Err(damaged(path, format!("content with the checksum {sum}"), found));
    }
    let not_a_header = |error| damaged(path, "a checkpoint's header", error);
    // Before the rest, of which another format may have more or less.
    let Version { format } = serde_json::from_str(text).map_err(not_a_header)?;
    if format != FORMAT {
        let expected = format!("a checkpoint of format {FORMAT}");
        return Err(damaged(path, expected, format!("format {format}")));
    }
    let header = serde_json::from_str(text).map_err(not_a_header)?;
    Ok((bytes, header))
}

/// Reads the header of a safetensors file.
///
/// # Errors
/// [`Error::Damaged`].
pub(crate) fn parse<'a>(path: &Path, bytes: &'a [u8]) -> Result<SafeTensors<'a>, Error> {
    SafeTensors::deserialize(bytes).map_err(|error| damaged(path, "a safetensors file", error))
}

/// Fills `to` from the tensor called `name`.
///
/// # Errors
/// [`Error::Damaged`] where there is none of its kind and shape.
pub(crate) fn copy(
    path: &Path,
    file: &SafeTensors,
    name: &str,
    to: &mut Tensor,
) -> Result<(), Error> {
    let stored = file
        .tensor(name)
        .map_err(|_| damaged(path, format!("a tensor {name}"), "none of this name"))?;
    let shape: Vec<i64> = stored.shape().iter().map(|&side| side as i64).collect();
    if shape != to.size() || stored.dtype() != dtype(to.kind()) {
        let expected = format!("{name} of {:?} {:?}", to.kind(), to.size());
        return Err(damaged(path, expected, format!("{:?} {shape:?}", stored.dtype())));
    }
    let tensor = Tensor::from_data_size(stored.data(), &shape, to.kind());
    no_grad(|| to.copy_(&tensor));
    Ok(())
}

fn dtype(kind: Kind) -> Dtype {
    match kind {
        Kind::Float => Dtype::F32,
        Kind::Double => Dtype::F64,
        Kind::Int64 => Dtype::I64,
        kind => panic!("no tensor of a learner is {kind:?}"),
    }
}

/// The bytes of a tensor in row-major order.
fn bytes(tensor: &Tensor) -> Vec<u8> {
    let tensor = tensor.detach().to_device(tch::Device::Cpu).contiguous();
    let count = tensor.numel();
    let mut bytes = vec![0; count * tensor.kind().elt_size_in_bytes()];
    tensor.copy_data_u8(&mut bytes, count);
    bytes
}
