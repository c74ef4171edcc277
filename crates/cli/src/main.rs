//! The `twinview` command: arguments become typed configuration, library calls and an exit code.

mod app;
mod args;
mod commands;

use std::process::ExitCode;

use clap::Parser;

use app::failure::{self, Failure};
use app::output::Output;
use app::{crash, libtorch, logging, own_rank};
use args::{Arguments, Command};
use commands::{
    compare, completions, config, data, embed, evaluate, export, man, methods, neighbors, predict,
    pretrain, preview, report, schema, select,
};

#[global_allocator]
static ALLOCATOR: crash::Allocator = crash::Allocator;

fn main() -> ExitCode {
    if let Err(error) = crash::handle_signals() {
        return Failure::failed(format!("can't handle signals: {error}")).report();
    }
    // Paths are written into JSON, which is UTF-8.
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
    if let Err(failure) = libtorch::check() {
        return failure.report();
    }
    match &arguments.command {
        Command::Pretrain(_) | Command::Evaluate(_) | Command::Embed(_) => own_rank::note_other(),
        Command::Compare(_) if own_rank::is_launched() => own_rank::note_other(),
        _ => {}
    }
    let log = logging::start(arguments.verbose, arguments.quiet);
    let output = Output::new(arguments.json);
    models::keep_freed_memory();
    if let Err(error) = dataset::start_threads() {
        return Failure::from(error).report();
    }
    let command = || match arguments.command {
        Command::Pretrain(arguments) => pretrain::run(&arguments, &output, &log),
        Command::Evaluate(arguments) => evaluate::run(&arguments, &output),
        Command::Compare(arguments) => compare::run(&arguments, &output, &log),
        Command::Report(arguments) => report::run(&arguments, &output),
        Command::Preview(arguments) => preview::run(&arguments, &output),
        Command::Embed(arguments) => embed::run(&arguments, &output),
        Command::Neighbors(arguments) => neighbors::run(&arguments, &output),
        Command::Predict(arguments) => predict::run(&arguments, &output),
        Command::Select(arguments) => select::run(&arguments, &output),
        Command::Export(arguments) => export::run(&arguments, &output),
        Command::Data(command) => data::run(&command, &output),
        Command::Config(arguments) => config::run(&arguments, &output),
        Command::Methods => methods::run(&output),
        Command::Schema => schema::run(&output),
        Command::Completions { shell } => completions::run(shell, &output),
        Command::Man { out } => man::run(out.as_deref(), &output),
    };
    let ended = crash::caught(command);
    match ended.and_then(|code| output.finish().map(|()| code)) {
        Ok(code) => code,
        Err(failure) => failure.report(),
    }
}
