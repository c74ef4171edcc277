//! `cargo xtask VERB`: everything that is done to this repository rather than with it.
//!
//! It fetches libtorch, fetches the published data set, runs the checks, and measures. It knows the
//! other crates only as commands to run, never as code, so it compiles before libtorch is there.

// A build tool talks to a person at a terminal.
#![allow(clippy::print_stdout, clippy::print_stderr)]

mod args;
mod bench;
mod checks;
mod demo;
mod digest;
mod golden;
mod instrumented;
mod libtorch;
mod runner;
mod scratch;
mod soak;
mod stl10;
mod supply;
mod tidy;
mod workspace;

use std::process::ExitCode;

use args::Verb;
use stl10::{Outcome, Patience, STL10};
use workspace::Workspace;

/// A mistake in the arguments or the environment, as against a failure while running: exit code 2.
#[derive(Debug)]
struct Usage(String);

impl std::fmt::Display for Usage {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for Usage {}

fn main() -> ExitCode {
    let Err(error) = run() else {
        return ExitCode::SUCCESS;
    };
    if scratch::interrupted() {
        eprintln!("interrupted");
        return ExitCode::from(130);
    }
    eprintln!("error: {error:#}");
    ExitCode::from(if error.is::<Usage>() { 2 } else { 1 })
}

fn run() -> anyhow::Result<()> {
    let verb = args::parse(std::env::args().skip(1))?;
    scratch::handle_interrupts()?;
    let workspace = Workspace::find();
    match verb {
        Verb::Help => print!("{}", args::HELP),
        Verb::Setup { cuda } => {
            let request = if cuda { libtorch::Request::Cuda } else { libtorch::Request::Cpu };
            println!("libtorch: {}", libtorch::ensure(&workspace, request)?);
        }
        Verb::DownloadStl10 { dir, url } => {
            let dir = dir.unwrap_or_else(|| workspace.root.join("data"));
            let url = url.as_deref().unwrap_or(STL10.url);
            match stl10::download(&STL10, &dir, url, &Patience::default())? {
                Outcome::Present(path) => println!("{} is there and whole", path.display()),
                Outcome::Fetched(path) => println!("{} is ready", path.display()),
            }
        }
        Verb::Demo => demo::demo(&workspace)?,
        Verb::Bench(bench) => bench.run(&workspace)?,
        Verb::Test => checks::test(&workspace)?,
        Verb::Tidy => tidy::tidy(&workspace)?,
        Verb::Golden { check, renew } => {
            if renew {
                return golden::renew(&workspace);
            }
            if check {
                golden::check(&workspace)?;
            }
            golden::run(&workspace)?;
        }
        Verb::Soak { steps } => soak::soak(&workspace, steps.unwrap_or(soak::STEPS))?,
        Verb::Sanitize => instrumented::sanitize(&workspace)?,
        Verb::Fuzz { target, seconds } => {
            let seconds = seconds.unwrap_or(instrumented::SECONDS);
            instrumented::fuzz(&workspace, target.as_deref(), seconds)?;
        }
        Verb::Ci => checks::ci(&workspace)?,
    }
    Ok(())
}
