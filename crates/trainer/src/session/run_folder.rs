//! The folder of a run: what it was asked to do, what it measured, what it learned.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use files::RecordLog;
use run::{Summary, file};
use serde::Serialize;

use crate::checkpoint::encoder_file::write_encoder;
use crate::learner::networks::EncoderAndHead;
use crate::session::run_lock::RunLock;
use crate::{Error, Learner, RunRecord, checkpoint};

/// An open run folder.
#[derive(Debug)]
pub struct RunFolder {
    metrics: RecordLog,
    record: RunRecord,
    /// The newest checkpoint from before training looked like collapse.
    healthy: Option<PathBuf>,
    /// Checkpoints that were read whole by this process.
    verified: BTreeSet<PathBuf>,
    warnings: Vec<String>,
    lock: RunLock,
}

/// Where a run goes on: what was found in its folder.
#[derive(Debug, Default)]
pub(crate) struct Restored {
    /// Steps done.
    pub step: u64,
    /// The checkpoint; none where the run begins again.
    pub checkpoint: Option<PathBuf>,
    /// The newest checkpoint from before training looked like collapse.
    pub healthy: Option<PathBuf>,
    /// Newer checkpoints that can't be used, and why.
    pub refused: Vec<(PathBuf, Error)>,
    /// What else the user should know.
    pub warnings: Vec<String>,
}

