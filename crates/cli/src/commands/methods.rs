//! `twinview methods`.

use std::process::ExitCode;

use methods::METHODS;
use serde_json::json;

use crate::app::failure::Failure;
use crate::app::output::Output;

/// Lists the methods.
pub fn run(output: &Output) -> Result<ExitCode, Failure> {
    let rows: Vec<_> = METHODS
        .iter()
        .map(|entry| {
            json!({
                "name": entry.name, "title": entry.title, "family": entry.family.name(),
                "summary": entry.summary, "paper": entry.paper,
                "variants": entry.variants,
            })
        })
        .collect();
    output.result(&rows, || {
        let line = |entry: &methods::MethodInfo| {
            let family = entry.family.name();
            let variants = match entry.variants {
                [] => String::new(),
                variants => format!("; variants {}", variants.join(", ")),
            };
            format!(
                "{:<13} {family:<20} {}  ({}{variants})\n",
                entry.name, entry.summary, entry.paper
            )
        };
        METHODS.iter().map(line).collect()
    });
    Ok(ExitCode::SUCCESS)
}
