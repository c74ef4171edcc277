//! The `twinview` command: arguments become typed configuration, library calls and an exit code.

mod args;
mod builtin;
mod compare;
mod data;
mod data_command;
mod evaluate;
mod failure;
mod logging;
mod looking;
mod measure;
mod methods_command;
mod output;
mod pretrain;
mod progress;

use std::process::ExitCode;

use clap::Parser;

use args::{Arguments, Command};
use output::Output;

fn main() -> ExitCode {
    let arguments = match Arguments::try_parse() {
        Ok(arguments) => arguments,
        Err(error) => return failure::of_arguments(&error),
    };
    let log = logging::start(arguments.verbose, arguments.quiet);
    let output = Output::new(arguments.json);
    models::keep_freed_memory();
    let result = match arguments.command {
        Command::Pretrain(arguments) => pretrain::run(&arguments, &output, &log),
        Command::Evaluate(arguments) => evaluate::run(&arguments, &output),
        Command::Compare(arguments) => compare::run(&arguments, &output, &log),
        Command::Preview(arguments) => looking::preview(&arguments, &output),
        Command::Neighbors(arguments) => looking::neighbors(&arguments, &output),
        Command::Data(command) => data_command::run(&command, &output),
        Command::Methods => methods_command::run(&output),
    };
    match result {
        Ok(code) => code,
        Err(failure) => failure.report(),
    }
}
