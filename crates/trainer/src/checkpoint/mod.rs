//! Checkpoints: every learned or accumulated number of a run in one safetensors file.

pub(crate) mod encoder_file;
pub mod initial_weights;

use std::collections::HashMap;
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use run::{History, file};
use safetensors::tensor::{Dtype, SafeTensors, TensorView};
use serde::{Deserialize, Serialize};
use serde_json::Value;
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
    /// Random name of its run; none in checkpoints of older versions, as for the next two.
    #[serde(default)]
    pub run: Option<String>,
    /// Fingerprint of the set that it was trained on.
    #[serde(default)]
    pub data: Option<String>,
    /// SHA-256 of the file that the encoder's first weights are from, where they are from one.
    #[serde(default)]
    pub init: Option<String>,
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
            run: None,
            data: None,
            init: None,
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
        if self.settings != settings {
            let expected = format!("a checkpoint of a run with the settings {settings} (SHA-256)");
            return Err(damaged(path, expected, &self.settings));
        }
        let init = record.init.as_ref().map(|init| &init.sha256);
        for (what, found, expected) in [
            ("a run on the data", &self.data, Some(&record.data.fingerprint)),
            ("a run from the weights", &self.init, init),
            ("the run", &self.run, Some(&record.run_id).filter(|id| !id.is_empty())),
        ] {
            if let (Some(found), Some(expected)) = (found, expected)
                && found != expected
            {
                let expected = format!("a checkpoint of {what} {expected}");
                return Err(damaged(path, expected, format!("one of {what} {found}")));
            }
        }
        Ok(())
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

/// A weight or running statistic of `learner` that is not finite, if there is one. The probe's
/// don't count: nothing else depends on them.
pub fn not_finite(learner: &Learner) -> Option<f64> {
    let mut all = vec![learner.parameters.flat().shallow_clone()];
    all.extend(models::buffers(&learner.student.store).into_iter().map(|(_, tensor)| tensor));
    if let Some(teacher) = &learner.teacher {
        all.push(teacher.parameters.flat().shallow_clone());
        let buffers = models::buffers(&teacher.networks.store);
        all.extend(buffers.into_iter().map(|(_, tensor)| tensor));
    }
    no_grad(|| {
        let floats = all.iter().filter(|tensor| tensor.is_floating_point() && tensor.numel() > 0);
        // NaN where one is NaN.
        let largest = floats.map(|tensor| tensor.abs().max().double_value(&[]));
        largest.into_iter().find(|largest| !largest.is_finite())
    })
}

/// Reads the checkpoint at `path` to its end and checks that it is whole and one of the run that
/// `record` describes.
///
/// # Errors
/// [`Error::Damaged`], [`Error::Io`].
pub fn verify(path: &Path, record: &RunRecord) -> Result<(), Error> {
    let (_, header) = open(path)?;
    header.check(path, record)
}

/// Whether the checkpoint at `path` says that it is one of the run that `record` describes, or
/// doesn't say; of a damaged one nobody knows. Its tensors are not read.
///
/// # Errors
/// [`Error::Io`].
pub(crate) fn is_of_run(path: &Path, record: &RunRecord) -> Result<bool, Error> {
    let (mut length, mut bytes) = ([0; 8], Vec::new());
    let read = files::open_plain(path).and_then(|mut file| {
        file.read_exact(&mut length)?;
        file.take(u64::from_le_bytes(length).min(MOST_HEADER)).read_to_end(&mut bytes)
    });
    match read {
        Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => return Ok(false),
        read => read.map_err(Error::io(path, "read it"))?,
    };
    let file: Value = serde_json::from_slice(&bytes).unwrap_or_default();
    let text = file["__metadata__"][HEADER].as_str();
    let text = text.and_then(|text| text.split_once(AFTER_SUM)?.1.strip_suffix('}'));
    let Some(header) = text.and_then(|text| serde_json::from_str::<Header>(text).ok()) else {
        return Ok(false);
    };
    Ok(header.run.is_none_or(|run| run == record.run_id))
}

/// Bytes of the longest header that a safetensors file has.
const MOST_HEADER: u64 = 100_000_000;

/// The newest of `paths`, oldest first, that is of the run which `record` describes and from before
/// training looked like collapse.
///
/// # Errors
/// [`Error::Io`].
pub(crate) fn newest_healthy(
    paths: &[PathBuf],
    record: &RunRecord,
) -> Result<Option<PathBuf>, Error> {
    for path in paths.iter().rev() {
        match open(path).and_then(|(_, header)| header.check(path, record).map(|()| header)) {
            Ok(header) if header.collapse_warnings == 0 => return Ok(Some(path.clone())),
            Err(error @ Error::Io { .. }) => return Err(error),
            Ok(_) | Err(_) => {}
        }
    }
    Ok(None)
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
    all(&folder.join(file::CHECKPOINTS))?
        .pop()
        .ok_or_else(|| Error::NoRun { path: folder.to_owned(), found: "no checkpoint".to_owned() })
}

/// The checkpoint of the run in `folder` from the end of `epoch` (1-based), where it was kept.
///
/// # Errors
/// [`Error::NoRun`] where there is none of that epoch, naming those that there are.
pub fn after_epoch(folder: &Path, epoch: u32) -> Result<PathBuf, Error> {
    let mut kept = Vec::new();
    for path in all(&folder.join(file::CHECKPOINTS))? {
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
    if !files::exists(&path)? {
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

/// The checkpoints in `folder`, oldest first; none where there is no such folder.
///
/// # Errors
/// [`Error::Io`] where it can't be listed.
pub fn all(folder: &Path) -> Result<Vec<PathBuf>, Error> {
    let mut found = files::if_exists(files::list(folder))?.unwrap_or_default();
    found.retain(|path| {
        path.file_name().and_then(|name| name.to_str()).is_some_and(file::is_checkpoint)
    });
    Ok(found)
}

/// Makes an [`Error::Damaged`] for `path`.
pub(crate) fn damaged(path: &Path, expected: impl Into<String>, found: impl ToString) -> Error {
    let (path, expected, found) = (path.to_owned(), expected.into(), found.to_string());
    Error::Damaged { path, expected, found }
}

fn open(path: &Path) -> Result<(Vec<u8>, Header), Error> {
    let bytes = files::read(path)?;
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
