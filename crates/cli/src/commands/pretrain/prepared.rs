//! From arguments to a trainer: that of a new run, or of one that goes on.
//!
//! Every rank takes the same path through this module, as it waits for the others at each
//! [`Ranks::agree`]: what differs between ranks is an error in the end, and no deadlock.

use std::path::Path;

use dataset::{Dataset, Store};
use run::DataSource;
use trainer::initial_weights::InitialWeights;
use trainer::{Config, ConfigFile, Fitted, RunFolder, RunRecord, Trainer, initial_weights};

use super::prepare as trainer_of;
use crate::app::datasets::{self, Listed};
use crate::app::failure::Failure;
use crate::app::ranks::Ranks;
use crate::app::settings::{Settings, batch_note, set_flags};
use crate::args::PretrainArguments;

/// A trainer that can start.
pub struct Prepared {
    /// The trainer.
    pub trainer: Trainer,
    /// Where its settings come from.
    pub source: String,
    /// Whether the run goes on.
    pub resume: bool,
}

/// Prepares the run in `folder`.
pub fn prepare(
    arguments: &PretrainArguments,
    folder: &Path,
    ranks: &Ranks,
) -> Result<Prepared, Failure> {
    let record = ranks.of_first(|| earlier(arguments, folder))?;
    let mut prepared = match &record {
        Some(record) if arguments.resume => resume(arguments, folder, record, ranks)?,
        record => begin(arguments, folder, record.as_ref(), ranks)?,
    };
    let joined = prepared.trainer.join(ranks.group());
    ranks.agree(joined.map_err(Failure::from))?;
    Ok(prepared)
}

/// The record of the run that goes on, if one does.
fn earlier(arguments: &PretrainArguments, folder: &Path) -> Result<Option<RunRecord>, Failure> {
    let is_run = |folder: &Path| files::exists(&folder.join(run::file::CONFIG));
    let goes_on = arguments.resume || arguments.resume_if_there && is_run(folder)?;
    Ok(goes_on.then(|| RunRecord::read(folder)).transpose()?)
}

/// Where images are, and those that are listed, with the store that views are made from; none for
/// the built-in set.
struct Images {
    source: DataSource,
    listed: Option<(Listed, Store)>,
    /// Says which store was chosen, where that is not the usual one.
    chosen: Option<String>,
}

impl Images {
    /// Lists the images. Without a `store` one is chosen by them.
    fn list(source: DataSource, image_size: usize, store: Option<Store>) -> Result<Self, Failure> {
        if source.paths.is_empty() {
            return Ok(Self { source, listed: None, chosen: None });
        }
        let listed = datasets::list(&source, image_size)?;
        let (store, chosen) = listed.choose_store(store);
        Ok(Self { source, listed: Some((listed, store)), chosen })
    }

    /// The set without its pixels, where opening takes long.
    fn undecoded(&self) -> Option<&Dataset> {
        self.listed.as_ref().and_then(|(listed, store)| listed.undecoded(*store))
    }

    fn open(&self, ranks: &Ranks) -> Result<Dataset, Failure> {
        ranks.open(self.undecoded().is_some(), || match &self.listed {
            Some((listed, store)) => listed.open_with(*store),
            None => datasets::built_in(),
        })
    }
}

/// A trainer for a run by the settings of the arguments: a new one, or that of `record`, which has
/// the same settings.
fn begin(
    arguments: &PretrainArguments,
    folder: &Path,
    record: Option<&RunRecord>,
    ranks: &Ranks,
) -> Result<Prepared, Failure> {
    let planned = Planned::new(arguments, folder, record, ranks);
    let planned = ranks.agree(planned)?;
    let set = planned.images.open(ranks)?;
    let (trainer, source, notes) = ranks.agree(planned.trainer(set))?;
    if let Some(line) = &planned.images.chosen {
        tracing::info!("{line}");
    }
    for note in notes {
        tracing::warn!("{note}");
    }
    match (record, &planned.weights) {
        (Some(record), _) => log_changes(record, &trainer),
        (None, Some(weights)) => {
            log_weights(weights, &trainer);
            if let Some(note) = planned.settings.continuing_note() {
                tracing::info!("{note}");
            }
        }
        (None, None) => {}
    }
    let resume = record.is_some();
    let source = if resume { "resumed run".to_owned() } else { source };
    Ok(Prepared { trainer, source, resume })
}

/// What a run by the settings of the arguments needs beside the pixels of its images.
struct Planned<'a> {
    arguments: &'a PretrainArguments,
    folder: &'a Path,
    record: Option<&'a RunRecord>,
    settings: Settings,
    weights: Option<InitialWeights>,
    images: Images,
}

