//! A trained encoder, and the set that it is used on.

use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use dataset::{ConcatSplits, Dataset, Store};
use eval::{CheckpointChoice, FeatureCache, FrozenEncoder};
use models::DeviceChoice;
use run::DataSource;

use crate::app::datasets::{self, Listed};
use crate::app::failure::Failure;
use crate::app::job_progress::JobProgressBar;
use crate::app::ranks::Ranks;
use crate::args::{DataArguments, SplitArgument};

/// Images in a forward pass.
pub const BATCH: usize = 256;

/// See the module.
pub struct RunOnData {
    /// The run folder, as it was given.
    pub run: PathBuf,
    /// The encoder.
    pub frozen: FrozenEncoder,
    /// The set; without pixels until it is [loaded](Self::load).
    pub set: Dataset,
    /// Where the set was read from, by absolute paths; none for the built-in one.
    pub source: DataSource,
    /// Where the set is, for messages.
    pub place: String,
    listed: Option<Listed>,
}

impl RunOnData {
    /// Opens the run in `folder` and lists the set in `data` or else the run's.
    pub fn list(
        folder: &Path,
        data: &DataArguments,
        weights: CheckpointChoice,
        device: DeviceChoice,
    ) -> Result<Self, Failure> {
        let frozen = FrozenEncoder::open(folder, weights, device)?;
        let record = &frozen.record;
        let source = data.source(&record.data.source);
        if source.paths.is_empty() {
            let set = datasets::built_in_of(folder, record)?;
            return Self::of(folder, frozen, set, &source);
        }
        let listed = datasets::list(&source, record.config.image_size)?;
        let set = listed.outline().clone();
        Ok(Self { listed: Some(listed), ..Self::of(folder, frozen, set, &source)? })
    }

    /// What is open already: the encoder of the run in `folder`, and the set that was read from
    /// `source`.
    pub fn of(
        folder: &Path,
        mut frozen: FrozenEncoder,
        set: Dataset,
        source: &DataSource,
    ) -> Result<Self, Failure> {
        frozen.cache = FeatureCache::of_user();
        let (place, source) = (datasets::place(source), datasets::absolute(source)?);
        Ok(Self { run: folder.to_owned(), frozen, set, source, place, listed: None })
    }

    /// Opens the set that was listed.
    pub fn load(mut self) -> Result<Self, Failure> {
        if let Some(listed) = self.listed.take() {
            self.set = listed.open()?;
        }
        Ok(self)
    }

    /// Opens the sets of `runs`, which rank 0 has listed, on all ranks, which encode their images
    /// together. The other ranks have sets alone.
    pub fn load_all(
        mut runs: Vec<Self>,
        ranks: &Ranks,
    ) -> Result<(Vec<Self>, Vec<Dataset>), Failure> {
        let Some(encoding) = ranks.encoding() else {
            let runs = runs.into_iter().map(Self::load).collect::<Result<_, _>>()?;
            return Ok((runs, Vec::new()));
        };
        let sources = || runs.iter().map(|run| (run.source.clone(), run.frozen.side()));
        let sources: Vec<(DataSource, usize)> = ranks.of_first(|| Ok(sources().collect()))?;
        let mut sets = Vec::new();
        for (number, (source, side)) in sources.iter().enumerate() {
            let listed = match runs.get_mut(number) {
                Some(run) => Ok(run.listed.take()),
                None if source.paths.is_empty() => Ok(None),
                None => datasets::list(source, *side).map(Some),
            };
            let listed = ranks.agree(listed)?;
            let undecoded = listed.as_ref().and_then(|listed| listed.undecoded(Store::Square));
            let set = ranks.open(undecoded.is_some(), || match &listed {
                Some(listed) => listed.open(),
                None => datasets::built_in(),
            })?;
            ranks.compare("fingerprint of the data", &set.fingerprint())?;
            if let Some(run) = runs.get_mut(number) {
                run.frozen.share(encoding, number, &set);
                run.set = set.clone();
            }
            sets.push(set);
        }
        Ok((runs, sets))
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
            eval::Error::Interrupted
            | eval::Error::Loader(_)
            | eval::Error::Cache { .. }
            | eval::Error::Group(_) => return error.into(),
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
