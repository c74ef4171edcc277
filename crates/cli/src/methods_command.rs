//! `twinview methods`.

use std::process::ExitCode;

use methods::CATALOG;
use serde_json::json;

use crate::failure::Failure;
use crate::output::Output;

/// Lists the methods.
pub fn run(output: &Output) -> Result<ExitCode, Failure> {
    let rows: Vec<_> = CATALOG
        .iter()
        .map(|entry| {
            json!({
                "name": entry.name, "title": entry.title, "family": entry.family.name(),
                "summary": entry.summary, "paper": entry.paper,
                "forms": entry.forms,
            })
        })
        .collect();
    output.result(&rows, || {
        let line = |entry: &methods::Entry| {
            let family = entry.family.name();
            let forms = match entry.forms {
                [] => String::new(),
                forms => format!("; forms {}", forms.join(", ")),
            };
            format!("{:<13} {family:<20} {}  ({}{forms})\n", entry.name, entry.summary, entry.paper)
        };
        CATALOG.iter().map(line).collect()
    });
    Ok(ExitCode::SUCCESS)
}
