//! `twinview compare`: trains methods with the same budget; writes tables and a report.

use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use eval::{CheckpointChoice, Protocol};
use methods::METHODS;
use models::DeviceChoice;
use report::{COLUMNS, Column, Comparison, MeanStd, Run};
use run::file;
use trainer::{Config, Outcome, RunRecord};

use crate::app::datasets;
use crate::app::failure::{self, Failure};
use crate::app::logging::RunLog;
use crate::app::output::Output;
use crate::app::presets::{self, Preset};
use crate::args::CompareArguments;
use crate::commands::evaluate::measurement::Measurement;
use crate::commands::pretrain;

/// Test images in the picture of neighbors, and neighbors per image.
pub const NEIGHBORS: [usize; 2] = [6, 8];
/// Images in the picture of views, and repeats per image.
pub const PREVIEW: [usize; 2] = [6, 3];

/// One run of a comparison.
struct PlannedRun {
    folder: PathBuf,
    config: Config,
}

/// Trains and evaluates the unfinished runs, then writes the comparison.
pub fn run(
    arguments: &CompareArguments,
    output: &Output,
    log: &RunLog,
) -> Result<ExitCode, Failure> {
    let mut planned = plan(arguments)?;
    let image_size = planned[0].config.image_size;
    let (set, path) = datasets::open_or_default(arguments.data.as_deref(), image_size)?;
    // All runs are checked before hours are spent on the first.
    for PlannedRun { folder, config } in &mut planned {
        let begun = folder.join(file::CONFIG).exists();
        let record = begun.then(|| RunRecord::read(folder)).transpose()?;
        if let Some(record) = &record {
            *config = trainer::check_resume(record, folder, config.method.name(), config.clone())?;
        }
        let session = pretrain::prepare(config.clone(), set.clone(), path.clone())?;
        if let Some(record) = &record {
            trainer::check_data(record, folder, &session.record().data)?;
        }
    }
    let stop = pretrain::stop_flag()?;
    for (number, run) in (1..).zip(&planned) {
        let (folder, all) = (run.folder.display(), planned.len());
        tracing::info!("run {number} of {all}: {folder}");
        let outcome = train(run, &set, path.as_deref(), output, log, &stop)?;
        if outcome == Outcome::Interrupted {
            tracing::warn!("interrupted and saved; run the same command to resume");
            return Ok(ExitCode::from(failure::INTERRUPTED));
        }
        measure(run, &set, arguments.data.as_deref())?;
        // After every run, for a look before the last one is finished.
        write(&planned[..number], &arguments.out)?;
    }
    let comparison = write(&planned, &arguments.out)?;
    output.result(&comparison, || text(&comparison, &arguments.out));
    Ok(ExitCode::SUCCESS)
}

/// Writes tables, figures and the report of `runs`.
fn write(runs: &[PlannedRun], out: &Path) -> Result<Comparison, Failure> {
    let runs: Result<Vec<Run>, _> = runs.iter().map(|run| Run::read(&run.folder)).collect();
    Ok(report::write_comparison(out, &runs?)?)
}

/// A line per method, and the path of the report.
fn text(comparison: &Comparison, out: &Path) -> String {
    let labeled = comparison.rows.iter().any(|row| row.linear.is_some() || row.knn.is_some());
    let keys: &[&str] = match labeled {
        true => &["probe_last", "linear", "linear_initial", "knn", "knn_initial", "chance"],
        false => &["contrastive_acc", "effective_rank"],
    };
    let columns = COLUMNS.iter().filter(|column| keys.contains(&column.key));
    let columns: Vec<&Column> = columns.collect();
    let line = |name: &str, cell: &dyn Fn(&Column) -> String| {
        let cells = columns.iter().map(|column| {
            let width = column.heading().chars().count().max(8);
            format!("  {:>width$}", cell(column))
        });
        format!("{name:<14}{}\n", cells.collect::<String>())
    };
    let mut text = line("method", &Column::heading);
    for row in &comparison.rows {
        text += &line(&row.method, &|column| {
            let mean = (column.value)(row).map(|spread| MeanStd { std: None, ..spread });
            mean.map_or("-".to_owned(), |mean| column.unit.write(&mean))
        });
    }
    let page = out.join("report.html");
    text + &format!("{}; report: {}", scored_on(comparison, labeled), page.display())
}

