//! `twinview man`: manual pages, generated from the command line's definition.

use std::path::Path;
use std::process::ExitCode;

use clap::{Command, CommandFactory};
use clap_mangen::Man;
use clap_mangen::roff::{Roff, roman};
use serde_json::json;

use crate::app::failure::Failure;
use crate::app::output::Output;
use crate::args::Arguments;

/// Prints the program's page, or writes a page for it and one per command into the folder `out`.
pub fn run(out: Option<&Path>, output: &Output) -> Result<ExitCode, Failure> {
    let mut command = Arguments::command().disable_help_subcommand(true);
    command.build();
    let Some(out) = out else {
        let page = page(&command)?;
        output.result(&json!({"page": page}), || page);
        return Ok(ExitCode::SUCCESS);
    };
    std::fs::create_dir_all(out).map_err(|error| {
        Failure::usage(format!("{}: expected a writable folder, found {error}", out.display()))
    })?;
    let mut written = Vec::new();
    for command in with_subcommands(&command) {
        let path = out.join(Man::new(command.clone()).get_filename());
        files::write(&path, page(command)?.as_bytes())?;
        written.push(path);
    }
    let value = json!({"out": out, "pages": written});
    output.result(&value, || format!("{}: {} pages", out.display(), written.len()));
    Ok(ExitCode::SUCCESS)
}

/// A command and its subcommands.
fn with_subcommands(command: &Command) -> Vec<&Command> {
    let below = command.get_subcommands().flat_map(with_subcommands);
    std::iter::once(command).chain(below).collect()
}

/// A manual page. `Man::render` would join the lines of the examples.
fn page(command: &Command) -> Result<String, Failure> {
    let man = Man::new(command.clone());
    let mut bytes = Vec::new();
    let mut render = || {
        man.render_title(&mut bytes)?;
        man.render_name_section(&mut bytes)?;
        man.render_synopsis_section(&mut bytes)?;
        man.render_description_section(&mut bytes)?;
        man.render_options_section(&mut bytes)?;
        if command.has_subcommands() {
            man.render_subcommands_section(&mut bytes)?;
        }
        examples(command).to_writer(&mut bytes)
    };
    render().map_err(Failure::failed)?;
    String::from_utf8(bytes).map_err(Failure::failed)
}

/// The examples of a command, line by line.
fn examples(command: &Command) -> Roff {
    let mut roff = Roff::new();
    let text = command.get_after_help().map(ToString::to_string);
    if let Some(text) = text {
        roff.control("SH", ["EXAMPLES"]);
        roff.control("nf", []);
        for line in text.lines().filter(|line| *line != "Examples:") {
            roff.text([roman(line)]);
        }
        roff.control("fi", []);
    }
    roff
}
