//! The `twinview` command: arguments become typed configuration, library calls and an exit code.

mod alike;
mod args;
mod builtin;
mod compare;
mod data;
mod data_command;
mod embed_command;
mod evaluate;
mod examples;
mod export;
mod failure;
mod faults;
mod logging;
mod looking;
mod measure;
mod methods_command;
mod output;
mod pretrain;
mod progress;
mod report_command;
mod run_on_data;
mod scores;
mod several;
mod shell;
mod sitting;
mod watch;

use std::process::ExitCode;

use clap::Parser;

use args::{Arguments, Command};
use failure::Failure;
use output::Output;

#[global_allocator]
static ALLOCATOR: faults::Allocator = faults::Allocator;

fn main() -> ExitCode {
    if let Err(error) = faults::handle_signals() {
        return Failure::failed(format!("can't handle signals: {error}")).report();
    }
    // What is written as JSON is UTF-8, and paths are among it.
    if let Some(odd) = std::env::args_os().find(|argument| argument.to_str().is_none()) {
        let odd = odd.to_string_lossy();
        return Failure::usage(format!(
            "{odd:?}: expected an argument in UTF-8, found other bytes"
        ))
        .report();
    }
    let arguments = match Arguments::try_parse() {
        Ok(arguments) => arguments,
        Err(error) => return failure::of_arguments(&error),
    };
    let log = logging::start(arguments.verbose, arguments.quiet);
    let output = Output::new(arguments.json);
    models::keep_freed_memory();
    let command = || match arguments.command {
        Command::Pretrain(arguments) => pretrain::run(&arguments, &output, &log),
        Command::Evaluate(arguments) => evaluate::run(&arguments, &output),
        Command::Compare(arguments) => compare::run(&arguments, &output, &log),
        Command::Report(arguments) => report_command::run(&arguments, &output),
        Command::Preview(arguments) => looking::preview(&arguments, &output),
        Command::Embed(arguments) => embed_command::run(&arguments, &output),
        Command::Neighbors(arguments) => alike::neighbors(&arguments, &output),
        Command::Export(arguments) => export::run(&arguments, &output),
        Command::Data(command) => data_command::run(&command, &output),
        Command::Methods => methods_command::run(&output),
        Command::Schema => {
            let text = serde_json::to_string_pretty(&trainer::schema());
            output.line(&text.expect("a schema is valid JSON"));
            Ok(ExitCode::SUCCESS)
        }
        Command::Completions { shell } => shell::completions(shell, &output),
        Command::Man { out } => shell::man(out.as_deref(), &output),
    };
    match faults::caught(command) {
        Ok(code) => code,
        Err(failure) => failure.report(),
    }
}
