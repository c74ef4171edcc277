//! `twinview evaluate`.

use std::fmt::Write;
use std::process::ExitCode;

use eval::{Features, Protocol, Report};
use serde_json::{Map, Value, json};
use trainer::{Frozen, Weights};

use crate::args::{EvaluateArguments, ProtocolArgument};
use crate::data;
use crate::failure::Failure;
use crate::output::Output;

/// Images in a forward pass.
const BATCH: usize = 256;

/// Measures a run.
pub fn run(arguments: &EvaluateArguments, output: &Output) -> Result<ExitCode, Failure> {
    let device = arguments.device.parse().map_err(Failure::usage)?;
    let weights = match arguments.epoch {
        _ if arguments.untrained => Weights::Untrained,
        Some(epoch) => Weights::AfterEpoch(epoch),
        None => Weights::Newest,
    };
    let frozen = Frozen::open(&arguments.run, weights, device)?;
    let path = arguments.data.as_ref().or(frozen.record.data.path.as_ref());
    let set = match path {
        Some(path) => data::open(path, frozen.record.config.image_size)?,
        None => data::built_in()?,
    };
    let place = path.map_or("the built-in set".to_owned(), |path| {
        path.display().to_string()
    });
    let of_set = |error: eval::Error| Failure::usage(format!("{place}: {error}"));
    let (train, test) = eval::labelled_splits(&set).map_err(of_set)?;
    let extract = |split, name| -> Result<Features, eval::Error> {
        eval::extract_labelled(split, name, frozen.side(), BATCH, &|block| {
            frozen.encode(block)
        })
    };
    let train = extract(train, "train").map_err(of_set)?;
    let test = extract(test, "test").map_err(of_set)?;
    let mut reports = Vec::new();
    for protocol in protocols(arguments) {
        tracing::info!("measuring by {}", protocol.name());
        reports.push((
            protocol.name(),
            eval::evaluate(&protocol, &train, &test, &set.folds).map_err(of_set)?,
        ));
    }
    let value = document(arguments, &frozen, &set, &reports);
    if let Some(out) = &arguments.out {
        trainer::write_json(out, &value)?;
    }
    output.result(&value, || text(arguments, &frozen, &reports));
    Ok(ExitCode::SUCCESS)
}

fn protocols(arguments: &EvaluateArguments) -> Vec<Protocol> {
    let asked = match arguments.protocol.as_slice() {
        [] => &[ProtocolArgument::Linear, ProtocolArgument::Knn],
        asked => asked,
    };
    let protocol = |asked: &ProtocolArgument| match asked {
        ProtocolArgument::Linear => Protocol::Linear(Default::default()),
        ProtocolArgument::Knn => Protocol::Knn(Default::default()),
    };
    asked.iter().map(protocol).collect()
}

fn document(
    arguments: &EvaluateArguments,
    frozen: &Frozen,
    set: &dataset::Dataset,
    reports: &[(&'static str, Report)],
) -> Value {
    let protocols: Map<String, Value> = reports
        .iter()
        .map(|(name, report)| {
            let value = serde_json::to_value(report).expect("a report is valid JSON");
            let mut value = value[*name].clone();
            value["accuracy"] = json!(report.accuracy());
            (name.to_string(), value)
        })
        .collect();
    json!({
        "run": arguments.run,
        "method": frozen.record.config.method.name(),
        "untrained": arguments.untrained,
        "epoch": frozen.trained[0],
        "step": frozen.trained[1],
        "split": "test",
        "data": {"kind": set.kind, "fingerprint": set.fingerprint(), "class_names": set.class_names},
        "protocols": protocols,
    })
}

fn text(
    arguments: &EvaluateArguments,
    frozen: &Frozen,
    reports: &[(&'static str, Report)],
) -> String {
    let state = match frozen.trained {
        _ if arguments.untrained => "untrained weights".to_owned(),
        [epoch, step] => format!("after epoch {epoch}, step {step}"),
    };
    let mut text = format!(
        "{} ({state}), accuracy on the test split\n",
        arguments.run.display()
    );
    for (name, report) in reports {
        let (score, folds, more) = match report {
            Report::Linear(linear) => {
                let edge = if linear.penalty_at_edge.is_some() {
                    ", at the edge of the grid"
                } else {
                    ""
                };
                (
                    &linear.test,
                    &linear.folds,
                    format!("C {}{edge}", linear.penalty),
                )
            }
            Report::Knn(knn) => (
                &knn.test,
                &knn.folds,
                format!("k {}, temperature {}", knn.k, knn.temperature),
            ),
        };
        let [low, high] = score.interval95.map(|bound| 100.0 * bound);
        let _ = writeln!(
            text,
            "{name:<8} {:>6.2} %   95 % interval {low:.2} to {high:.2}   {} of {}   {more}",
            100.0 * score.accuracy,
            score.correct,
            score.total,
        );
        if let Some(folds) = folds {
            let (mean, std) = (100.0 * folds.mean, 100.0 * folds.std);
            let _ = writeln!(
                text,
                "         {mean:.2} ± {std:.2} % over {} folds",
                folds.accuracies.len()
            );
        }
    }
    text
}
