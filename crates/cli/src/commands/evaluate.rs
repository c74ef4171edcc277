//! `twinview evaluate`.

pub mod measurement;
mod scores;
mod seeds;

use std::collections::HashMap;
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use dataset::Split;
use eval::{ClassifierSettings, FewShotSettings, Protocol};
use group::Launch;
use models::DeviceChoice;
use serde_json::{Map, Value, json};

use crate::app::failure::Failure;
use crate::app::launcher;
use crate::app::output::Output;
use crate::app::ranks::Ranks;
use crate::app::run_on_data::RunOnData;
use crate::app::stop_flag::{self, stop_flag};
use crate::args::{CheckpointArgument, EvaluateArguments, ProtocolArgument};
use crate::commands::evaluate::measurement::{InitialScores, Measurement, RunScores};

/// What helps where there are no labels.
const UNLABELED: &str = "; give a set with labels by --data (folders train/CLASS), or look at \
                         images without labels by `twinview neighbors` and `twinview embed`";

/// The runs at one checkpoint.
struct AtCheckpoint<T> {
    checkpoint: CheckpointArgument,
    runs: Vec<T>,
}

/// Evaluates runs.
pub fn run(arguments: &EvaluateArguments, output: &Output) -> Result<ExitCode, Failure> {
    let launch = Launch::from_env()?;
    if let Some(count) = launcher::count(&arguments.ranks, launch.as_ref())? {
        return launcher::run(count, launcher::NOTHING);
    }
    let (protocols, few) = (protocols(arguments), few(arguments));
    // Protocols that take seconds end at once on Ctrl-C.
    let stop = match protocols.iter().any(Protocol::trains_on_views) {
        true => stop_flag(stop_flag::WORKING)?,
        false => Arc::default(),
    };
    let ranks = Ranks::join(launch.as_ref(), &arguments.ranks, "evaluate")?;
    let device = arguments.device.parse().map_err(Failure::usage);
    let device = ranks.agree(device.and_then(|device| ranks.device(device)))?;
    // All arguments are checked before features are extracted.
    let listed = ranks.first(|| list(arguments, &protocols, few.as_ref(), device))?;
    let (loaded, sets) = RunOnData::load_all(listed.unwrap_or_default(), &ranks)?;
    ranks.lead(&sets, device, || {
        measure(arguments, loaded, (&protocols, few.as_ref()), &stop, output)
    })?;
    Ok(ExitCode::SUCCESS)
}

/// Measures runs, of each checkpoint the same, by these protocols; prints and writes the results.
fn measure(
    arguments: &EvaluateArguments,
    loaded: Vec<RunOnData>,
    (protocols, few): (&[Protocol], Option<&FewShotSettings>),
    stop: &Arc<AtomicBool>,
    output: &Output,
) -> Result<(), Failure> {
    let run_on_data = by_checkpoint(arguments, loaded)?;
    let mut evaluated = Vec::new();
    // The weights that a run began with are measured once, whatever the number of checkpoints.
    let mut initial: HashMap<PathBuf, InitialScores> = HashMap::new();
    for AtCheckpoint { checkpoint, runs } in run_on_data {
        let mut measure = |run_on_data: RunOnData| {
            let run = run_on_data.run.clone();
            tracing::info!("extracting features of {}", run.display());
            let measurement = Measurement::of(run_on_data)?;
            let before = match initial.get(&run) {
                _ if arguments.no_baseline || checkpoint == CheckpointArgument::Initial => {
                    InitialScores::default()
                }
                Some(before) => before.clone(),
                None => {
                    tracing::info!("measuring the weights that {} began with", run.display());
                    let before = measurement.initial(protocols)?;
                    initial.entry(run).or_insert(before).clone()
                }
            };
            measurement.by(protocols, few, before, stop)
        };
        let runs: Result<_, Failure> = runs.into_iter().map(&mut measure).collect();
        evaluated.push(AtCheckpoint { checkpoint, runs: runs? });
    }
    let value = document(&evaluated);
    if let Some(out) = &arguments.out {
        trainer::write_json(out, &value)?;
    }
    if let Some(file) = &arguments.confusion_matrix {
        evaluated[0].runs[0].draw_confusion(file)?;
    }
    output.result(&value, || text(&evaluated));
    Ok(())
}

/// Opens every run at every checkpoint, and checks the arguments against them.
fn list(
    arguments: &EvaluateArguments,
    protocols: &[Protocol],
    few: Option<&FewShotSettings>,
    device: DeviceChoice,
) -> Result<Vec<RunOnData>, Failure> {
    for file in [&arguments.out, &arguments.confusion_matrix].into_iter().flatten() {
        files::check_writable(file)?;
    }
    if let Some(file) = &arguments.confusion_matrix {
        report::check_figure_name(file)?;
    }
    let checkpoints = checkpoints(arguments);
    let count = checkpoints.len() * arguments.runs.len();
    if arguments.confusion_matrix.is_some() && count > 1 {
        return Err(Failure::usage(format!(
            "--confusion-matrix: expected one run and one checkpoint, found {count}"
        )));
    }
    let mut listed = Vec::new();
    for checkpoint in checkpoints {
        for run in &arguments.runs {
            let run = RunOnData::list(run, &arguments.data, checkpoint.choice(), device)?;
            check(&run, protocols, few, arguments.confusion_matrix.is_some())?;
            listed.push(run);
        }
    }
    Ok(listed)
}

