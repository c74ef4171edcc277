//! `twinview completions`.

use std::process::ExitCode;

use clap::CommandFactory;
use clap_complete::Shell;
use serde_json::json;

use crate::app::failure::Failure;
use crate::app::output::Output;
use crate::args::Arguments;

/// Prints the completion script of a shell.
pub fn run(shell: Shell, output: &Output) -> Result<ExitCode, Failure> {
    let mut bytes = Vec::new();
    clap_complete::generate(shell, &mut Arguments::command(), "twinview", &mut bytes);
    let script = String::from_utf8(bytes).map_err(Failure::failed)?;
    let value = json!({"shell": shell.to_string(), "script": script});
    output.result(&value, || script);
    Ok(ExitCode::SUCCESS)
}
