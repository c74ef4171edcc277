//! The folder of a run: what it was asked to do, what it measured, what it learned.

use std::fs::{self, File};
use std::path::{Path, PathBuf};

use files::RecordLog;
use models::Precision;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use sha2::{Digest, Sha256};

use crate::export::write_encoder;
use crate::networks::EncoderAndHead;
use crate::{Config, Error, InitRecord, Learner, checkpoint, initial};

/// What `config.json` says: the whole configuration, and what it became on this machine and data.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct RunRecord {
    /// Version of the program.
    pub version: String,
    /// Source revision that it was built from.
    pub revision: String,
    /// The device, as it was found.
    pub device: String,
    /// Threads of libtorch and threads that make views.
    pub threads: [usize; 2],
    /// The data.
    pub data: DataRecord,
    /// Images of a batch.
    pub batch: BatchRecord,
    /// The file that the encoder's first weights are from; `None` where they were drawn.
    pub init: Option<InitRecord>,
    /// Every setting.
    pub config: Config,
}

/// The data of a run.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct DataRecord {
    /// Where it was read from; `None` for the built-in procedural set.
    pub path: Option<PathBuf>,
    /// What kind of source it is.
    pub kind: String,
    /// A hash over its sizes, labels and a sample of its pixels.
    pub fingerprint: String,
    /// Side of the images in pixels.
    pub image_size: usize,
    /// Images to pretrain on, labeled training images, test images.
    pub images: [usize; 3],
    /// Labeled training images that are held out from training, to choose the best epoch by.
    pub held_out: usize,
    /// Names of the classes.
    pub class_names: Vec<String>,
}

/// What a batch is made of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct BatchRecord {
    /// Unlabeled images.
    pub unlabeled: usize,
    /// Labeled images.
    pub labeled: usize,
    /// Batches an epoch.
    pub steps_per_epoch: u32,
}

/// An open run folder.
#[derive(Debug)]
pub struct RunFolder {
    path: PathBuf,
    metrics: RecordLog,
    /// The newest checkpoint of this process from before training looked like collapse.
    healthy: Option<PathBuf>,
    /// Locked as long as the folder is open; the system unlocks it when the process ends, however
    /// it does.
    _lock: File,
}

impl RunFolder {
    /// Makes a new folder for the run that `record` describes, whose `networks` are at their first
    /// weights. These are kept where they came from a file. Nothing stays behind on failure.
    ///
    /// # Errors
    /// [`Error::RunExists`] where one is there, [`Error::Folder`] where it can't be made.
    pub(crate) fn create(
        path: &Path,
        record: &RunRecord,
        networks: &EncoderAndHead,
    ) -> Result<Self, Error> {
        if is_used(path) {
            return Err(Error::RunExists(path.to_owned()));
        }
        let existed = path.exists();
        let made = fs::create_dir_all(path.join("checkpoints"))
            .map_err(Error::io(path, "make it"))
            .and_then(|()| {
                let lock = lock(path)?;
                let config = path.join("config.json");
                write_json(&config, record)?;
                if record.init.is_some() {
                    let written =
                        write_encoder(&path.join(initial::FILE), networks, &record.config);
                    written.inspect_err(|_| drop(fs::remove_file(config)))?;
                }
                Self::open(path, lock)
            });
        made.map_err(|error| {
            let _ = if existed {
                fs::remove_dir(path.join("checkpoints"))
            } else {
                fs::remove_dir_all(path)
            };
            Error::Folder(Box::new(error))
        })
    }

    /// Opens the folder of a run to go on with it at `step`, as `record` says: lines of later steps
    /// are taken out of `metrics.jsonl`, so that each step is there once.
    ///
    /// # Errors
    /// [`Error::Io`].
    pub fn resume(path: &Path, record: &RunRecord, step: u64) -> Result<Self, Error> {
        let lock = lock(path)?;
        for folder in [path.to_owned(), path.join("checkpoints")] {
            files::remove_partial(&folder);
        }
        write_json(&path.join("config.json"), record)?;
        let metrics = path.join("metrics.jsonl");
        let text = fs::read_to_string(&metrics).unwrap_or_default();
        let kept: String = text
            .lines()
            .filter(|line| {
                let value = serde_json::from_str::<Value>(line).unwrap_or(Value::Null);
                value["step"].as_u64().is_some_and(|at| at <= step)
            })
            .flat_map(|line| [line, "\n"])
            .collect();
        files::write(&metrics, kept.as_bytes())?;
        Self::open(path, lock)
    }

    fn open(path: &Path, lock: File) -> Result<Self, Error> {
        Ok(Self {
            path: path.to_owned(),
            metrics: RecordLog::open(&path.join("metrics.jsonl"))?,
            healthy: None,
            _lock: lock,
        })
    }

    /// The folder.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Appends lines to `metrics.jsonl`.
    ///
    /// # Errors
    /// [`Error::Io`]; none of them is then there.
    pub fn log(&mut self, lines: &[Value]) -> Result<(), Error> {
        let text: String = lines.iter().map(|line| format!("{line}\n")).collect();
        Ok(self.metrics.append(text.as_bytes())?)
    }

