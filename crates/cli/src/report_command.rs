//! `twinview report`: one page about one or several runs.

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use models::DeviceChoice;
use report::Portrait;
use serde_json::{Value, json};

use crate::args::ReportArguments;
use crate::failure::Failure;
use crate::output::Output;
use crate::sitting;

/// Reads the runs, measures and draws what can be, and writes the page.
pub fn run(arguments: &ReportArguments, output: &Output) -> Result<ExitCode, Failure> {
    let device: DeviceChoice = arguments.device.parse().map_err(Failure::usage)?;
    let out = &arguments.out;
    files::check_writable(out)?;
    let folders = each_once(&arguments.runs);
    let portraits: Result<Vec<Portrait>, _> =
        folders.iter().map(|folder| Portrait::read(folder)).collect();
    let mut portraits = portraits?;
    if !arguments.quick {
        device.open().map_err(Failure::usage)?;
        for portrait in &mut portraits {
            sitting::complete(portrait, device);
        }
    }
    report::write_report(out, &portraits)?;
    let runs: Vec<Value> = portraits.iter().map(value).collect();
    output.result(&json!({"report": out, "runs": runs}), || {
        let plural = if portraits.len() == 1 { "" } else { "s" };
        format!("{}: {} run{plural} on one page", out.display(), portraits.len())
    });
    Ok(ExitCode::SUCCESS)
}

/// The folders, each once, however it is written.
fn each_once(folders: &[PathBuf]) -> Vec<&Path> {
    let mut seen = Vec::new();
    let mut once = Vec::new();
    for folder in folders {
        let whole = folder.canonicalize().unwrap_or_else(|_| folder.clone());
        if !seen.contains(&whole) {
            seen.push(whole);
            once.push(folder.as_path());
        }
    }
    once
}

/// What the page says of a run, in short.
fn value(portrait: &Portrait) -> Value {
    json!({
        "run": portrait.run.folder,
        "finished": portrait.run.finished(),
        "notes": portrait.notes,
    })
}
