//! `twinview report`: one HTML page about one or more runs.

mod contents;

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use models::DeviceChoice;
use report::RunReport;
use serde_json::{Value, json};

use crate::app::failure::Failure;
use crate::app::output::Output;
use crate::app::stop_flag::{self, stop_flag};
use crate::args::ReportArguments;

/// What a page says that is made of what is in the run folders.
const QUICK: &str = "made with --quick, from the files of the run folder alone: nothing was \
                     measured or drawn for this page";

/// Reads the runs, evaluates them, and writes the report.
pub fn run(arguments: &ReportArguments, output: &Output) -> Result<ExitCode, Failure> {
    let device: DeviceChoice = arguments.device.parse().map_err(Failure::usage)?;
    stop_flag::end_at_once()?;
    let out = &arguments.out;
    files::check_writable(out)?;
    let folders = each_once(&arguments.runs);
    let reports: Result<Vec<RunReport>, _> =
        folders.iter().map(|folder| RunReport::read(folder)).collect();
    let mut reports = reports?;
    if arguments.quick {
        for report in &mut reports {
            report.notes.push(QUICK.to_owned());
        }
    } else {
        device.open().map_err(Failure::usage)?;
        for report in &mut reports {
            contents::complete(report, device, !arguments.no_cache)?;
        }
    }
    let page = report::report_page(&reports)?;
    stop_flag(stop_flag::WRITING)?;
    files::write(out, page.as_bytes())?;
    let runs: Vec<Value> = reports.iter().map(value).collect();
    output.result(&json!({"report": out, "runs": runs}), || {
        let plural = if reports.len() == 1 { "" } else { "s" };
        format!("{}: {} run{plural} on one page", out.display(), reports.len())
    });
    Ok(ExitCode::SUCCESS)
}

/// The folders without repetitions, whatever their spelling.
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

/// A summary of a run, as JSON.
fn value(report: &RunReport) -> Value {
    json!({
        "run": report.run.folder,
        "finished": report.run.finished(),
        "notes": report.notes,
    })
}
