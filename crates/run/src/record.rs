//! `config.json`.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use schemars::JsonSchema;
use serde::de::{DeserializeOwned, IgnoredAny};
use serde::{Deserialize, Serialize};

use crate::file::{self, FORMAT};
use crate::{DataSource, Error, SegmentRecord, wilson_interval};

/// `config.json`: the configuration, and what it became on this machine and data. `C` is the type
/// of the configuration; [`serde_json::Value`] reads that of any method.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct RunRecord<C> {
    /// Format of the run folder: 2.
    pub format: u32,
    /// Version of the program.
    pub version: String,
    /// Source revision that the program was built from.
    pub revision: String,
    /// When the run started, in UTC (RFC 3339), such as `2026-11-28T09:30:00Z`.
    pub started_at: String,
    /// The device, such as `cpu` or `cuda:0`.
    pub device: String,
    /// Threads.
    pub threads: ThreadCounts,
    /// The data set.
    pub data: DataRecord,
    /// A batch.
    pub batch: BatchRecord,
    /// The file that the encoder's first weights are from; null for random weights.
    pub init: Option<InitRecord>,
    /// How good the weights of `init` were before the first step; null where the run began with
    /// random ones or has no labels.
    #[serde(default)]
    pub initial_knn: Option<InitialKnn>,
    /// Random name of the run, which its checkpoints carry; empty for runs of older versions.
    #[serde(default)]
    pub run_id: String,
    /// Whether a checkpoint was written: without one the run can't be resumed then.
    #[serde(default)]
    pub has_checkpoint: bool,
    /// The parts of the run, one for each start of the program, with all that rounding depends on.
    #[serde(default)]
    pub segments: Vec<SegmentRecord>,
    /// The configuration.
    pub config: C,
}

/// Threads of a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ThreadCounts {
    /// Threads of libtorch.
    pub libtorch: usize,
    /// Threads that render views.
    pub workers: usize,
}

/// The data set of a run.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct DataRecord {
    /// Where it was read from.
    #[serde(flatten)]
    pub source: DataSource,
    /// Kind of the set, such as `image folder`.
    pub kind: String,
    /// Hash over sizes, labels and pixels of all images.
    pub fingerprint: String,
    /// Side of the images, in pixels.
    pub image_size: usize,
    /// Images of each split.
    pub images: ImageCounts,
    /// Whether the unlabeled images are those of `train`, because the set has no others.
    #[serde(default)]
    pub unlabeled_is_train: bool,
    /// Labeled training images that are held out from training, to choose the best epoch by.
    pub held_out: usize,
    /// Names of the classes.
    pub class_names: Vec<String>,
}

/// Images of each split.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ImageCounts {
    /// Unlabeled images, which pretraining uses.
    pub unlabeled: usize,
    /// Labeled training images, those held out included.
    pub train: usize,
    /// Labeled test images.
    pub test: usize,
}

/// The composition of a batch. An epoch is divided evenly, so that batches may have an image more
/// or less.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct BatchRecord {
    /// Unlabeled images of a batch; 0 where the labeled ones are all there are.
    pub unlabeled: usize,
    /// Labeled images of a batch; their labels train the online probe only.
    pub labeled: usize,
    /// Batches of an epoch.
    pub steps_per_epoch: u32,
}

impl BatchRecord {
    /// Images of a batch.
    pub fn images(&self) -> usize {
        self.unlabeled + self.labeled
    }

    /// A number of steps in words: `3 epochs, 75 steps`, `2 steps, 0.4 of an epoch` or
    /// `62 steps, 2.48 epochs`.
    pub fn duration(&self, steps: u64) -> String {
        let per_epoch = u64::from(self.steps_per_epoch.max(1));
        let plural = |number: u64| if number == 1 { "" } else { "s" };
        let of_steps = format!("{steps} step{}", plural(steps));
        if steps == 0 {
            return of_steps;
        }
        if steps.is_multiple_of(per_epoch) {
            let epochs = steps / per_epoch;
            return format!("{epochs} epoch{}, {of_steps}", plural(epochs));
        }
        let epochs = fraction(steps as f64 / per_epoch as f64);
        if steps < per_epoch {
            format!("{of_steps}, {epochs} of an epoch")
        } else {
            format!("{of_steps}, {epochs} epochs")
        }
    }
}

/// A number that is not whole with two digits behind the point, or more where it would look whole.
fn fraction(number: f64) -> String {
    let written = (2..6).map(|digits| format!("{number:.digits$}"));
    let mut parts = written.map(|text| text.trim_end_matches('0').to_owned());
    parts.find(|text| !text.ends_with('.')).unwrap_or_else(|| number.to_string())
}

/// A file of weights that an encoder began with.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct InitRecord {
    /// Absolute path.
    pub path: PathBuf,
    /// SHA-256 of the file, in hexadecimal digits.
    pub sha256: String,
}

