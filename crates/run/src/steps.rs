//! The lines of `metrics.jsonl`.

use std::collections::BTreeMap;
use std::io;
use std::path::Path;

use schemars::JsonSchema;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use crate::{Error, file, number};

/// A step: a line of `metrics.jsonl` whose `kind` is `step`.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "kind", rename = "step")]
pub struct StepRecord {
    /// Steps done, this one included.
    pub step: u64,
    /// Its epoch, counted from 1.
    pub epoch: u32,
    /// Its loss.
    #[serde(default = "number::missing", deserialize_with = "number::read")]
    pub loss: f64,
    /// Its learning rate.
    #[serde(default = "number::missing", deserialize_with = "number::read")]
    pub lr: f64,
}

/// An epoch: a line of `metrics.jsonl` whose `kind` is `epoch`. A number that is not finite is
/// `null` in JSON, and NaN when it is read.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "kind", rename = "epoch")]
pub struct EpochRecord {
    /// Counted from 1.
    pub epoch: u32,
    /// Steps done at its end.
    pub step: u64,
    /// See [`LOSS`](crate::LOSS).
    #[serde(default = "number::missing", deserialize_with = "number::read")]
    pub loss: f64,
    /// See [`CONTRASTIVE_ACC`](crate::CONTRASTIVE_ACC).
    #[serde(default = "number::missing", deserialize_with = "number::read")]
    pub contrastive_acc: f64,
    /// See [`CORRELATION_ACC`](crate::CORRELATION_ACC).
    #[serde(default = "number::missing", deserialize_with = "number::read")]
    pub correlation_acc: f64,
    /// See [`PROBE_LOSS`](crate::PROBE_LOSS); `None` without a probe.
    pub probe_loss: Option<f64>,
    /// See [`PROBE_ACC`](crate::PROBE_ACC); `None` without a probe.
    pub probe_acc: Option<f64>,
    /// See [`VAL_KNN_ACC`](crate::VAL_KNN_ACC); `None` without labels or where it was not measured.
    pub val_knn_acc: Option<f64>,
    /// See [`VAL_PROBE_LOSS`](crate::VAL_PROBE_LOSS); `None` where no image is held out.
    pub val_probe_loss: Option<f64>,
    /// See [`VAL_PROBE_ACC`](crate::VAL_PROBE_ACC); `None` where no image is held out.
    pub val_probe_acc: Option<f64>,
    /// See [`TEST_PROBE_LOSS`](crate::TEST_PROBE_LOSS); `None` without a test split.
    pub test_probe_loss: Option<f64>,
    /// See [`TEST_PROBE_ACC`](crate::TEST_PROBE_ACC); `None` without a test split.
    pub test_probe_acc: Option<f64>,
    /// See [`LR`](crate::LR).
    #[serde(default = "number::missing", deserialize_with = "number::read")]
    pub lr: f64,
    /// See [`TEACHER_MOMENTUM`](crate::TEACHER_MOMENTUM); `None` without a teacher.
    pub teacher_momentum: Option<f64>,
    /// See [`GRADIENT_NORM`](crate::GRADIENT_NORM).
    #[serde(default = "number::missing", deserialize_with = "number::read")]
    pub gradient_norm: f64,
    /// Measures on a fixed sample.
    #[serde(flatten)]
    pub health: Health,
    /// See [`IMAGES_PER_SEC`](crate::IMAGES_PER_SEC).
    #[serde(default = "number::missing", deserialize_with = "number::read")]
    pub images_per_sec: f64,
    /// See [`DATA_WAIT`](crate::DATA_WAIT).
    #[serde(default = "number::missing", deserialize_with = "number::read")]
    pub data_wait: f64,
    /// Mean seconds of a step, by stage.
    #[serde(default)]
    pub step_secs: StepSecs,
    /// Seconds of the epoch's steps.
    #[serde(default = "number::missing", deserialize_with = "number::read")]
    pub train_secs: f64,
    /// See [`EVAL_SECS`](crate::EVAL_SECS).
    #[serde(default = "number::missing", deserialize_with = "number::read")]
    pub eval_secs: f64,
    /// Seconds of the health metrics, a part of `eval_secs`.
    #[serde(default = "number::missing", deserialize_with = "number::read")]
    pub health_secs: f64,
    /// The most memory that tensors on the GPU have had at once so far, in bytes; null on a CPU.
    #[serde(default)]
    pub peak_gpu_memory_bytes: Option<u64>,
}

/// Measures of the networks on a fixed sample of images, two views of each, without labels. The
/// features are those that the online probe reads.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Health {
    /// See [`FEATURE_STD`](crate::FEATURE_STD).
    #[serde(default = "number::missing", deserialize_with = "number::read")]
    pub feature_std: f64,
    /// See [`EFFECTIVE_RANK`](crate::EFFECTIVE_RANK).
    #[serde(default = "number::missing", deserialize_with = "number::read")]
    pub effective_rank: f64,
    /// See [`PROJECTION_STD`](crate::PROJECTION_STD).
    #[serde(default = "number::missing", deserialize_with = "number::read")]
    pub projection_std: f64,
    /// See [`PROJECTION_RANK`](crate::PROJECTION_RANK).
    #[serde(default = "number::missing", deserialize_with = "number::read")]
    pub projection_rank: f64,
    /// See [`ALIGNMENT`](crate::ALIGNMENT).
    #[serde(default = "number::missing", deserialize_with = "number::read")]
    pub alignment: f64,
    /// See [`UNIFORMITY`](crate::UNIFORMITY).
    #[serde(default = "number::missing", deserialize_with = "number::read")]
    pub uniformity: f64,
    /// See [`DEAD_FEATURES`](crate::DEAD_FEATURES).
    #[serde(default = "number::missing", deserialize_with = "number::read")]
    pub dead_features: f64,
    /// See [`TEACHER_DISTANCE`](crate::TEACHER_DISTANCE); `None` without a teacher.
    pub teacher_distance: Option<f64>,
}