impl RunFolder {
    /// Checks that a new run can begin in `path`.
    ///
    /// # Errors
    /// [`Error::RunExists`] where one is there, [`Error::Folder`] where that can't be told.
    pub fn check_new(path: &Path) -> Result<(), Error> {
        let failed = |error| Error::Folder(Box::new(error));
        if is_used(path).map_err(failed)? {
            let is_run = files::exists(&path.join(file::CONFIG));
            let is_run = is_run.map_err(|error| failed(error.into()))?;
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
        let failed = |error| Error::Folder(Box::new(error));
        let lock = RunLock::take_new(path).map_err(failed)?;
        if let Err(error) = Self::check_new(path) {
            lock.remove_made();
            return Err(error);
        }
        match fill(path, record, networks) {
            Ok(metrics) => {
                let warnings = lock.warning().map(str::to_owned).into_iter().collect();
                Ok(Self {
                    metrics,
                    record: record.clone(),
                    healthy: None,
                    verified: BTreeSet::new(),
                    warnings,
                    lock,
                })
            }
            Err(error) => {
                // The folder was as good as empty when it was locked.
                for name in [file::CONFIG, file::METRICS, file::INIT_WEIGHTS] {
                    let _ = fs::remove_file(path.join(name));
                }
                let _ = fs::remove_dir(path.join(file::CHECKPOINTS));
                lock.remove_made();
                Err(failed(error))
            }
        }
    }

    /// Goes on with the run in the folder of `lock` after what was `restored`, as `record` says.
    /// Checkpoints that can't be used are moved aside; lines of later steps are taken out of
    /// `metrics.jsonl`, so that each step is there once.
    ///
    /// # Errors
    /// [`Error::Io`]; [`Error::Run`] where `metrics.jsonl` is damaged; [`Error::Damaged`] where a
    /// file that is to be written is a link, a pipe or a device.
    pub(crate) fn resume(
        lock: RunLock,
        record: &RunRecord,
        restored: Restored,
    ) -> Result<Self, Error> {
        let path = lock.path().to_owned();
        let metrics = path.join(file::METRICS);
        refuse_links(&path)?;
        let (kept, _) = run::lines_until(&path, restored.step)?;
        let checkpoints = path.join(file::CHECKPOINTS);
        fs::create_dir_all(&checkpoints).map_err(Error::io(&checkpoints, "make it"))?;
        for folder in [&path, &checkpoints] {
            files::remove_partial(folder);
        }
        let mut warnings: Vec<_> = lock.warning().map(str::to_owned).into_iter().collect();
        warnings.extend(restored.warnings);
        // First: a run that is killed after its lines were cut must not go on from a newer one.
        for (path, error) in &restored.refused {
            let aside = move_aside(path)?;
            warnings.push(format!(
                "{error}; resuming from the previous checkpoint; moved to {}",
                aside.display()
            ));
        }
        files::write(&metrics, kept.as_bytes())?;
        let record = RunRecord { has_checkpoint: restored.checkpoint.is_some(), ..record.clone() };
        write_json(&path.join(file::CONFIG), &record)?;
        let metrics = RecordLog::open(&metrics)?;
        let verified = restored.checkpoint.into_iter().chain(restored.healthy.clone()).collect();
        Ok(Self { metrics, record, healthy: restored.healthy, verified, warnings, lock })
    }

    /// What the user should know of how the folder was found.
    pub fn warnings(&self) -> &[String] {
        &self.warnings
    }

    /// Whether there is a checkpoint from before training looked like collapse.
    pub(crate) fn has_healthy_checkpoint(&self) -> bool {
        self.healthy.is_some()
    }

    /// The folder.
    pub fn path(&self) -> &Path {
        self.lock.path()
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

    /// Saves a checkpoint and reads it back, then removes the oldest beyond `keep` that can be
    /// read; that of the best epoch stays, and so does the newest from before training looked like
    /// collapse. Damaged ones are moved aside and don't count.
    ///
    /// # Errors
    /// [`Error::Io`], [`Error::Damaged`] where it isn't what was written; older checkpoints are
    /// then still there.
    pub fn checkpoint(
        &mut self,
        learner: &Learner,
        header: &checkpoint::Header,
        keep: usize,
    ) -> Result<(), Error> {
        let folder = self.path().join(file::CHECKPOINTS);
        let path = checkpoint::path_of(&folder, header.step);
        // A checkpoint that survives a power cut has its lines of metrics.
        self.metrics.sync()?;
        checkpoint::save(&path, learner, header)?;
        checkpoint::verify(&path, &self.record)?;
        self.verified.insert(path.clone());
        if header.collapse_warnings == 0 {
            self.healthy = Some(path);
        }
        if !self.record.has_checkpoint {
            self.record.has_checkpoint = true;
            write_json(&self.path().join(file::CONFIG), &self.record)?;
        }
        self.rotate(&folder, keep, header)
    }

    /// Removes the oldest checkpoints beyond `keep`.
    fn rotate(
        &mut self,
        folder: &Path,
        keep: usize,
        header: &checkpoint::Header,
    ) -> Result<(), Error> {
        let best = header.history.best;
        let best = best.map(|best| checkpoint::path_of(folder, best.step));
        let stay = [self.healthy.clone(), best, Some(checkpoint::path_of(folder, header.step))];
        let mut kept = 0;
        for path in checkpoint::all(folder)?.into_iter().rev() {
            if kept < keep && !self.verified.contains(&path) {
                match checkpoint::verify(&path, &self.record) {
                    Ok(()) => drop(self.verified.insert(path.clone())),
                    Err(error @ Error::Io { .. }) => return Err(error),
                    Err(_) => drop(move_aside(&path)?),
                }
            }
            if kept < keep && self.verified.contains(&path) {
                kept += 1;
            } else if kept >= keep && !stay.contains(&Some(path.clone())) {
                // In a folder that several runs share, others are not this run's to remove.
                if checkpoint::is_of_run(&path, &self.record)? {
                    fs::remove_file(&path).map_err(Error::io(&path, "remove it"))?;
                }
            }
        }
        Ok(())
    }

    /// Writes `encoder.safetensors`: the encoder that evaluation reads, its names without a prefix.
    ///
    /// # Errors
    /// [`Error::Io`].
    pub fn export_encoder(&self, learner: &Learner, record: &RunRecord) -> Result<(), Error> {
        let path = self.path().join(file::ENCODER);
        write_encoder(&path, learner.eval_networks(), &record.config)
    }

    /// Removes `summary.json`: a run that goes on is not finished.
    ///
    /// # Errors
    /// [`Error::Io`].
    pub fn reopen(&self) -> Result<(), Error> {
        Ok(files::remove_if_exists(&self.path().join(file::SUMMARY))?)
    }

    /// Writes `summary.json`.
    ///
    /// # Errors
    /// [`Error::Io`].
    pub fn summarize(&self, summary: &Summary) -> Result<(), Error> {
        write_json(&self.path().join(file::SUMMARY), summary)
    }
}

/// Fills a new run folder. The configuration comes last: with it the folder is a run that can be
/// resumed, and without it one that can be started anew.
fn fill(path: &Path, record: &RunRecord, networks: &EncoderAndHead) -> Result<RecordLog, Error> {
    files::remove_partial(path);
    let checkpoints = path.join(file::CHECKPOINTS);
    fs::create_dir_all(&checkpoints).map_err(Error::io(&checkpoints, "make it"))?;
    if record.init.is_some() {
        write_encoder(&path.join(file::INIT_WEIGHTS), networks, &record.config)?;
    }
    let metrics = RecordLog::open(&path.join(file::METRICS))?;
    write_json(&path.join(file::CONFIG), record)?;
    Ok(metrics)
}

/// Whether `path` has anything but what a process leaves that was killed while it made the folder.
fn is_used(path: &Path) -> Result<bool, Error> {
    let Some(found) = files::if_exists(files::list(path))? else { return Ok(false) };
    let begun = found.contains(&path.join(file::CHECKPOINTS));
    for path in found {
        let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
        let left = match name {
            file::CHECKPOINTS => {
                // A link may lead to a folder that isn't there.
                path.is_dir() && files::list(&path)?.is_empty()
            }
            file::METRICS => begun && fs::symlink_metadata(&path).is_ok_and(|of| of.len() == 0),
            file::INIT_WEIGHTS => begun,
            file::LOCK => true,
            name => files::is_partial(name.as_ref()),
        };
        if !left {
            return Ok(true);
        }
    }
    Ok(false)
}

/// Refuses the run in `folder` where a file that will be written is a link, a pipe or a device:
/// what a link leads to is not this run's. The folder itself and its `checkpoints` may be links.
fn refuse_links(folder: &Path) -> Result<(), Error> {
    let checkpoints = files::if_exists(files::list(&folder.join(file::CHECKPOINTS)))?;
    let written = [
        file::CONFIG,
        file::METRICS,
        file::LOG,
        file::SUMMARY,
        file::ENCODER,
        file::INIT_WEIGHTS,
        file::LOCK,
    ];
    let written = written.map(|name| folder.join(name));
    for path in written.into_iter().chain(checkpoints.into_iter().flatten()) {
        let kind = match fs::symlink_metadata(&path) {
            Ok(found) => found.file_type(),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => continue,
            Err(error) => return Err(Error::io(&path, "read it")(error)),
        };
        if !kind.is_file() && !kind.is_dir() {
            let found = if kind.is_symlink() { "a link" } else { "a pipe or a device" };
            return Err(checkpoint::damaged(&path, "a plain file in a run folder", found));
        }
    }
    Ok(())
}

/// Gives a checkpoint that can't be used a name that is none of a checkpoint, and that is free.
fn move_aside(path: &Path) -> Result<PathBuf, Error> {
    let mut number = 0;
    loop {
        let mut aside = path.as_os_str().to_owned();
        aside.push(if number == 0 { ".damaged".to_owned() } else { format!(".damaged-{number}") });
        let aside = PathBuf::from(aside);
        if !files::exists(&aside)? {
            fs::rename(path, &aside).map_err(Error::io(path, "rename it"))?;
            return Ok(aside);
        }
        number += 1;
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
