//! `twinview compare`: trains methods with the same budget; writes tables and a report.

mod earlier_run;
mod invocation;

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use eval::{CheckpointChoice, Protocol};
use group::Launch;
use methods::{Family, METHODS};
use models::DeviceChoice;
use report::{COLUMNS, Column, Comparison, MeanStd, Run};
use run::{DataSource, EvaluationRecord, Summary, file};
use trainer::{Config, Outcome, RunRecord, Store};

use crate::app::datasets::{self, Listed};
use crate::app::failure::{self, Failure};
use crate::app::logging::RunLog;
use crate::app::method_name::check_method;
use crate::app::output::Output;
use crate::app::ranks::Ranks;
use crate::app::run_on_data::RunOnData;
use crate::app::settings::Settings;
use crate::app::stop_flag::{self, stop_flag};
use crate::app::{launcher, own_rank};
use crate::args::{CompareArguments, DataArguments, SettingsArguments};
use crate::commands::compare::earlier_run::EarlierRun;
use crate::commands::evaluate::measurement::Measurement;
use crate::commands::pretrain;

/// Test images in the picture of neighbors, and neighbors per image.
pub const NEIGHBORS: [usize; 2] = [6, 8];
/// Images in the picture of views, and repeats per image.
pub const PREVIEW: [usize; 2] = [6, 3];

/// One run of a comparison.
#[derive(Clone)]
struct PlannedRun {
    folder: PathBuf,
    config: Config,
    settings: Settings,
    earlier: EarlierRun,
}

/// Trains and evaluates the unfinished runs, then writes the comparison.
pub fn run(
    arguments: &CompareArguments,
    output: &Output,
    log: &RunLog,
) -> Result<ExitCode, Failure> {
    // Of another launcher each process would be a comparison of its own.
    let launch = own_rank::is_launched().then(Launch::from_env).transpose()?.flatten();
    if let Some(count) = launcher::count(&arguments.ranks, launch.as_ref())? {
        return launcher::run(count, launcher::CHECKPOINT);
    }
    let ranks = &Ranks::join(launch.as_ref(), &arguments.ranks, "compare")?;
    let Planned { mut planned, source, listed } = ranks.agree(list(arguments, ranks))?;
    let is_long =
        listed.as_ref().is_some_and(|(listed, store, _)| listed.undecoded(*store).is_some());
    let set = ranks.open(is_long, || match &listed {
        Some((listed, store, _)) => listed.open_with(*store),
        None => datasets::built_in(),
    })?;
    let notes = ranks.agree(check(&mut planned, &set, &source))?;
    if let Some((_, _, Some(line))) = listed {
        tracing::info!("{line}");
    }
    for note in notes {
        tracing::warn!("{note}");
    }
    if set.train.is_none() {
        let place = datasets::place(&source);
        tracing::warn!(
            "{place} has no labels: no accuracy is measured, and rank and contrastive accuracy don't \
             say which method is best (labeled images go into train/CLASS)"
        );
    }
    let command = invocation::command(arguments);
    stop_flag::save_flag()?;
    let stop = stop_flag(stop_flag::TRAINING)?;
    let mut comparison = None;
    for (number, run) in (1..).zip(&planned) {
        let (folder, all) = (run.folder.display(), planned.len());
        tracing::info!("run {number} of {all}: {folder}");
        let outcome = train(run, &set, &source, ranks, output, log, &stop)?;
        if outcome == Outcome::Interrupted {
            tracing::warn!("interrupted and saved; run the same command to resume");
            return Ok(ExitCode::from(failure::INTERRUPTED));
        }
        measure(run, &set, &arguments.data, ranks)?;
        // After every run, for a look before the last one is finished.
        comparison = ranks.first(|| write(&planned[..number], &arguments.out, &command))?;
    }
    if let Some(comparison) = comparison {
        output.result(&comparison, || text(&comparison, &arguments.out));
    }
    Ok(ExitCode::SUCCESS)
}

/// The runs that were asked for, and the images for them.
struct Planned {
    planned: Vec<PlannedRun>,
    source: DataSource,
    /// The images that are listed, with the store that views are made from and a line that says
    /// so; none for the built-in set.
    listed: Option<(Listed, Store, Option<String>)>,
}