    /// Saves a checkpoint, then removes the oldest beyond `keep`; that of the best epoch stays, and
    /// so does the newest from before training looked like collapse.
    ///
    /// # Errors
    /// [`Error::Io`]; older checkpoints are then still there.
    pub fn checkpoint(
        &mut self,
        learner: &Learner,
        header: &checkpoint::Header,
        keep: usize,
    ) -> Result<(), Error> {
        let folder = self.path.join("checkpoints");
        let path = checkpoint::path_of(&folder, header.step);
        // A checkpoint that survives a power cut has its lines of metrics.
        self.metrics.sync()?;
        checkpoint::save(&path, learner, header)?;
        if header.unwell == 0 {
            self.healthy = Some(path);
        }
        let all = checkpoint::all(&folder);
        let old = &all[..all.len().saturating_sub(keep)];
        let best = header.history.best;
        let best = best.map(|best| checkpoint::path_of(&folder, best.step));
        let stay = [self.healthy.as_ref(), best.as_ref()];
        for old in old.iter().filter(|old| !stay.contains(&Some(*old))) {
            fs::remove_file(old).map_err(Error::io(old, "remove it"))?;
        }
        Ok(())
    }

    /// Writes `encoder.safetensors`: the encoder that evaluation reads, its names without a prefix.
    ///
    /// # Errors
    /// [`Error::Io`].
    pub fn export_encoder(&self, learner: &Learner, record: &RunRecord) -> Result<(), Error> {
        let path = self.path.join("encoder.safetensors");
        write_encoder(&path, learner.eval_networks(), &record.config)
    }

    /// Writes `summary.json`.
    ///
    /// # Errors
    /// [`Error::Io`].
    pub fn summarize(&self, summary: &Value) -> Result<(), Error> {
        write_json(&self.path.join("summary.json"), summary)
    }
}

impl RunRecord {
    /// Checks that the run in `folder` can go on as `method` with `config`: only what doesn't
    /// change its past may differ. Gives `config` with the precision of the run where it says
    /// `auto`.
    ///
    /// # Errors
    /// [`Error::ConfigChanged`] with the first key that differs.
    pub fn check_resume(
        &self,
        folder: &Path,
        method: &str,
        mut config: Config,
    ) -> Result<Config, Error> {
        let path = folder.join("config.json");
        let changed = |key: &str, expected: String, found: String| {
            Err(Error::ConfigChanged { path: path.clone(), key: key.to_owned(), expected, found })
        };
        if method != self.config.method.name() {
            return changed("method", self.config.method.name().to_owned(), method.to_owned());
        }
        if config.train.precision == Precision::Auto {
            config.train.precision = self.config.train.precision;
        }
        let may_change = [MAY_DIFFER, MAY_CHANGE].concat();
        let (before, after) = (self.config.document(), config.document());
        match first_difference(&before, &after, &may_change) {
            Some((key, expected, found)) => changed(&key, expected.to_string(), found.to_string()),
            None => Ok(config),
        }
    }

    /// The settings in which `config`, with which this run goes on, differs from what it had: their
    /// dotted keys, the values before and after.
    pub fn changes(&self, config: &Config) -> Vec<(String, Value, Value)> {
        differences("", &self.config.document(), &config.document(), &["$schema"])
    }

    /// A SHA-256 over all settings that can't change on resume, in hexadecimal digits.
    pub fn settings(&self) -> String {
        let mut settings = leaves("", &self.config.document());
        settings.retain(|(key, _)| !MAY_DIFFER.contains(&&**key) && !MAY_CHANGE.contains(&&**key));
        // The order of keys in a document depends on how the program was built.
        settings.sort_unstable();
        let mut hash = Sha256::new();
        for (key, value) in settings {
            hash.update(format!("{key}={value}\n"));
        }
        files::hex(&hash.finalize())
    }

    /// The first setting in which `other` is another training than this one with another seed: its
    /// dotted key, the value here and the value there. `None` where a mean over both says something
    /// about the method.
    pub fn differs_from(&self, other: &Self) -> Option<(String, String, String)> {
        let records = [self, other];
        let methods = records.map(|record| record.config.method.name().to_owned());
        let data = records.map(|record| record.data.fingerprint.clone());
        for (key, [here, there]) in [("method", methods), ("data.fingerprint", data)] {
            if here != there {
                return Some((key.to_owned(), here, there));
            }
        }
        let may_differ = [MAY_DIFFER, &["seed"]].concat();
        let (here, there) = (self.config.document(), other.config.document());
        let found = first_difference(&here, &there, &may_differ);
        found.map(|(key, here, there)| (key, here.to_string(), there.to_string()))
    }

    /// Checks that the run in `folder` goes on with the data that it began with.
    ///
    /// # Errors
    /// [`Error::ConfigChanged`] where the fingerprints differ.
    pub fn check_data(&self, folder: &Path, data: &DataRecord) -> Result<(), Error> {
        if self.data.fingerprint == data.fingerprint {
            return Ok(());
        }
        let describe = |data: &DataRecord| {
            let path = data.path.as_ref().map(|path| path.to_string_lossy());
            let path = path.unwrap_or("the built-in set".into());
            format!("{path} with fingerprint {}", data.fingerprint)
        };
        Err(Error::ConfigChanged {
            path: folder.join("config.json"),
            key: "data".to_owned(),
            expected: describe(&self.data),
            found: describe(data),
        })
    }
}

