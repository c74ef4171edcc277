//! `twinview evaluate`.

use std::process::ExitCode;
use std::sync::Arc;

use eval::{CheckpointChoice, ClassifierSettings, FewShotSettings, Protocol};
use models::DeviceChoice;
use serde_json::{Map, Value, json};

use crate::args::{EpochArgument, EvaluateArguments, ProtocolArgument};
use crate::failure::Failure;
use crate::measure::{Measured, Measurement};
use crate::output::Output;
use crate::run_on_data::RunOnData;
use crate::{pretrain, scores, several};

/// The runs at one of the epochs asked for.
struct AtEpoch<T> {
    /// As it was asked for.
    name: String,
    runs: Vec<T>,
}

/// Measures runs.
pub fn run(arguments: &EvaluateArguments, output: &Output) -> Result<ExitCode, Failure> {
    for file in [&arguments.out, &arguments.confusion].into_iter().flatten() {
        files::check_writable(file)?;
    }
    let (protocols, few) = (protocols(arguments), few(arguments));
    // What takes seconds is ended by Ctrl-C at once.
    let stop = match protocols.iter().any(Protocol::trains_on_views) {
        true => pretrain::stop_flag()?,
        false => Arc::default(),
    };
    // What can be refused is refused before an encoder works through the images.
    let run_on_data = open(arguments, few.as_ref())?;
    let mut epochs = Vec::new();
    for AtEpoch { name, runs } in run_on_data {
        let measure = |run_on_data: RunOnData| {
            tracing::info!("extracting features of {}", run_on_data.run.display());
            Measurement::of(run_on_data)?.by(&protocols, few.as_ref(), &stop)
        };
        let runs: Result<_, Failure> = runs.into_iter().map(measure).collect();
        epochs.push(AtEpoch { name, runs: runs? });
    }
    let value = document(&epochs);
    if let Some(out) = &arguments.out {
        trainer::write_json(out, &value)?;
    }
    if let Some(file) = &arguments.confusion {
        epochs[0].runs[0].draw_confusion(file)?;
    }
    output.result(&value, || text(&epochs));
    Ok(ExitCode::SUCCESS)
}

/// Opens every run at every epoch asked for, and checks what is asked for against them.
fn open(
    arguments: &EvaluateArguments,
    few: Option<&FewShotSettings>,
) -> Result<Vec<AtEpoch<RunOnData>>, Failure> {
    let device: DeviceChoice = arguments.device.parse().map_err(Failure::usage)?;
    let epochs = weights(arguments);
    let measured = epochs.len() * arguments.runs.len();
    if arguments.confusion.is_some() && measured > 1 {
        return Err(Failure::usage(format!(
            "--confusion: expected one run at one epoch to draw, found {measured}"
        )));
    }
    let data = arguments.data.as_deref();
    let mut run_on_data = Vec::new();
    for (name, weights) in epochs {
        let mut runs = Vec::new();
        for run in &arguments.runs {
            let run = RunOnData::open(run, data, weights, device)?;
            check(&run, few, arguments.confusion.is_some())?;
            let trained_on = &run.frozen.record.data.fingerprint;
            if data.is_none() && run.set.fingerprint() != *trained_on {
                tracing::warn!("{} is not as it was when the run began", run.place);
            }
            runs.push(run);
        }
        several::check(&runs)?;
        run_on_data.push(AtEpoch { name, runs });
    }
    Ok(run_on_data)
}

/// Refuses a set without labels, draws that its training images don't allow, and, where a matrix is
/// to be drawn, more classes than it is kept of.
fn check(
    run_on_data: &RunOnData,
    few: Option<&FewShotSettings>,
    drawn: bool,
) -> Result<(), Failure> {
    let of_set = |error| run_on_data.failure(error);
    let (train, test) = eval::labeled_splits(&run_on_data.set).map_err(of_set)?;
    let labels = train.labels().unwrap_or_default();
    if let Some(few) = few {
        let labels: Vec<i64> = labels.iter().map(|&label| i64::from(label)).collect();
        few.check(&labels).map_err(of_set)?;
    }
    let all = labels.iter().chain(test.labels().unwrap_or_default());
    let classes = all.max().map_or(0, |&label| usize::from(label) + 1);
    if drawn && classes > eval::MOST_CONFUSED {
        let (place, most) = (&run_on_data.place, eval::MOST_CONFUSED);
        return Err(Failure::usage(format!(
            "{place}: --confusion: expected at most {most} classes, found {classes}"
        )));
    }
    Ok(())
}

/// The weights to measure, by the name of the epoch; each once.
fn weights(arguments: &EvaluateArguments) -> Vec<(String, CheckpointChoice)> {
    if arguments.untrained {
        return vec![("untrained".to_owned(), CheckpointChoice::Untrained)];
    }
    let mut asked = arguments.epoch.clone();
    if asked.is_empty() {
        asked.push(EpochArgument::Last);
    }
    let mut found: Vec<(String, CheckpointChoice)> = Vec::new();
    for epoch in asked {
        let name = match epoch {
            EpochArgument::Last => "last".to_owned(),
            EpochArgument::Best => "best".to_owned(),
            EpochArgument::Number(epoch) => epoch.to_string(),
        };
        if found.iter().all(|(before, _)| *before != name) {
            found.push((name, epoch.weights()));
        }
    }
    found
}

fn protocols(arguments: &EvaluateArguments) -> Vec<Protocol> {
    let asked = match arguments.protocol.as_slice() {
        [] => &[ProtocolArgument::Linear, ProtocolArgument::Knn],
        asked => asked,
    };
    let for_all = |settings: ClassifierSettings| match arguments.passes {
        Some(passes) => settings.with_epochs(passes.get()),
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

/// How to draw few labels, where that is asked for.
fn few(arguments: &EvaluateArguments) -> Option<FewShotSettings> {
    let numbers = arguments.labels_per_class.iter().map(|number| number.get());
    let few = FewShotSettings {
        labels_per_class: numbers.collect(),
        draws: arguments.draws.get(),
        seed: arguments.seed,
    };
    (!few.labels_per_class.is_empty()).then_some(few)
}

/// One run at one epoch is an object of its own; several runs are in one, and so are several
/// epochs.
fn document(epochs: &[AtEpoch<Measured>]) -> Value {
    let at_epoch = |epoch: &AtEpoch<Measured>| match epoch.runs.as_slice() {
        [run] => json!(run.record),
        runs => several::document(runs),
    };
    match epochs {
        [epoch] => at_epoch(epoch),
        epochs => {
            let all = epochs.iter().map(|epoch| (epoch.name.clone(), at_epoch(epoch)));
            json!({"epochs": all.collect::<Map<_, _>>()})
        }
    }
}

fn text(epochs: &[AtEpoch<Measured>]) -> String {
    if let [AtEpoch { runs, .. }] = epochs
        && let [run] = runs.as_slice()
    {
        return scores::text(run) + &scores::classes(&run.results, &run.class_names);
    }
    let at_epoch = |epoch: &AtEpoch<Measured>| match epoch.runs.as_slice() {
        [run] => format!("epoch {}: {}", epoch.name, scores::text(run)),
        runs => format!("epoch {}\n{}", epoch.name, several::text(runs)),
    };
    let parts: Vec<String> = epochs.iter().map(at_epoch).collect();
    parts.join("\n")
}