/// The runs that were opened, by checkpoint.
fn by_checkpoint(
    arguments: &EvaluateArguments,
    loaded: Vec<RunOnData>,
) -> Result<Vec<AtCheckpoint<RunOnData>>, Failure> {
    let mut loaded = loaded.into_iter();
    let at = |checkpoint| {
        let runs = loaded.by_ref().take(arguments.runs.len());
        let runs: Vec<RunOnData> = runs.map(|run| noted(arguments, run)).collect();
        seeds::check(&runs)?;
        Ok(AtCheckpoint { checkpoint, runs })
    };
    checkpoints(arguments).into_iter().map(at).collect()
}

/// The run with or without its cache. Warns where its set has changed.
fn noted(arguments: &EvaluateArguments, run: RunOnData) -> RunOnData {
    let run = run.cached(!arguments.no_cache);
    let trained = &run.frozen.record.data;
    if run.source == trained.source && run.set.fingerprint() != trained.fingerprint {
        tracing::warn!("{} has changed since the run started", run.place);
    }
    run
}

/// Rejects a set without labels, without a test split where a protocol needs one, with too few
/// images for the few-label subsets or, for a confusion matrix, with too many classes.
fn check(
    run_on_data: &RunOnData,
    protocols: &[Protocol],
    few: Option<&FewShotSettings>,
    matrix: bool,
) -> Result<(), Failure> {
    let of_set = |error| run_on_data.failure(error);
    let splits = eval::evaluation_splits(&run_on_data.set);
    let (train, test) = splits.map_err(|error| of_set(error).with(UNLABELED))?;
    if let (None, Some(protocol)) = (test, protocols.iter().find(|one| one.trains_on_views())) {
        let error = of_set(eval::Error::NeedsTest { protocol: protocol.name() });
        return Err(error.with("; linear and knn do without"));
    }
    let labels = train.labels().unwrap_or_default();
    if let Some(few) = few {
        let labels: Vec<i64> = labels.iter().map(|&label| i64::from(label)).collect();
        few.check(&labels).map_err(of_set)?;
    }
    let all = labels.iter().chain(test.and_then(Split::labels).unwrap_or_default());
    let classes = all.max().map_or(0, |&label| usize::from(label) + 1);
    if matrix && classes > eval::MOST_CONFUSED {
        let (place, most) = (&run_on_data.place, eval::MOST_CONFUSED);
        return Err(Failure::usage(format!(
            "{place}: --confusion-matrix: expected at most {most} classes, found {classes}"
        )));
    }
    Ok(())
}

/// The checkpoints to evaluate, each once.
fn checkpoints(arguments: &EvaluateArguments) -> Vec<CheckpointArgument> {
    let mut checkpoints = Vec::new();
    for &checkpoint in &arguments.checkpoint {
        if !checkpoints.contains(&checkpoint) {
            checkpoints.push(checkpoint);
        }
    }
    if checkpoints.is_empty() {
        checkpoints.push(CheckpointArgument::Last);
    }
    checkpoints
}

fn protocols(arguments: &EvaluateArguments) -> Vec<Protocol> {
    let asked = match arguments.protocol.as_slice() {
        [] => &[ProtocolArgument::Linear, ProtocolArgument::Knn],
        asked => asked,
    };
    let for_all = |settings: ClassifierSettings| match arguments.epochs {
        Some(epochs) => settings.with_epochs(epochs.get()),
        None => settings,
    };
    let protocol = |asked: &ProtocolArgument| match asked {
        ProtocolArgument::Linear => Protocol::Linear(Default::default()),
        ProtocolArgument::Knn => Protocol::Knn(Default::default()),
        ProtocolArgument::Finetune => Protocol::Finetune(for_all(ClassifierSettings::finetune())),
        ProtocolArgument::Sgd => Protocol::Sgd(for_all(ClassifierSettings::linear())),
    };
    asked.iter().map(protocol).collect()
}

/// The few-label settings, if asked for.
fn few(arguments: &EvaluateArguments) -> Option<FewShotSettings> {
    let numbers = arguments.labels_per_class.iter().map(|number| number.get());
    let few = FewShotSettings {
        labels_per_class: numbers.collect(),
        repeats: arguments.repeats.get(),
        seed: arguments.seed,
    };
    (!few.labels_per_class.is_empty()).then_some(few)
}

/// One run at one checkpoint is one object; several runs are combined, then several checkpoints.
fn document(evaluated: &[AtCheckpoint<RunScores>]) -> Value {
    let one = |at: &AtCheckpoint<RunScores>| match at.runs.as_slice() {
        [run] => json!(run.record),
        runs => seeds::document(runs),
    };
    match evaluated {
        [at] => one(at),
        several => {
            let all = several.iter().map(|at| (at.checkpoint.to_string(), one(at)));
            json!({"checkpoints": all.collect::<Map<_, _>>()})
        }
    }
}

fn text(evaluated: &[AtCheckpoint<RunScores>]) -> String {
    if let [AtCheckpoint { runs, .. }] = evaluated
        && let [run] = runs.as_slice()
    {
        return scores::text(run) + &scores::classes(&run.results, &run.class_names);
    }
    let one = |at: &AtCheckpoint<RunScores>| match at.runs.as_slice() {
        [run] => format!("checkpoint {}: {}", at.checkpoint, scores::text(run)),
        runs => format!("checkpoint {}\n{}", at.checkpoint, seeds::text(runs)),
    };
    let parts: Vec<String> = evaluated.iter().map(one).collect();
    parts.join("\n")
}
