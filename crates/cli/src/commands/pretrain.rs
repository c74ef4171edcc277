//! `twinview pretrain`.

mod next_steps;

use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use dataset::Dataset;
use methods::METHODS;
use run::{EpochRecord, ImageCounts, StepSecs};
use serde_json::json;
use trainer::{
    Config, EarlyStop, OnCollapse, Outcome, Provenance, RunFolder, RunRecord, StepCount, Trainer,
};

use crate::app::failure::{self, Failure};
use crate::app::logging::RunLog;
use crate::app::output::Output;
use crate::app::progress::TrainingProgress;
use crate::app::stop_flag::{self, stop_flag};
use crate::app::words::count;
use crate::app::{datasets, presets};
use crate::args::{OnCollapseArgument, PretrainArguments};

/// Starts or resumes a run.
pub fn run(
    arguments: &PretrainArguments,
    output: &Output,
    log: &RunLog,
) -> Result<ExitCode, Failure> {
    check_method(&arguments.method)?;
    let folder = arguments.run.clone().unwrap_or_else(|| Path::new("runs").join(&arguments.method));
    let mut trainer =
        if arguments.resume { resume(arguments, &folder)? } else { begin(arguments)? };
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
    let (outcome, last) = train(trainer, &folder, arguments.resume, output, log, &stop)?;
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

/// Trains in `folder`, from its newest checkpoint with `resume`. Returns the last finished epoch
/// too.
pub fn train(
    mut trainer: Trainer,
    folder: &Path,
    resume: bool,
    output: &Output,
    log: &RunLog,
    stop: &Arc<AtomicBool>,
) -> Result<(Outcome, Option<EpochRecord>), Failure> {
    let run = if resume {
        for error in trainer.restore(folder)? {
            tracing::warn!("{error}; resuming from the previous checkpoint");
        }
        RunFolder::resume(folder, trainer.record(), trainer.steps().step)?
    } else {
        trainer.create(folder)?
    };
    log.copy_to(folder, stop)?;
    announce(&trainer, folder);
    let drawn = !tracing::enabled!(tracing::Level::INFO);
    let mut display = TrainingProgress::new(output, trainer.steps(), drawn);
    let outcome = trainer.train(run, &mut display, stop);
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

/// Rejects an unknown method, with the most similar known name.
pub fn check_method(method: &str) -> Result<(), Failure> {
    if METHODS.iter().any(|entry| entry.name == method) {
        return Ok(());
    }
    // However it is capitalized and its words are joined.
    let plain = |name: &str| -> String {
        name.chars().filter(|c| c.is_alphanumeric()).collect::<String>().to_lowercase()
    };
    let near = METHODS
        .iter()
        .map(|entry| (strsim::jaro_winkler(&plain(method), &plain(entry.name)), entry.name))
        .max_by(|a, b| a.0.total_cmp(&b.0))
        .filter(|(likeness, _)| *likeness > 0.8)
        .map_or(String::new(), |(_, name)| format!("; did you mean {name}?"));
    let known: Vec<_> = METHODS.iter().map(|entry| entry.name).collect();
    Err(Failure::usage(format!(
        "unknown method {method:?}: expected one of {}{near}",
        known.join(", ")
    )))
}

/// A trainer for a new run.
fn begin(arguments: &PretrainArguments) -> Result<Trainer, Failure> {
    let config = match &arguments.config {
        Some(path) => Config::read(path)?,
        None => presets::require(&arguments.method, arguments.preset)?,
    };
    if config.method.name() != arguments.method {
        let from = arguments.config.as_deref().unwrap_or(Path::new("")).display().to_string();
        return Err(Failure::usage(format!(
            "{from}: expected a config of {}, found one of {}",
            arguments.method,
            config.method.name()
        )));
    }
    let config = adjust(config, arguments)?;
    config.validate()?;
    let (set, path) = datasets::open_or_default(arguments.data.as_deref(), config.image_size)?;
    let mut trainer = prepare(config, set, path)?;
    if let Some(file) = &arguments.init_weights {
        trainer.begin_from(file)?;
        tracing::info!("encoder initialized from {}", file.display());
    }
    Ok(trainer)
}

/// A trainer for the run in `folder`.
fn resume(arguments: &PretrainArguments, folder: &Path) -> Result<Trainer, Failure> {
    let record = RunRecord::read(folder)?;
    let before = match &arguments.config {
        Some(path) => Config::read(path)?,
        None => record.config.clone(),
    };
    let config = adjust(before, arguments)?;
    let config = trainer::check_resume(&record, folder, &arguments.method, config)?;
    let path = arguments.data.clone().or_else(|| record.data.path.clone());
    let set = match &path {
        Some(path) => datasets::open(path, config.image_size)?,
        None => datasets::built_in()?,
    };
    let trainer = prepare(config, set, path)?;
    trainer::check_data(&record, folder, &trainer.record().data)?;
    for (key, before, after) in record.config.differences(&trainer.record().config) {
        tracing::info!("{key} was {before}, is {after}");
    }
    Ok(trainer)
}

/// The configuration changed by the arguments.
fn adjust(mut config: Config, arguments: &PretrainArguments) -> Result<Config, Failure> {
    for assignment in &arguments.set {
        config = config.with(assignment)?;
    }
    let train = &mut config.train;
    train.epochs = arguments.epochs.unwrap_or(train.epochs);
    train.max_steps = arguments.max_steps.or(train.max_steps);
    train.batch_size = arguments.batch_size.unwrap_or(train.batch_size);
    train.workers = arguments.workers.unwrap_or(train.workers);
    if let Some(device) = &arguments.device {
        train.device = device.parse().map_err(Failure::usage)?;
    }
    if let Some(precision) = arguments.precision {
        train.precision = precision.into();
    }
    if let Some(on_collapse) = arguments.on_collapse {
        config.health.on_collapse = match on_collapse {
            OnCollapseArgument::Warn => OnCollapse::Warn,
            OnCollapseArgument::Stop => OnCollapse::Stop,
        };
    }
    config.image_size = arguments.image_size.unwrap_or(config.image_size);
    config.seed = arguments.seed.unwrap_or(config.seed);
    Ok(config)
}

/// Checks the configuration against the data set read from `path`, `None` for the built-in one.
pub fn prepare(config: Config, set: Dataset, path: Option<PathBuf>) -> Result<Trainer, Failure> {
    let place =
        path.as_ref().map_or("the built-in set".to_owned(), |path| path.display().to_string());
    // Absolute, so that the run can be evaluated from any folder.
    let data = path.map(|path| std::path::absolute(&path).unwrap_or(path));
    if data.as_ref().is_some_and(|path| path.to_str().is_none()) {
        return Err(Failure::usage(format!(
            "{place}: expected a path in UTF-8, found other bytes"
        )));
    }
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
    tracing::info!(
        "{} on {} ({unlabeled} unlabeled, {train} train{held_out}, {test} test images), {} + {} images per step, {} per epoch{short}, {} in {}, {}, {} -> {}",
        record.config.method.name(),
        record.data.kind,
        batch.unlabeled,
        batch.labeled,
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
