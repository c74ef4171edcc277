//! `twinview completions` and `twinview man`: what shells and manuals know of the command line,
//! written from the same definition that reads it.

use std::ffi::OsStr;
use std::path::Path;
use std::process::ExitCode;

use clap::builder::{PossibleValue, StringValueParser, TypedValueParser};
use clap::{Arg, Command, CommandFactory};
use clap_complete::Shell;
use clap_mangen::Man;
use clap_mangen::roff::{Roff, roman};
use methods::METHODS;
use serde_json::json;

use crate::args::Arguments;
use crate::failure::Failure;
use crate::output::Output;

/// The name of a method. Shells complete those that there are; any other is let through, for an
/// answer that says which was meant.
#[derive(Clone, Debug)]
pub struct MethodName {
    /// Whether `all` is one too.
    pub or_all: bool,
}

impl TypedValueParser for MethodName {
    type Value = String;

    fn parse_ref(
        &self,
        command: &Command,
        argument: Option<&Arg>,
        value: &OsStr,
    ) -> Result<String, clap::Error> {
        StringValueParser::new().parse_ref(command, argument, value)
    }

    fn possible_values(&self) -> Option<Box<dyn Iterator<Item = PossibleValue> + '_>> {
        let names = METHODS.iter().map(|entry| PossibleValue::new(entry.name).help(entry.summary));
        let all = self.or_all.then(|| PossibleValue::new("all"));
        Some(Box::new(all.into_iter().chain(names)))
    }
}

/// Prints the completions of a shell.
pub fn completions(shell: Shell, output: &Output) -> Result<ExitCode, Failure> {
    let mut bytes = Vec::new();
    clap_complete::generate(shell, &mut whole(), "twinview", &mut bytes);
    let script = String::from_utf8(bytes).map_err(Failure::failed)?;
    let value = json!({"shell": shell.to_string(), "script": script});
    output.result(&value, || script);
    Ok(ExitCode::SUCCESS)
}

/// Prints the page about the program, or writes a page for it and for each of its commands into
/// `out`.
pub fn man(out: Option<&Path>, output: &Output) -> Result<ExitCode, Failure> {
    let mut command = whole().disable_help_subcommand(true);
    command.build();
    let Some(out) = out else {
        let page = page(&command)?;
        output.result(&json!({"page": page}), || page);
        return Ok(ExitCode::SUCCESS);
    };
    std::fs::create_dir_all(out).map_err(|error| {
        Failure::usage(format!(
            "{}: expected a folder that can be made, found {error}",
            out.display()
        ))
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

fn whole() -> Command {
    Arguments::command()
}

/// A command and all below it.
fn with_subcommands(command: &Command) -> Vec<&Command> {
    let below = command.get_subcommands().flat_map(with_subcommands);
    std::iter::once(command).chain(below).collect()
}

/// A manual page. `Man::render` would run the lines of the examples together.
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

/// What stands below the help of a command, line for line.
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
