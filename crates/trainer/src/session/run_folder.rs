//! The folder of a run: what it was asked to do, what it measured, what it learned.

use std::fs::{self, File};
use std::path::{Path, PathBuf};

use files::RecordLog;
use run::{Summary, file};
use serde::Serialize;
use serde_json::Value;

use crate::checkpoint::encoder_file::write_encoder;
use crate::learner::networks::EncoderAndHead;
use crate::{Config, Error, Learner, checkpoint};

/// `config.json` of a run.
pub type RunRecord = run::RunRecord<Config>;

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
    /// Checks that a new run can begin in `path`.
    ///
    /// # Errors
    /// [`Error::RunExists`] where one is there.
    pub fn check_new(path: &Path) -> Result<(), Error> {
        if is_used(path) {
            let is_run = path.join(file::CONFIG).exists();
            return Err(Error::RunExists { path: path.to_owned(), is_run });
        }
        Ok(())
    }

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
        Self::check_new(path)?;
        let existed = path.exists();
        let made = fs::create_dir_all(path.join(file::CHECKPOINTS))
            .map_err(Error::io(path, "make it"))
            .and_then(|()| {
                let lock = lock(path)?;
                let config = path.join(file::CONFIG);
                write_json(&config, record)?;
                if record.init.is_some() {
                    let written =
                        write_encoder(&path.join(file::INIT_WEIGHTS), networks, &record.config);
                    written.inspect_err(|_| drop(fs::remove_file(config)))?;
                }
                Self::open(path, lock)
            });
        made.map_err(|error| {
            let _ = if existed {
                fs::remove_dir(path.join(file::CHECKPOINTS))
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
        for folder in [path.to_owned(), path.join(file::CHECKPOINTS)] {
            files::remove_partial(&folder);
        }
        write_json(&path.join(file::CONFIG), record)?;
        let metrics = path.join(file::METRICS);
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
            metrics: RecordLog::open(&path.join(file::METRICS))?,
            healthy: None,
            _lock: lock,
        })
    }

    /// The folder.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Appends records to `metrics.jsonl`, a line each.
    ///
    /// # Errors
    /// [`Error::Io`]; none of them is then there.
    pub fn log(&mut self, records: &[impl Serialize]) -> Result<(), Error> {
        let line = |record| serde_json::to_string(record).expect("records are always valid JSON");
        let text: String = records.iter().map(|record| line(record) + "\n").collect();
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
        let folder = self.path.join(file::CHECKPOINTS);
        let path = checkpoint::path_of(&folder, header.step);
        // A checkpoint that survives a power cut has its lines of metrics.
        self.metrics.sync()?;
        checkpoint::save(&path, learner, header)?;
        if header.collapse_warnings == 0 {
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
        let path = self.path.join(file::ENCODER);
        write_encoder(&path, learner.eval_networks(), &record.config)
    }

    /// Removes `summary.json`: a run that goes on is not finished.
    ///
    /// # Errors
    /// [`Error::Io`].
    pub fn reopen(&self) -> Result<(), Error> {
        let path = self.path.join(file::SUMMARY);
        match fs::remove_file(&path) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
                Err(Error::io(&path, "remove it")(error))
            }
            _ => Ok(()),
        }
    }

    /// Writes `summary.json`.
    ///
    /// # Errors
    /// [`Error::Io`].
    pub fn summarize(&self, summary: &Summary) -> Result<(), Error> {
        write_json(&self.path.join(file::SUMMARY), summary)
    }
}

/// Whether `path` has anything but what a process leaves that was killed while it made the folder.
fn is_used(path: &Path) -> bool {
    let entries = fs::read_dir(path).into_iter().flatten().flatten();
    let empty = |path: PathBuf| fs::read_dir(path).is_ok_and(|mut dir| dir.next().is_none());
    entries.map(|entry| entry.path()).any(|path| {
        let name = path.file_name().and_then(|name| name.to_str());
        match name {
            Some(file::CHECKPOINTS) => !empty(path),
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

/// Writes `value` to `path` as JSON, all or nothing.
///
/// # Errors
/// [`Error::Io`].
pub fn write_json(path: &Path, value: &impl Serialize) -> Result<(), Error> {
    let mut text = serde_json::to_string_pretty(value).expect("records are always valid JSON");
    text.push('\n');
    Ok(files::write(path, text.as_bytes())?)
}
