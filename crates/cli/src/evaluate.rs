//! `twinview evaluate`.

use std::fmt::Write;
use std::process::ExitCode;

use eval::{Protocol, Report};
use trainer::{Frozen, Weights};

use crate::args::{EpochArgument, EvaluateArguments, ProtocolArgument};
use crate::failure::Failure;
use crate::measure::Measurement;
use crate::output::Output;

/// Measures a run.
pub fn run(arguments: &EvaluateArguments, output: &Output) -> Result<ExitCode, Failure> {
    let device = arguments.device.parse().map_err(Failure::usage)?;
    let weights = match arguments.epoch {
        _ if arguments.untrained => Weights::Untrained,
        asked => EpochArgument::weights(asked),
    };
    if let Some(out) = &arguments.out {
        trainer::check_writable(out)?;
    }
    let (run, data) = (&arguments.run, arguments.data.as_deref());
    let measurement = Measurement::open(run, data, weights, device)?;
    let reports = measurement.reports(&protocols(arguments))?;
    let value = measurement.document(run, &reports);
    if let Some(out) = &arguments.out {
        trainer::write_json(out, &value)?;
    }
    output.result(&value, || text(arguments, &measurement.frozen, &reports));
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
