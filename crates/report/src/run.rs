//! One run folder, finished or not.

use std::path::{Path, PathBuf};

use run::{
    BatchRecord, DataRecord, EpochRecord, EvaluationRecord, InitialKnn, RunRecord, StepRecord,
    Summary, TEST_PROBE_ACC, ThreadCounts, file,
};
use serde::Deserialize;
use serde_json::Value;

use crate::{Error, Evaluation};

/// A run, as its folder tells it.
#[derive(Clone, Debug)]
pub struct Run {
    /// The folder.
    pub folder: PathBuf,
    /// Name of the method: the key in `config.method`.
    pub method: String,
    /// Random seed.
    pub seed: u64,
    /// Epochs that it was asked for.
    pub epochs: u32,
    /// Steps after which it was to end, where it was not to run all its epochs.
    pub max_steps: Option<u64>,
    /// Kind of numbers in the networks.
    pub precision: String,
    /// Every setting, as in `config.json`.
    pub settings: Value,
    /// Version of the program.
    pub version: String,
    /// Source revision that it was built from.
    pub revision: String,
    /// The device, as it was found.
    pub device: String,
    /// Threads.
    pub threads: ThreadCounts,
    /// The data.
    pub data: DataRecord,
    /// What a batch is made of.
    pub batch: BatchRecord,
    /// Whether it began with weights from a file.
    pub from_weights: bool,
    /// How good these were.
    pub initial_knn: Option<InitialKnn>,
    /// When it started, in UTC (RFC 3339).
    pub started_at: String,
    /// The epochs done, in order.
    pub history: Vec<EpochRecord>,
    /// The steps done, in order.
    pub steps: Vec<StepRecord>,
    /// What it came to; `None` while it is unfinished.
    pub summary: Option<Summary>,
    /// Scores of its encoder, where it has been evaluated.
    pub evaluation: Option<Evaluation>,
}

#[derive(Deserialize)]
struct Settings {
    seed: u64,
    method: serde_json::Map<String, Value>,
    train: Train,
}

#[derive(Deserialize)]
struct Train {
    epochs: u32,
    #[serde(default)]
    max_steps: Option<u64>,
    precision: String,
}

impl Run {
    /// Reads the run in `folder`. Only `config.json` must be there.
    ///
    /// # Errors
    /// [`Error::Run`] where there is none, where it has another format, or where a file can't be
    /// parsed; [`Error::Content`] for a configuration without method, seed or epochs.
    pub fn read(folder: &Path) -> Result<Self, Error> {
        let path = folder.join(file::CONFIG);
        let record: RunRecord<Value> = RunRecord::read(folder)?;
        let Settings { seed, method, train } = Settings::deserialize(&record.config)
            .map_err(Error::content(&path, "the settings of a run"))?;
        let mut names = method.into_iter().map(|(name, _)| name);
        let (Some(method), None) = (names.next(), names.next()) else {
            return Err(Error::content(&path, "one method in config.method")("none or several"));
        };
        // A method that another program brought along has its name among its settings.
        let own = &record.config["method"]["own"]["name"];
        let method = own.as_str().map_or(method, str::to_owned);
        let evaluation = EvaluationRecord::read(folder)?;
        Ok(Self {
            folder: folder.to_owned(),
            method,
            seed,
            epochs: train.epochs,
            max_steps: train.max_steps,
            precision: train.precision,
            settings: record.config,
            version: record.version,
            revision: record.revision,
            device: record.device,
            threads: record.threads,
            data: record.data,
            batch: record.batch,
            from_weights: record.init.is_some(),
            initial_knn: record.initial_knn,
            started_at: record.started_at,
            history: run::read_epochs(folder)?,
            steps: run::read_steps(folder)?,
            summary: Summary::read(folder)?,
            evaluation: evaluation.as_ref().map(Evaluation::of),
        })
    }

    /// Whether it has run to its end.
    pub fn finished(&self) -> bool {
        self.summary.is_some()
    }

    /// How far it is, such as "unfinished: 3 of 10 epochs done" or "finished after 2 steps, 0.4 of
    /// an epoch".
    pub(crate) fn state(&self) -> String {
        let (done, per_epoch) = (self.steps_done(), u64::from(self.batch.steps_per_epoch.max(1)));
        if self.finished() {
            format!("finished after {}", self.batch.duration(done))
        } else if done.is_multiple_of(per_epoch) {
            format!("unfinished: {} of {} epochs done", done / per_epoch, self.epochs)
        } else {
            let done = self.batch.duration(done);
            let plural = if self.epochs == 1 { " was" } else { "s were" };
            format!("unfinished after {done}; {} epoch{plural} planned", self.epochs)
        }
    }

    /// The number of steps done.
    pub(crate) fn steps_done(&self) -> u64 {
        let summary = self.summary.as_ref().map(|summary| summary.steps);
        let logged = self.steps.last().map_or(0, |step| step.step);
        summary.unwrap_or_else(|| self.last().map_or(0, |epoch| epoch.step).max(logged))
    }

    /// The last epoch done.
    pub fn last(&self) -> Option<&EpochRecord> {
        self.history.last()
    }

    /// The first of the epochs at which the probe was best on the test split.
    pub fn best(&self) -> Option<&EpochRecord> {
        let of = |epoch| TEST_PROBE_ACC.of(epoch);
        let measured = self.history.iter().filter(|epoch| of(epoch).is_some());
        measured.reduce(|best, epoch| if of(epoch) > of(best) { epoch } else { best })
    }

    /// Images a second over the whole of training.
    pub fn images_per_sec(&self) -> Option<f64> {
        let finite = |speed: &f64| speed.is_finite();
        let whole = self.summary.as_ref().map(|summary| summary.images_per_sec);
        if let Some(speed) = whole.filter(finite) {
            return Some(speed);
        }
        let epochs = self.history.iter();
        let timed = epochs.map(|epoch| (epoch.images_per_sec * epoch.train_secs, epoch.train_secs));
        let (images, secs) = timed
            .filter(|(images, _)| images.is_finite())
            .fold((0.0, 0.0), |sum, epoch| (sum.0 + epoch.0, sum.1 + epoch.1));
        (secs > 0.0).then(|| images / secs)
    }

    /// Seconds that its epochs took: training, and measuring after each epoch.
    pub fn wall_secs(&self) -> Option<f64> {
        let measuring = |secs: f64| if secs.is_finite() { secs } else { 0.0 };
        let epochs = self.history.iter();
        let secs: f64 = epochs.map(|epoch| epoch.train_secs + measuring(epoch.eval_secs)).sum();
        Some(secs).filter(|secs| secs.is_finite() && !self.history.is_empty())
    }
}

#[cfg(test)]
mod tests;
