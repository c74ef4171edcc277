//! `twinview evaluate`.

use std::process::ExitCode;

use eval::{FewSettings, Protocol};
use trainer::Weights;

use crate::args::{EpochArgument, EvaluateArguments, ProtocolArgument};
use crate::failure::Failure;
use crate::measure::{Finding, Measurement, Subject};
use crate::output::Output;
use crate::scores;

/// Measures a run.
pub fn run(arguments: &EvaluateArguments, output: &Output) -> Result<ExitCode, Failure> {
    let device = arguments.device.parse().map_err(Failure::usage)?;
    let weights = match arguments.epoch {
        _ if arguments.untrained => Weights::Untrained,
        asked => EpochArgument::weights(asked),
    };
    for file in [&arguments.out, &arguments.confusion].into_iter().flatten() {
        trainer::check_writable(file)?;
    }
    let (run, data) = (&arguments.run, arguments.data.as_deref());
    let subject = Subject::open(run, data, weights, device)?;
    let few = few(arguments);
    // What can be refused is refused before the encoder works through the images.
    if let Some(few) = &few {
        subject.check(few)?;
    }
    if arguments.confusion.is_some() {
        subject.check_confusion()?;
    }
    let measurement = subject.measure()?;
    let findings = measurement.reports(&protocols(arguments), few.as_ref())?;
    let value = measurement.document(run, &findings);
    if let Some(out) = &arguments.out {
        trainer::write_json(out, &value)?;
    }
    if let (Some(file), [first, ..]) = (&arguments.confusion, findings.as_slice()) {
        measurement.draw_confusion(first, run, file)?;
    }
    output.result(&value, || text(arguments, &measurement, &findings));
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

fn text(arguments: &EvaluateArguments, measurement: &Measurement, findings: &[Finding]) -> String {
    let state = match measurement.subject.frozen.trained {
        _ if arguments.untrained => "untrained weights".to_owned(),
        [epoch, step] => format!("after epoch {epoch}, step {step}"),
    };
    let mut text = format!(
        "{} ({state}), accuracy on the test split\n",
        arguments.run.display()
    );
    for finding in findings {
        text += &scores::lines(finding);
    }
    text + &scores::classes(findings, &measurement.subject.set.class_names)
}