impl<'a> Planned<'a> {
    fn new(
        arguments: &'a PretrainArguments,
        folder: &'a Path,
        record: Option<&'a RunRecord>,
        ranks: &Ranks,
    ) -> Result<Self, Failure> {
        let weights =
            arguments.init_weights.as_deref().map(initial_weights::inspect).transpose()?;
        let method = Some(arguments.method.as_str());
        let mut settings = Settings::with_weights(method, &arguments.settings, weights.as_ref())?;
        if !arguments.dry_run && record.is_none() && ranks.is_first() {
            RunFolder::check_new(folder)?;
        }
        let train = &mut settings.config.train;
        train.device = ranks.device(train.device)?;
        let source = match record {
            Some(record) => arguments.data.source(&record.data.source),
            None => datasets::or_default(arguments.data.source(&DataSource::default()))?,
        };
        let mut store = settings.config.data.store;
        if let Some(record) = record {
            store = Some(store.or(record.config.data.store).unwrap_or_default());
        }
        let images = Images::list(source, settings.config.image_size, store)?;
        let planned = Self { arguments, folder, record, settings, weights, images };
        // What is wrong is found before minutes are spent on decoding.
        if let Some(outline) = planned.images.undecoded()
            && record.is_none()
        {
            planned.trainer(outline.clone())?;
        }
        Ok(planned)
    }

    /// A trainer on `set`, where its settings come from, and what is not as it was asked for.
    fn trainer(&self, set: Dataset) -> Result<(Trainer, String, Vec<String>), Failure> {
        let Self { arguments, folder, .. } = self;
        let mut settings = self.settings.clone();
        let notes = settings.fit(&set);
        let of = settings.source();
        let config = match self.record {
            Some(record) => {
                trainer::check_resume(record, folder, &arguments.method, settings.config)?
            }
            None => settings.config,
        };
        let mut trainer = trainer_of(config, set, &self.images.source)?;
        match (self.record, &arguments.init_weights) {
            (Some(record), _) => trainer::check_data(record, folder, &trainer.record().data)?,
            (None, Some(file)) => trainer.begin_from(file)?,
            (None, None) => {}
        }
        Ok((trainer, of, notes))
    }
}

fn log_weights(weights: &InitialWeights, trainer: &Trainer) {
    let normalize = trainer.record().config.encoder.normalize();
    let pixels = match (weights.normalize, normalize.mean_and_std()) {
        (_, Some([mean, std])) => format!("pixels normalized by {mean:?} and {std:?}"),
        (Some(_), None) => "pixels as they are".to_owned(),
        (None, None) => "pixels as they are (set encoder.*.normalize if the weights were trained \
                         otherwise)"
            .to_owned(),
    };
    tracing::info!("encoder initialized from {weights}; {pixels}");
}

/// A trainer for the run in `folder`, which `record` describes, by its settings.
fn resume(
    arguments: &PretrainArguments,
    folder: &Path,
    record: &RunRecord,
    ranks: &Ranks,
) -> Result<Prepared, Failure> {
    let listed = || -> Result<(Config, Images), Failure> {
        let config = changed(arguments, record)?;
        // What is larger than the set was made smaller at the start, too.
        if config.train.batch_size <= record.config.train.batch_size {
            trainer::check_resume(record, folder, &arguments.method, config.clone())?;
        }
        let source = arguments.data.source(&record.data.source);
        let store = config.data.store.unwrap_or_default();
        let images = Images::list(source, config.image_size, Some(store))?;
        Ok((config, images))
    };
    let (mut config, images) = ranks.agree(listed())?;
    let set = images.open(ranks)?;
    let trainer = || -> Result<(Trainer, Option<Fitted>), Failure> {
        let mut fitted = None;
        if config.train.batch_size > record.config.train.batch_size {
            let training = trainer::training_images(config.checkpoint.best, &set);
            fitted = config.fit_batch(training);
        }
        let mut config = trainer::check_resume(record, folder, &arguments.method, config)?;
        config.train.device = ranks.device(config.train.device)?;
        let trainer = trainer_of(config, set, &images.source)?;
        trainer::check_data(record, folder, &trainer.record().data)?;
        Ok((trainer, fitted))
    };
    let (trainer, fitted) = ranks.agree(trainer())?;
    if let Some(fitted) = fitted {
        tracing::warn!("{}", batch_note(fitted));
    }
    log_changes(record, &trainer);
    Ok(Prepared { trainer, source: "resumed run".to_owned(), resume: true })
}

/// The configuration of the run that `record` describes, changed by the arguments.
fn changed(arguments: &PretrainArguments, record: &RunRecord) -> Result<Config, Failure> {
    let mut config = match &arguments.settings.config {
        Some(path) => ConfigFile::read(path)?.over(&record.config)?,
        None => record.config.clone(),
    };
    for assignment in &arguments.settings.set {
        config = config.with(assignment)?;
    }
    set_flags(config, &arguments.settings)
}

/// Logs the settings that are others than before.
fn log_changes(record: &RunRecord, trainer: &Trainer) {
    for (key, before, after) in record.config.differences(&trainer.record().config) {
        tracing::info!("{key} was {before}, is {after}");
    }
}