/// Seconds of a step, by stage. On a GPU the host only queues work, so these are the times of the
/// host, unless `--profile` waits for the GPU after each stage. Of a CUDA graph, which has all
/// stages, it is that of `forward`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct StepSecs {
    /// Waiting for views.
    pub wait: f64,
    /// Copying images to the device as tensors.
    pub copy: f64,
    /// Networks and loss.
    pub forward: f64,
    /// Gradients.
    pub backward: f64,
    /// Updates of weights, of the teacher and of the method's state.
    pub optimizer: f64,
    /// The online probe and the metrics of the step.
    pub metrics: f64,
}

impl StepSecs {
    /// Names and values, in the order of a step.
    pub fn parts(&self) -> [(&'static str, f64); 6] {
        [
            ("wait", self.wait),
            ("copy", self.copy),
            ("forward", self.forward),
            ("backward", self.backward),
            ("optimizer", self.optimizer),
            ("metrics", self.metrics),
        ]
    }
}

#[derive(Deserialize)]
struct Kind {
    kind: String,
}

/// The epochs in `metrics.jsonl` of the run in `folder`, in order, each once: of two lines about
/// one epoch the later counts. Without the file there are none. A last line without its line break
/// is one that is still being written, and is left out.
///
/// # Errors
/// [`Error::Content`] with the first line that can't be parsed, [`Error::Io`].
pub fn read_epochs(folder: &Path) -> Result<Vec<EpochRecord>, Error> {
    let epochs = read(folder, "epoch", |record: EpochRecord| (record.epoch, record))?;
    Ok(epochs.into_values().collect())
}

/// The steps in `metrics.jsonl` of the run in `folder`, as [`read_epochs`] reads epochs.
///
/// # Errors
/// As [`read_epochs`].
pub fn read_steps(folder: &Path) -> Result<Vec<StepRecord>, Error> {
    let steps = read(folder, "step", |record: StepRecord| (record.step, record))?;
    Ok(steps.into_values().collect())
}

/// The text of `metrics.jsonl`; `None` where there is no such file.
fn read_metrics(path: &Path) -> Result<Option<String>, Error> {
    match files::if_exists(files::read_text(path)) {
        Err(error) if error.source.kind() == io::ErrorKind::InvalidData => {
            Err(Error::content(path, None, "JSON lines")("bytes that are no text"))
        }
        read => Ok(read?),
    }
}

/// The number of steps that a line of any kind is about.
#[derive(Deserialize)]
struct AtStep {
    step: u64,
}

/// The lines of `metrics.jsonl` in `folder` about the first `step` steps, whole and in their order;
/// a run that goes on after `step` steps writes the later ones again. With the highest step that
/// any line is about.
///
/// # Errors
/// [`Error::Content`] for a damaged line before the last that is kept: what can't be read is not
/// dropped. Damage behind it, as a power cut leaves it, belongs to steps that are done again.
/// [`Error::Io`].
pub fn lines_until(folder: &Path, step: u64) -> Result<(String, u64), Error> {
    let path = folder.join(file::METRICS);
    let text = read_metrics(&path)?.unwrap_or_default();
    let (mut kept, mut highest, mut damage) = (String::new(), 0, None);
    for (index, line) in text.split_inclusive('\n').enumerate() {
        if !line.ends_with('\n') {
            break;
        }
        match serde_json::from_str::<AtStep>(line) {
            Ok(AtStep { step: at }) => {
                highest = highest.max(at);
                if at <= step {
                    if let Some(damage) = damage {
                        return Err(damage);
                    }
                    kept += line;
                }
            }
            Err(error) => {
                let expected = "a record of a step or an epoch";
                damage = damage.or(Some(Error::content(&path, Some(index + 1), expected)(error)));
            }
        }
    }
    // Before the first checkpoint nothing is kept, and all of it could be damage.
    match damage {
        Some(damage) if kept_to(&kept) < step || step == 0 => Err(damage),
        _ => Ok((kept, highest)),
    }
}

/// The highest step in lines that can be read.
fn kept_to(lines: &str) -> u64 {
    let steps = lines.lines().filter_map(|line| serde_json::from_str::<AtStep>(line).ok());
    steps.map(|AtStep { step }| step).max().unwrap_or(0)
}

/// The records of a kind, each by its key.
fn read<T: DeserializeOwned, K: Ord>(
    folder: &Path,
    wanted: &str,
    keyed: impl Fn(T) -> (K, T),
) -> Result<BTreeMap<K, T>, Error> {
    let path = folder.join(file::METRICS);
    let Some(text) = read_metrics(&path)? else { return Ok(BTreeMap::new()) };
    let mut records = BTreeMap::new();
    for (index, line) in text.split_inclusive('\n').enumerate() {
        let Some(line) = line.strip_suffix('\n') else {
            break;
        };
        let expected = "a record of a step or an epoch";
        let damaged = Error::content::<serde_json::Error>(&path, Some(index + 1), expected);
        let record = serde_json::from_str(line).and_then(|Kind { kind }| {
            (kind == wanted).then(|| serde_json::from_str::<T>(line)).transpose()
        });
        if let Some(record) = record.map_err(damaged)? {
            let (key, record) = keyed(record);
            records.insert(key, record);
        }
    }
    Ok(records)
}

#[cfg(test)]
mod tests;