/// kNN accuracy of the weights that a run began with, measured as
/// [`VAL_KNN_ACC`](crate::VAL_KNN_ACC).
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct InitialKnn {
    /// Share of the images that were classified correctly, 0 to 1.
    pub accuracy: f64,
    /// Images that were classified.
    pub images: u64,
}

impl InitialKnn {
    /// The 95 % interval of the accuracy, by the number of images alone.
    pub fn interval95(&self) -> [f64; 2] {
        let correct = (self.accuracy * self.images as f64).round() as u64;
        wilson_interval(correct, self.images)
    }

    /// Why the kNN accuracy `now` is worse than this one by more than the interval, in a few words;
    /// `None` where it isn't.
    pub fn regression(&self, now: f64) -> Option<String> {
        let [low, high] = self.interval95();
        (now < low).then(|| {
            let [now, before, low, high] =
                [now, self.accuracy, low, high].map(|share| 100.0 * share);
            format!(
                "val_knn_acc is {now:.2}%, that of the weights it began with {before:.2}% \
                 ({low:.1} to {high:.1})"
            )
        })
    }
}

impl DataRecord {
    /// The different images that training sees: the unlabeled ones and, where a batch has
    /// `labeled` images, those of `train` that are not held out.
    pub fn trained_on(&self, labeled: bool) -> usize {
        let train = self.images.train.saturating_sub(self.held_out);
        match (self.unlabeled_is_train, labeled) {
            (true, _) => train,
            (false, true) => self.images.unlabeled + train,
            (false, false) => self.images.unlabeled,
        }
    }

    /// The names of its folders, or its kind where it has none.
    pub fn name(&self) -> String {
        let names = self.source.paths.iter().filter_map(|path| path.file_name());
        let names: Vec<_> = names.map(|name| name.to_string_lossy()).collect();
        if names.is_empty() { self.kind.clone() } else { names.join(", ") }
    }
}

/// What tells a record's format. Format 1 had no number.
#[derive(Deserialize)]
struct Version {
    format: Option<u32>,
    config: Option<IgnoredAny>,
    version: Option<IgnoredAny>,
}

impl<C: DeserializeOwned> RunRecord<C> {
    /// Reads `config.json` of the run in `folder`.
    ///
    /// # Errors
    /// [`Error::NoRun`] for a folder without one, [`Error::Format`] for a run of another format,
    /// [`Error::Content`] for a file that can't be parsed.
    pub fn read(folder: &Path) -> Result<Self, Error> {
        let path = folder.join(file::CONFIG);
        let text = match files::read_text(&path) {
            Err(error) => return Err(unreadable(folder, error)),
            Ok(text) => text,
        };
        let content = |error| Error::content(&path, None, "the record of a run")(error);
        let Version { format, config, version } = serde_json::from_str(&text).map_err(content)?;
        let unnumbered = config.is_some() && version.is_some();
        match format.or(unnumbered.then_some(1)) {
            Some(found) if found != FORMAT => Err(Error::Format { path: folder.to_owned(), found }),
            _ => serde_json::from_str(&text).map_err(content),
        }
    }
}

/// The most runs that a message names, and how deep they are looked for.
const NAMED: usize = 5;
const DEPTH: usize = 2;

/// Why the record of the run in `folder` can't be read: there is no run, or `error`.
fn unreadable(folder: &Path, error: files::Error) -> Error {
    use io::ErrorKind::{InvalidData, NotADirectory, NotFound};
    match error.source.kind() {
        NotFound | NotADirectory => {
            Error::NoRun { path: folder.to_owned(), found: instead_of_run(folder) }
        }
        InvalidData => Error::content(&error.path, None, "the record of a run")(error.source),
        _ => error.into(),
    }
}

/// What is in the place of the run in `folder`, which has no record.
fn instead_of_run(folder: &Path) -> String {
    if !folder.is_dir() {
        return if folder.exists() { "a file" } else { "no such folder" }.to_owned();
    }
    let mut runs = Vec::new();
    collect_runs(folder, DEPTH, &mut runs);
    runs.sort();
    let names: Vec<_> = runs.iter().take(NAMED).map(|run| run.display().to_string()).collect();
    match runs.len() {
        0 => format!("a folder without {}", file::CONFIG),
        1 => format!("a folder with the run {}", names[0]),
        count if count <= NAMED => format!("a folder with the runs {}", names.join(", ")),
        count => format!("a folder with {count} runs: {}, ...", names.join(", ")),
    }
}

fn collect_runs(folder: &Path, depth: usize, runs: &mut Vec<PathBuf>) {
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    for path in entries.map(|entry| entry.path()).filter(|path| path.is_dir()) {
        if path.join(file::CONFIG).is_file() {
            runs.push(path);
        } else if depth > 1 {
            collect_runs(&path, depth - 1, runs);
        }
    }
}

#[cfg(test)]
mod tests;
