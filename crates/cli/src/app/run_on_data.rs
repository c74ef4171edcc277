//! A trained encoder, and the set that it is used on.

use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use dataset::{ConcatSplits, Dataset};
use eval::{CheckpointChoice, FeatureCache, FrozenEncoder};
use models::DeviceChoice;

use crate::app::datasets;
use crate::app::failure::Failure;
use crate::app::job_progress::JobProgressBar;
use crate::args::SplitArgument;

/// Images in a forward pass.
pub const BATCH: usize = 256;

/// See the module.
pub struct RunOnData {
    /// The run folder, as it was given.
    pub run: PathBuf,
    /// The encoder.
    pub frozen: FrozenEncoder,
    /// The set.
    pub set: Dataset,
    /// Where the set was read from, from the root; `None` for the built-in one.
    pub path: Option<PathBuf>,
    /// Where the set is, for messages.
    pub place: String,
}

impl RunOnData {
    /// Opens the run in `folder`, and the set in `data` or else the run's.
    pub fn open(
        folder: &Path,
        data: Option<&Path>,
        weights: CheckpointChoice,
        device: DeviceChoice,
    ) -> Result<Self, Failure> {
        let frozen = FrozenEncoder::open(folder, weights, device)?;
        let path = data.or(frozen.record.data.path.as_deref());
        let set = match path {
            Some(path) => datasets::open(path, frozen.record.config.image_size)?,
            None => datasets::built_in_of(folder, &frozen.record)?,
        };
        let path = path.map(Path::to_owned);
        Ok(Self::of(folder, frozen, set, path.as_deref()))
    }

    /// What is open already: the encoder of the run in `folder`, and the set that was read from
    /// `path`.
    pub fn of(folder: &Path, mut frozen: FrozenEncoder, set: Dataset, path: Option<&Path>) -> Self {
        frozen.cache = FeatureCache::of_user();
        let place = path.map_or("the built-in set".to_owned(), |path| path.display().to_string());
        let path = path.map(|path| std::path::absolute(path).unwrap_or(path.to_owned()));
        Self { run: folder.to_owned(), frozen, set, path, place }
    }

    /// With the cache of features, or without.
    pub fn cached(mut self, cached: bool) -> Self {
        if !cached {
            self.frozen.cache = None;
        }
        self
    }

    /// Shows the progress of extracting features, until `stop` is set.
    pub fn progress(&self, stop: &Arc<AtomicBool>) -> impl Fn(usize, usize) -> ControlFlow<()> {
        let bar = JobProgressBar::new("embedding images", stop);
        move |done, of| bar.update(done, of)
    }

    /// The images of these splits, or of all.
    pub fn select(&self, splits: &[SplitArgument]) -> Result<ConcatSplits<'_>, Failure> {
        let names: Vec<&str> = splits.iter().map(|split| split.name()).collect();
        let images = ConcatSplits::new(&self.set, &names);
        images.map_err(|error| Failure::usage(format!("{}: {error}", self.place)))
    }

    /// An error about the set's images.
    pub fn failure(&self, error: eval::Error) -> Failure {
        let name = match &error {
            eval::Error::Interrupted | eval::Error::Loader(_) | eval::Error::Cache { .. } => {
                return error.into();
            }
            eval::Error::TooFewOfClass { class, .. } => self.set.class_names.get(*class),
            _ => None,
        };
        let name = name.map_or(String::new(), |name| format!(" ({name})"));
        Failure::usage(format!("{}: {error}{name}", self.place))
    }
}

/// How far an encoder was trained, such as `after 2 epochs, 50 steps` or `after 2 steps, 0.4 of an
/// epoch`.
pub fn training(frozen: &FrozenEncoder) -> String {
    match frozen.trained.step {
        0 => "before training".to_owned(),
        steps => format!("after {}", frozen.record.batch.duration(steps)),
    }
}
