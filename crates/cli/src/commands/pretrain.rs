//! `twinview pretrain`.

mod next_steps;

use std::path::Path;
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use dataset::Dataset;
use run::{DataSource, EpochRecord, ImageCounts, StepSecs};
use serde_json::json;
use trainer::{
    Config, ConfigFile, EarlyStop, Outcome, Provenance, RunFolder, RunRecord, StepCount, Trainer,
    initial_weights,
};

use crate::app::datasets;
use crate::app::failure::{self, Failure};
use crate::app::logging::RunLog;
use crate::app::method_name::check_method;
use crate::app::output::Output;
use crate::app::plan_line::{TimeCheck, plan_line};
use crate::app::progress::TrainingProgress;
use crate::app::settings::{Settings, batch_note, set_flags};
use crate::app::stop_flag::{self, stop_flag};
use crate::app::words::count;
use crate::args::PretrainArguments;

/// Starts or resumes a run.
pub fn run(
    arguments: &PretrainArguments,
    output: &Output,
    log: &RunLog,
) -> Result<ExitCode, Failure> {
    check_method(&arguments.method)?;
    // From here on: its default is to end the process.
    stop_flag::save_flag()?;
    let folder = arguments.run.clone().unwrap_or_else(|| Path::new("runs").join(&arguments.method));
    let (mut trainer, source) = match arguments.resume {
        true => (resume(arguments, &folder)?, "resumed run".to_owned()),
        false => begin(arguments, &folder)?,
    };
    if arguments.dry_run {
        let record = trainer.record();
        output.result(record, || serde_json::to_string_pretty(record).expect("valid JSON"));
        return Ok(ExitCode::SUCCESS);
    }
    if arguments.profile {
        trainer.profile();
    }
    let stop = stop_flag(stop_flag::TRAINING)?;
    let record = trainer.record().clone();
    let (outcome, last) = train(trainer, &source, &folder, arguments.resume, output, log, &stop)?;
    if let (true, Some(epoch)) = (arguments.profile, last) {
        output.table(|| step_table(&epoch.step_secs));
    }
    match outcome {
        Outcome::Finished => {
            tracing::info!("finished; results are in {}", folder.display());
            next_steps::log(&record, &folder);
            output.json_line(&json!({"kind": "finished", "run": folder}));
            Ok(ExitCode::SUCCESS)
        }
        Outcome::StoppedEarly(stop) => {
            tracing::info!("{}; results are in {}", describe(&stop), folder.display());
            next_steps::log(&record, &folder);
            let line = json!({"kind": "finished", "run": folder, "stopped_early": true});
            output.json_line(&line);
            Ok(ExitCode::SUCCESS)
        }
        Outcome::Interrupted => {
            let resume = next_steps::resume(&record, &folder);
            tracing::warn!("interrupted and saved; to resume: {resume}");
            output.json_line(&json!({"kind": "interrupted", "run": folder}));
            Ok(ExitCode::from(failure::INTERRUPTED))
        }
    }
}

/// Trains in `folder`, from its newest checkpoint with `resume`; `source` is where the settings
/// come from. Returns the last finished epoch too.
pub fn train(
    mut trainer: Trainer,
    source: &str,
    folder: &Path,
    resume: bool,
    output: &Output,
    log: &RunLog,
    stop: &Arc<AtomicBool>,
) -> Result<(Outcome, Option<EpochRecord>), Failure> {
    let run = if resume { trainer.resume(folder)? } else { trainer.create(folder)? };
    log.copy_to(folder, stop)?;
    for warning in run.warnings() {
        tracing::warn!("{warning}");
    }
    announce(&trainer, folder);
    let quiet = !tracing::enabled!(tracing::Level::INFO);
    let steps = trainer.steps();
    let estimate = match quiet || steps.step >= steps.total {
        true => None,
        false => trainer.estimate_time(),
    };
    tracing::info!("{}", plan_line(source, &trainer, estimate));
    let mut display = TrainingProgress::new(output, steps, quiet, stop_flag::save_flag()?);
    let outcome = trainer.train(run, &mut TimeCheck::new(&mut display, estimate, steps), stop);
    let last = display.finish();
    let outcome = outcome?;
    match log.failure() {
        Some(error) => Err(error.into()),
        None => Ok((outcome, last)),
    }
}

/// Why a run stopped before its last step.
fn describe(stop: &EarlyStop) -> String {
    let name = stop.criterion.key();
    let found = match &stop.best {
        Some(best) => format!("no higher {name} than {:.4} after epoch {}", best.value, best.epoch),
        None => format!("no {name} that is a number"),
    };
    format!("stopped early after epoch {}, finished: {found} (train.patience)", stop.epochs)
}

/// The time per part of a step.
fn step_table(secs: &StepSecs) -> String {
    let whole: f64 = secs.parts().iter().map(|(_, secs)| secs).sum();
    let line = |(name, secs): (&str, f64)| {
        format!("{name:<10} {:>9.2} ms {:>6.2} %\n", 1e3 * secs, 100.0 * secs / whole)
    };
    let parts: String = secs.parts().map(line).concat();
    format!("mean step of the last epoch\n{parts}{}", line(("all", whole)))
}

