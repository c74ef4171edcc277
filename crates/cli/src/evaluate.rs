//! `twinview evaluate`.

use std::fmt::Write;
use std::process::ExitCode;

use eval::{FewSettings, FoldScores, Protocol, Report};
use trainer::{Frozen, Weights};

use crate::args::{EpochArgument, EvaluateArguments, ProtocolArgument};
use crate::failure::Failure;
use crate::measure::{Finding, Subject};
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
    let subject = Subject::open(run, data, weights, device)?;
    let few = few(arguments);
    // What can be refused is refused before the encoder works through the images.
    if let Some(few) = &few {
        subject.check(few)?;
    }
    let measurement = subject.measure()?;
    let findings = measurement.reports(&protocols(arguments), few.as_ref())?;
    let value = measurement.document(run, &findings);
    if let Some(out) = &arguments.out {
        trainer::write_json(out, &value)?;
    }
    output.result(&value, || {
        text(arguments, &measurement.subject.frozen, &findings)
    });
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

/// How to draw few labels, where that is asked for.
fn few(arguments: &EvaluateArguments) -> Option<FewSettings> {
    let numbers = arguments.labels_per_class.iter().map(|number| number.get());
    let few = FewSettings {
        labels_per_class: numbers.collect(),
        draws: arguments.draws.get(),
        seed: arguments.seed,
    };
    (!few.labels_per_class.is_empty()).then_some(few)
}

fn text(arguments: &EvaluateArguments, frozen: &Frozen, findings: &[Finding]) -> String {
    let state = match frozen.trained {
        _ if arguments.untrained => "untrained weights".to_owned(),
        [epoch, step] => format!("after epoch {epoch}, step {step}"),
    };
    let mut text = format!(
        "{} ({state}), accuracy on the test split\n",
        arguments.run.display()
    );
    for finding in findings {
        text += &lines(finding);
    }
    text
}

/// What one protocol found: a line with all training images, one over folds, one for each number of labels.
fn lines(finding: &Finding) -> String {
    let (score, folds, more) = match &finding.report {
        Report::Linear(linear) => {
            let edge = if linear.penalty_at_edge.is_some() {
                ", at the edge of the grid"
            } else {
                ""
            };
            let end = if linear.converged {
                ""
            } else {
                ", not converged"
            };
            let more = format!("C {}{edge}{end}", linear.penalty);
            (&linear.test, &linear.folds, more)
        }
        Report::Knn(knn) => {
            let more = format!("k {}, temperature {}", knn.k, knn.temperature);
            (&knn.test, &knn.folds, more)
        }
    };
    let [low, high] = score.interval95.map(|bound| 100.0 * bound);
    let mut text = format!(
        "{:<8} {:>6.2} %   95 % interval {low:.2} to {high:.2}   {} of {}   {more}\n",
        finding.name,
        100.0 * score.accuracy,
        score.correct,
        score.total,
    );
    let mut spread = |scores: &FoldScores, over: String| {
        let (mean, std) = (100.0 * scores.mean, 100.0 * scores.std);
        let _ = match scores.accuracies.len() {
            1 => writeln!(text, "         {mean:>6.2} % {over}"),
            _ => writeln!(text, "         {mean:>6.2} ± {std:.2} % {over}"),
        };
    };
    if let Some(folds) = folds {
        spread(folds, format!("over {} folds", folds.accuracies.len()));
    }
    for few in &finding.few {
        let (labels, draws) = (few.labels_per_class, few.draws.accuracies.len());
        let over = format!(
            "with {} a class, over {}",
            counted(labels, "label"),
            counted(draws, "draw")
        );
        spread(&few.draws, over);
    }
    text
}

/// `1 draw`, `5 draws`.
fn counted(number: usize, noun: &str) -> String {
    let plural = if number == 1 { "" } else { "s" };
    format!("{number} {noun}{plural}")
}