/// What the numbers are of.
fn scored_on(comparison: &Comparison, labeled: bool) -> &'static str {
    match labeled {
        _ if comparison.by_folds => "accuracy over folds of the labeled images: no test split",
        true => "accuracy on the test split",
        false => "no labels, so no accuracies; metrics of the last epoch, without labels",
    }
}

/// All runs of the comparison, grouped by method.
fn plan(arguments: &CompareArguments) -> Result<Vec<PlannedRun>, Failure> {
    if arguments.seeds == 0 {
        return Err(Failure::usage("--seeds: expected at least 1, found 0"));
    }
    let mut planned = Vec::new();
    for method in methods(arguments)? {
        let mut config = presets::require(&method, arguments.preset)?;
        for assignment in &arguments.set {
            config = config.with(assignment)?;
        }
        let train = &mut config.train;
        train.epochs = arguments.epochs.unwrap_or(train.epochs);
        train.batch_size = arguments.batch_size.unwrap_or(train.batch_size);
        if let Some(precision) = arguments.precision {
            train.precision = precision.into();
        }
        config.validate()?;
        for seed in 0..arguments.seeds {
            let folder = arguments.out.join("runs").join(format!("{method}-seed{seed}"));
            let config = Config { seed, ..config.clone() };
            planned.push(PlannedRun { folder, config });
        }
    }
    Ok(planned)
}

/// The names of the methods, each once.
fn methods(arguments: &CompareArguments) -> Result<Vec<String>, Failure> {
    let mut names = Vec::new();
    for name in &arguments.methods {
        if name == "all" {
            let seed = arguments.preset == Preset::Seed;
            let rows = METHODS.iter().filter(|entry| !seed || entry.has_seed_variant());
            names.extend(rows.map(|entry| entry.name.to_owned()));
        } else {
            pretrain::check_method(name)?;
            names.push(name.clone());
        }
    }
    let mut seen = std::collections::HashSet::new();
    names.retain(|name| seen.insert(name.clone()));
    Ok(names)
}

/// Starts, resumes or skips a run.
fn train(
    run: &PlannedRun,
    set: &dataset::Dataset,
    path: Option<&Path>,
    output: &Output,
    log: &RunLog,
    stop: &Arc<AtomicBool>,
) -> Result<Outcome, Failure> {
    let folder = &run.folder;
    if folder.join(file::SUMMARY).exists() {
        tracing::info!("{} is finished", folder.display());
        return Ok(Outcome::Finished);
    }
    let session = pretrain::prepare(run.config.clone(), set.clone(), path.map(Path::to_owned))?;
    let resume = folder.join(file::CONFIG).exists();
    let (outcome, _) = pretrain::train(session, folder, resume, output, log, stop)?;
    Ok(outcome)
}

/// Evaluates a run and saves its pictures, unless they exist.
fn measure(run: &PlannedRun, set: &dataset::Dataset, data: Option<&Path>) -> Result<(), Failure> {
    let folder = &run.folder;
    let views = folder.join(file::AUGMENTATION);
    if !views.exists() {
        let [rows, repeats] = PREVIEW;
        let recipes = run.config.view_recipes();
        let sheet = augment::preview(&set.unlabeled, &recipes, run.config.seed, rows, repeats);
        dataset::save_png(&sheet.into_image(), &views)?;
    }
    let evaluation = folder.join(file::EVALUATION);
    if evaluation.exists() || eval::evaluation_splits(set).is_err() {
        return Ok(());
    }
    let device: DeviceChoice = run.config.train.device;
    let measurement = Measurement::open(folder, data, CheckpointChoice::Newest, device)?;
    if eval::labeled_splits(set).is_ok() {
        let [rows, k] = NEIGHBORS;
        let sheet = measurement.neighbors(rows, k)?;
        dataset::save_png(&sheet.into_image(), &folder.join(file::NEIGHBORS))?;
    }
    let protocols = Protocol::quick();
    let initial = measurement.initial(&protocols)?;
    let scores = measurement.by(&protocols, None, initial, &Arc::default())?;
    trainer::write_json(&evaluation, &scores.record)?;
    Ok(())
}