/// Plans the runs and lists the images. Errors are found before images are decoded.
fn list(arguments: &CompareArguments, ranks: &Ranks) -> Result<Planned, Failure> {
    let planned = plan(arguments, ranks)?;
    if ranks.is_first() {
        check_out(&arguments.out)?;
    }
    let source = datasets::or_default(arguments.data.source(&DataSource::default()))?;
    if source.paths.is_empty() {
        return Ok(Planned { planned, source, listed: None });
    }
    let listed = datasets::list(&source, planned[0].config.image_size)?;
    let (store, line) = listed.choose_store(planned[0].config.data.store);
    if let Some(outline) = listed.undecoded(store) {
        let mut planned = planned.clone();
        fit(&mut planned, outline)?;
        for run in planned {
            pretrain::prepare(run.config, outline.clone(), &source)?;
        }
    }
    Ok(Planned { planned, source, listed: Some((listed, store, line)) })
}

/// Makes the runs fit the set, and checks them all before hours are spent on the first. A line for
/// what is not as it was asked for.
fn check(
    planned: &mut [PlannedRun],
    set: &dataset::Dataset,
    source: &DataSource,
) -> Result<BTreeSet<String>, Failure> {
    let notes = fit(planned, set)?;
    for PlannedRun { folder, config, earlier, .. } in planned {
        let trainer = pretrain::prepare(config.clone(), set.clone(), source)?;
        if let Some(record) = &begun(folder)? {
            trainer::check_data(record, folder, &trainer.record().data).map_err(starts_anew)?;
            *earlier = EarlierRun::of(folder, record, &trainer)?;
        }
    }
    Ok(notes)
}

/// Makes the runs fit the set, and checks that those that were begun can go on. A line for what is
/// not as it was asked for.
fn fit(planned: &mut [PlannedRun], set: &dataset::Dataset) -> Result<BTreeSet<String>, Failure> {
    let mut notes = BTreeSet::new();
    for PlannedRun { folder, config, settings, .. } in planned {
        notes.extend(settings.fit(set));
        *config = Config { seed: config.seed, ..settings.config.clone() };
        if let Some(record) = begun(folder)? {
            let method = config.method.name();
            let checked = trainer::check_resume(&record, folder, method, config.clone());
            *config = checked.map_err(starts_anew)?;
        }
    }
    Ok(notes)
}

/// The record of the run in `folder`, if one was begun.
fn begun(folder: &Path) -> Result<Option<RunRecord>, Failure> {
    let begun = files::exists(&folder.join(file::CONFIG))?;
    Ok(begun.then(|| RunRecord::read(folder)).transpose()?)
}

/// The error for runs in the folder that don't fit the ones asked for.
fn starts_anew(error: trainer::Error) -> Failure {
    Failure::usage(format!("{error} (another --out starts anew)"))
}

/// Rejects a folder that has files in it and is none of a comparison: its pages and tables would be
/// replaced.
fn check_out(out: &Path) -> Result<(), Failure> {
    let found = files::if_exists(files::list(out))?.unwrap_or_default();
    let mut names = found.iter().filter_map(|path| path.file_name());
    if out.join("runs").is_dir() || names.all(files::is_partial) {
        return Ok(());
    }
    let place = out.display();
    Err(Failure::usage(format!(
        "{place}: expected a new folder or one of a comparison, found one with other files in it"
    )))
}