/// Keys that say how long to train: they may change on resume, beside those of [`MAY_DIFFER`].
const MAY_CHANGE: &[&str] = &["train.epochs", "train.max_steps", "train.patience"];

/// Keys that say where to train and what to keep: they don't change what is learned.
const MAY_DIFFER: &[&str] = &[
    "$schema",
    "train.device",
    "train.micro_batch",
    "train.workers",
    "train.log_every",
    "health.on_collapse",
    "checkpoint.every_epochs",
    "checkpoint.every_steps",
    "checkpoint.every_minutes",
    "checkpoint.keep_last",
];

/// Where two documents differ: the dotted key, the value in the first and the value in the second.
type Difference = (String, Value, Value);

/// The first place where two documents differ, other than at the keys `may`.
fn first_difference(a: &Value, b: &Value, may: &[&str]) -> Option<Difference> {
    differences("", a, b, may).into_iter().next()
}

/// Every place below `key` where two documents differ, other than at the keys `may`.
fn differences(key: &str, a: &Value, b: &Value, may: &[&str]) -> Vec<Difference> {
    if a == b || may.contains(&key) {
        return Vec::new();
    }
    let below = |part: &str| {
        if key.is_empty() { part.to_owned() } else { format!("{key}.{part}") }
    };
    match (a, b) {
        (Value::Object(a), Value::Object(b)) => {
            let more = b.keys().filter(|key| !a.contains_key(*key));
            let part = |of: &Map<String, Value>, key| of.get(key).cloned().unwrap_or(Value::Null);
            a.keys()
                .chain(more)
                .flat_map(|key| differences(&below(key), &part(a, key), &part(b, key), may))
                .collect()
        }
        (Value::Array(a), Value::Array(b)) if a.len() == b.len() => (0..)
            .zip(a.iter().zip(b))
            .flat_map(|(index, (a, b))| differences(&below(&format!("{index}")), a, b, may))
            .collect(),
        _ => vec![(key.to_owned(), a.clone(), b.clone())],
    }
}

/// The dotted keys and values of everything below `key` that is neither list nor object nor null.
fn leaves(key: &str, value: &Value) -> Vec<(String, String)> {
    let below = |part: &str| match key {
        "" => part.to_owned(),
        key => format!("{key}.{part}"),
    };
    match value {
        Value::Null => Vec::new(),
        Value::Object(parts) => {
            parts.iter().flat_map(|(part, value)| leaves(&below(part), value)).collect()
        }
        Value::Array(parts) => (0..)
            .zip(parts)
            .flat_map(|(index, value)| leaves(&below(&format!("{index}")), value))
            .collect(),
        leaf => vec![(key.to_owned(), leaf.to_string())],
    }
}

/// Whether `path` has anything but what a process leaves that was killed while it made the folder.
fn is_used(path: &Path) -> bool {
    let entries = fs::read_dir(path).into_iter().flatten().flatten();
    let empty = |path: PathBuf| fs::read_dir(path).is_ok_and(|mut dir| dir.next().is_none());
    entries.map(|entry| entry.path()).any(|path| {
        let name = path.file_name().and_then(|name| name.to_str());
        match name {
            Some("checkpoints") => !empty(path),
            Some(name) => !files::is_partial(name.as_ref()),
            None => true,
        }
    })
}

/// Takes the run folder for this process: the folder itself is locked, so that nothing is left
/// behind.
fn lock(path: &Path) -> Result<File, Error> {
    let folder = File::open(path).map_err(Error::io(path, "open it"))?;
    match folder.try_lock() {
        Ok(()) => Ok(folder),
        Err(fs::TryLockError::WouldBlock) => Err(Error::InUse(path.to_owned())),
        // A file system without locks.
        Err(fs::TryLockError::Error(_)) => Ok(folder),
    }
}

/// Reads the `config.json` of the run in `path`.
///
/// # Errors
/// [`Error::NoRun`] where there is none, [`Error::Damaged`] where it can't be understood.
pub fn read_record(path: &Path) -> Result<RunRecord, Error> {
    let file = path.join("config.json");
    let text = fs::read_to_string(&file).map_err(|error| Error::NoRun {
        path: path.to_owned(),
        found: if path.is_dir() {
            format!("a folder without config.json ({error})")
        } else {
            error.to_string()
        },
    })?;
    serde_json::from_str(&text).map_err(|error| Error::Damaged {
        path: file,
        expected: "the record of a run".to_owned(),
        found: error.to_string(),
    })
}

/// Writes `value` to `path` as JSON, all or nothing.
///
/// # Errors
/// [`Error::Io`].
pub fn write_json(path: &Path, value: &impl Serialize) -> Result<(), Error> {
    let mut text = serde_json::to_string_pretty(value).expect("records are always valid JSON");
    text.push('\n');
    Ok(files::write(path, text.as_bytes())?)
}