/// A trainer for a new run in `folder`, and where its settings come from.
fn begin(arguments: &PretrainArguments, folder: &Path) -> Result<(Trainer, String), Failure> {
    let weights = arguments.init_weights.as_deref().map(initial_weights::inspect).transpose()?;
    let method = Some(arguments.method.as_str());
    let settings = Settings::with_weights(method, &arguments.settings, weights.as_ref())?;
    if !arguments.dry_run {
        RunFolder::check_new(folder)?;
    }
    let source = datasets::or_default(arguments.data.source(&DataSource::default()))?;
    let begin = |set: Dataset| -> Result<(Trainer, String, Vec<String>), Failure> {
        let mut settings = settings.clone();
        let notes = settings.fit(&set);
        let of = settings.source();
        let mut trainer = prepare(settings.config, set, &source)?;
        if let Some(file) = &arguments.init_weights {
            trainer.begin_from(file)?;
        }
        Ok((trainer, of, notes))
    };
    let mut chosen = None;
    let set = match source.paths.is_empty() {
        true => datasets::built_in()?,
        false => {
            let listed = datasets::list(&source, settings.config.image_size)?;
            let (store, line) = listed.choose_store(settings.config.data.store);
            chosen = line;
            // What is wrong is found before minutes are spent on decoding.
            listed.undecoded(store).map(|outline| begin(outline.clone())).transpose()?;
            listed.open_with(store)?
        }
    };
    let (trainer, of, notes) = begin(set)?;
    if let Some(line) = chosen {
        tracing::info!("{line}");
    }
    for note in notes {
        tracing::warn!("{note}");
    }
    if let Some(weights) = weights {
        let normalize = trainer.record().config.encoder.normalize();
        let pixels = match (weights.normalize, normalize.mean_and_std()) {
            (_, Some([mean, std])) => format!("pixels normalized by {mean:?} and {std:?}"),
            (Some(_), None) => "pixels as they are".to_owned(),
            (None, None) => "pixels as they are (set encoder.*.normalize if the weights were \
                             trained otherwise)"
                .to_owned(),
        };
        tracing::info!("encoder initialized from {weights}; {pixels}");
    }
    Ok((trainer, of))
}

/// A trainer for the run in `folder`.
fn resume(arguments: &PretrainArguments, folder: &Path) -> Result<Trainer, Failure> {
    let record = RunRecord::read(folder)?;
    let mut config = match &arguments.settings.config {
        Some(path) => ConfigFile::read(path)?.over(&record.config)?,
        None => record.config.clone(),
    };
    for assignment in &arguments.settings.set {
        config = config.with(assignment)?;
    }
    let mut config = set_flags(config, &arguments.settings)?;
    let source = arguments.data.source(&record.data.source);
    let open = |config: &Config| {
        let store = config.data.store.unwrap_or_default();
        datasets::open_with(&source, config.image_size, store)
    };
    let (mut set, mut fitted) = (None, None);
    if config.train.batch_size > record.config.train.batch_size {
        // What is larger than the set was made smaller at the start, too.
        let opened = open(&config)?;
        let images = trainer::training_images(config.checkpoint.best, &opened);
        fitted = config.fit_batch(images);
        set = Some(opened);
    }
    let config = trainer::check_resume(&record, folder, &arguments.method, config)?;
    let set = set.map_or_else(|| open(&config), Ok)?;
    let trainer = prepare(config, set, &source)?;
    trainer::check_data(&record, folder, &trainer.record().data)?;
    if let Some(fitted) = fitted {
        tracing::warn!("{}", batch_note(fitted));
    }
    for (key, before, after) in record.config.differences(&trainer.record().config) {
        tracing::info!("{key} was {before}, is {after}");
    }
    Ok(trainer)
}

/// Checks the configuration against the data set read from `source`.
pub fn prepare(config: Config, set: Dataset, source: &DataSource) -> Result<Trainer, Failure> {
    let place = datasets::place(source);
    // Absolute, so that the run can be evaluated from any folder.
    let data = datasets::absolute(source)?;
    let origin = Provenance {
        version: env!("CARGO_PKG_VERSION").to_owned(),
        revision: env!("TWINVIEW_REVISION").to_owned(),
        data,
    };
    Trainer::prepare(config, set, origin).map_err(|error| match error {
        trainer::Error::LoaderConfig(error) => Failure::usage(format!("{place}: {error}")),
        error => error.into(),
    })
}

fn announce(trainer: &Trainer, folder: &Path) {
    let record = trainer.record();
    let ImageCounts { unlabeled, train, test } = record.data.images;
    let batch = record.batch;
    let held_out = match record.data.held_out {
        0 => String::new(),
        held_out => format!(", {held_out} of them held out"),
    };
    let StepCount { step, total } = trainer.steps();
    let short = match total as f64 / f64::from(batch.steps_per_epoch) {
        epochs if epochs < 1.0 => format!(" ({total} in all, {epochs:.1} of an epoch)"),
        _ => String::new(),
    };
    let images = match (batch.unlabeled, batch.labeled) {
        (images, 0) | (0, images) => images.to_string(),
        (unlabeled, labeled) => format!("{unlabeled} + {labeled}"),
    };
    tracing::info!(
        "{} on {} ({unlabeled} unlabeled, {train} train{held_out}, {test} test images), {images} images per step, {} per epoch{short}, {} in {}, {}, {} -> {}",
        record.config.method.name(),
        record.data.kind,
        count(batch.steps_per_epoch, "step"),
        record.device,
        record.config.train.precision,
        count(record.threads.libtorch, "libtorch thread"),
        count(record.threads.workers, "worker"),
        folder.display(),
    );
    if step > 0 && trainer.stopped_early().is_none() {
        tracing::info!("resuming after step {step} of {total}");
    }
}
