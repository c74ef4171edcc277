//! `twinview schema`.

use std::process::ExitCode;

use crate::app::failure::Failure;
use crate::app::output::Output;

/// Prints the JSON Schema of configurations.
pub fn run(output: &Output) -> Result<ExitCode, Failure> {
    let text = serde_json::to_string_pretty(&trainer::schema());
    output.line(&text.expect("a schema is valid JSON"));
    Ok(ExitCode::SUCCESS)
}
