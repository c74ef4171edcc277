//! `twinview pretrain`.

mod next_steps;
mod prepared;

use std::path::Path;
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use dataset::Dataset;
use group::Launch;
use run::{DataSource, EpochRecord, ImageCounts, StepSecs};
use serde_json::json;
use trainer::{Config, EarlyStop, Outcome, Provenance, RunFolder, StepCount, Trainer};

use crate::app::failure::{self, Failure};
use crate::app::job_progress::JobProgressBar;
use crate::app::logging::RunLog;
use crate::app::method_name::check_method;
use crate::app::output::Output;
use crate::app::plan_line::{TimeCheck, plan_line};
use crate::app::progress::TrainingProgress;
use crate::app::ranks::Ranks;
use crate::app::stop_flag::{self, stop_flag};
use crate::app::words::count;
use crate::app::{datasets, launcher};
use crate::args::PretrainArguments;
use crate::commands::pretrain::prepared::Prepared;

/// Starts or resumes a run.
pub fn run(
    arguments: &PretrainArguments,
    output: &Output,
    log: &RunLog,
) -> Result<ExitCode, Failure> {
    check_method(&arguments.method)?;
    let launch = Launch::from_env()?;
    if let Some(count) = launcher::count(&arguments.ranks, launch.as_ref())? {
        return launcher::run(count, launcher::CHECKPOINT);
    }
    // From here on: its default is to end the process.
    stop_flag::save_flag()?;
    let folder = arguments.run.clone().unwrap_or_else(|| Path::new("runs").join(&arguments.method));
    let ranks = Ranks::join(launch.as_ref(), &arguments.ranks, &shared_arguments(arguments))?;
    let Prepared { mut trainer, source, resume } = prepared::prepare(arguments, &folder, &ranks)?;
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
    let start = Start { source: &source, folder: &folder, resume, ranks: &ranks };
    let (outcome, last) = train(trainer, start, output, log, &stop)?;
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
            let resume = next_steps::resume(&record, &folder, ranks.count());
            tracing::warn!("interrupted and saved; to resume: {resume}");
            output.json_line(&json!({"kind": "interrupted", "run": folder}));
            Ok(ExitCode::from(failure::INTERRUPTED))
        }
    }
}

/// The arguments that decide what the processes of a run tell each other before they train.
fn shared_arguments(arguments: &PretrainArguments) -> String {
    let flags = [
        ("--resume", arguments.resume),
        ("--resume-if-there", arguments.resume_if_there),
        ("--dry-run", arguments.dry_run),
    ];
    let given = flags.into_iter().filter(|(_, given)| *given).map(|(flag, _)| flag);
    [arguments.method.as_str()].into_iter().chain(given).collect::<Vec<_>>().join(" ")
}

/// How a trainer starts.
pub struct Start<'a> {
    /// Where the settings come from.
    pub source: &'a str,
    /// The run folder.
    pub folder: &'a Path,
    /// Whether from its newest checkpoint.
    pub resume: bool,
    /// The processes that train together.
    pub ranks: &'a Ranks,
}

/// Trains. Returns the last finished epoch too.
pub fn train(
    mut trainer: Trainer,
    start: Start<'_>,
    output: &Output,
    log: &RunLog,
    stop: &Arc<AtomicBool>,
) -> Result<(Outcome, Option<EpochRecord>), Failure> {
    let Start { source, folder, resume, ranks } = start;
    let run = if resume {
        trainer.resume(folder)?
    } else {
        let bar = JobProgressBar::new("measuring the initial weights", stop);
        trainer.measure_initial(&mut |done, total| bar.update(done, total))?;
        trainer.create(folder)?
    };
    let copied = run.as_ref().map_or(Ok(()), |_| log.copy_to(folder, stop));
    ranks.agree(copied.map_err(Failure::from))?;
    for warning in run.iter().flat_map(RunFolder::warnings) {
        tracing::warn!("{warning}");
    }
    announce(&trainer, folder, ranks.count());
    if let Some(initial) = trainer.record().initial_knn {
        let [low, high] = initial.interval95().map(|share| 100.0 * share);
        let accuracy = 100.0 * initial.accuracy;
        let images = count(initial.images, "image");
        tracing::info!(
            "initial weights: val_knn_acc {accuracy:.2}% ({low:.1} to {high:.1}) of {images}"
        );
    }
    let quiet = !tracing::enabled!(tracing::Level::INFO);
    let steps = trainer.steps();
    let estimate = match quiet || steps.step >= steps.total {
        true => None,
        false => trainer.estimate_time(),
    };
    tracing::info!("{}", plan_line(source, &trainer, estimate));
    let mut display = TrainingProgress::new(output, &trainer, quiet, stop_flag::save_flag()?);
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

/// Checks the configuration against the data set read from `source`.
pub fn prepare(config: Config, set: Dataset, source: &DataSource) -> Result<Trainer, Failure> {
    let place = datasets::place(source);
    // Absolute, so that the run can be evaluated from any folder.
    let data = datasets::absolute(source)?;
    let provenance = Provenance {
        version: env!("CARGO_PKG_VERSION").to_owned(),
        revision: env!("TWINVIEW_REVISION").to_owned(),
        data,
    };
    Trainer::prepare(config, set, provenance).map_err(|error| match error {
        trainer::Error::LoaderConfig(error) => Failure::usage(format!("{place}: {error}")),
        error => error.into(),
    })
}

fn announce(trainer: &Trainer, folder: &Path, ranks: usize) {
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
    let ranks = match ranks {
        1 => String::new(),
        ranks => format!("{ranks} ranks, each with "),
    };
    tracing::info!(
        "{} on {} ({unlabeled} unlabeled, {train} train{held_out}, {test} test images), {images} images per step, {} per epoch{short}, {} in {}, {ranks}{}, {} -> {}",
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