/// Writes tables, figures and the report of `runs`.
fn write(runs: &[PlannedRun], out: &Path, command: &str) -> Result<Comparison, Failure> {
    let runs: Result<Vec<Run>, _> = runs.iter().map(|run| Run::read(&run.folder)).collect();
    Ok(report::write_comparison(out, &runs?, command)?)
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
fn plan(arguments: &CompareArguments, ranks: &Ranks) -> Result<Vec<PlannedRun>, Failure> {
    if arguments.seeds == 0 {
        return Err(Failure::usage("--seeds: expected at least 1, found 0"));
    }
    let mut planned = Vec::new();
    for method in methods(arguments)? {
        let settings = SettingsArguments {
            preset: arguments.preset,
            set: arguments.set.clone(),
            epochs: arguments.epochs,
            batch_size: arguments.batch_size,
            precision: arguments.precision,
            ..SettingsArguments::default()
        };
        let mut settings = Settings::new(Some(&method), &settings)?;
        let train = &mut settings.config.train;
        train.device = ranks.device(train.device)?;
        for seed in 0..arguments.seeds {
            let folder = arguments.out.join("runs").join(format!("{method}-seed{seed}"));
            let config = Config { seed, ..settings.config.clone() };
            let (settings, earlier) = (settings.clone(), EarlierRun::None);
            planned.push(PlannedRun { folder, config, settings, earlier });
        }
    }
    Ok(planned)
}

/// The names of the methods, each once.
fn methods(arguments: &CompareArguments) -> Result<Vec<String>, Failure> {
    let mut names = Vec::new();
    for name in &arguments.methods {
        if name == "all" {
            // A teacher is a file that is still to be named.
            let own = METHODS.iter().filter(|entry| entry.family != Family::Distillation);
            names.extend(own.map(|entry| entry.name.to_owned()));
        } else {
            check_method(name)?;
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
    source: &DataSource,
    ranks: &Ranks,
    output: &Output,
    log: &RunLog,
    stop: &Arc<AtomicBool>,
) -> Result<Outcome, Failure> {
    let folder = &run.folder;
    if run.earlier == EarlierRun::Finished {
        tracing::info!("{} is finished", folder.display());
        return Ok(Outcome::Finished);
    }
    let trainer = pretrain::prepare(run.config.clone(), set.clone(), source);
    let mut trainer = ranks.agree(trainer)?;
    ranks.agree(trainer.join(ranks.group()).map_err(Failure::from))?;
    let resume = run.earlier != EarlierRun::None;
    let settings = run.settings.source();
    let start = pretrain::Start { source: &settings, folder, resume, ranks };
    let (outcome, _) = pretrain::train(trainer, start, output, log, stop)?;
    Ok(outcome)
}

/// Evaluates a run and saves its pictures, unless they exist.
fn measure(
    run: &PlannedRun,
    set: &dataset::Dataset,
    data: &DataArguments,
    ranks: &Ranks,
) -> Result<(), Failure> {
    let folder = &run.folder;
    let device: DeviceChoice = run.config.train.device;
    let listed = ranks.first(|| {
        draw_views(run, set)?;
        let earlier = EvaluationRecord::read(folder)?;
        let steps = Summary::read(folder)?.map(|summary| summary.steps);
        let is_current = earlier.is_some_and(|earlier| Some(earlier.step) == steps);
        if is_current || eval::evaluation_splits(set).is_err() {
            return Ok(None);
        }
        RunOnData::list(folder, data, CheckpointChoice::Newest, device).map(Some)
    })?;
    let (loaded, sets) = RunOnData::load_all(listed.flatten().into_iter().collect(), ranks)?;
    ranks.lead(&sets, device, || loaded.into_iter().try_for_each(|run| score(run, folder)))?;
    Ok(())
}

/// Saves a picture of a run's views, unless there is one.
fn draw_views(run: &PlannedRun, set: &dataset::Dataset) -> Result<(), Failure> {
    let views = run.folder.join(file::AUGMENTATION);
    if files::exists(&views)? {
        return Ok(());
    }
    let [rows, repeats] = PREVIEW;
    let recipes = run.config.view_recipes();
    let sheet = augment::preview(&set.unlabeled, &recipes, run.config.seed, rows, repeats)?;
    dataset::save_png(&sheet.into_image(), &views)?;
    Ok(())
}

/// Evaluates a run, and saves its picture of neighbors.
fn score(run_on_data: RunOnData, folder: &Path) -> Result<(), Failure> {
    let is_labeled = eval::labeled_splits(&run_on_data.set).is_ok();
    let measurement = Measurement::of(run_on_data)?;
    if is_labeled {
        let [rows, k] = NEIGHBORS;
        let sheet = measurement.neighbors(rows, k)?;
        dataset::save_picture(&sheet.image(), &folder.join(file::NEIGHBORS))?;
    }
    let protocols = Protocol::quick();
    let initial = measurement.initial(&protocols)?;
    let scores = measurement.by(&protocols, None, initial, &Arc::default())?;
    trainer::write_json(&folder.join(file::EVALUATION), &scores.record)?;
    Ok(())
}
