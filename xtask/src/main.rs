//! `cargo xtask VERB`: set-up, downloads, checks and benchmarks of this repository.
//!
//! It runs the other crates as commands and imports none of them, so it compiles before libtorch is
//! there.

// A build tool talks to a person at a terminal.
#![allow(clippy::print_stdout, clippy::print_stderr)]

mod bench;
mod ci;
mod demo;
mod python;
mod scratch;
mod setup;
mod stl10;
mod tidy;
mod workspace;

use std::path::PathBuf;
use std::process::ExitCode;

use clap::error::ErrorKind;
use clap::{Parser, Subcommand};

use setup::Flavor;
use stl10::{RetryPolicy, STL10};
use workspace::Workspace;

#[derive(Debug, Parser)]
#[command(bin_name = "cargo xtask", about = "Set-up, downloads, checks and benchmarks")]
struct Cli {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Debug, Subcommand)]
enum Verb {
    /// Get libtorch and tell cargo where it is
    Setup {
        /// Get a libtorch for CPU and CUDA (3.8 GB instead of 500 MB)
        #[arg(long)]
        cuda: bool,
    },
    /// Download and unpack STL-10 (2.6 GB)
    DownloadStl10 {
        /// Folder to put `stl10_binary` in [default: data]
        #[arg(long)]
        dir: Option<PathBuf>,
        /// Mirror to download the archive from
        #[arg(long, default_value = STL10.url)]
        url: String,
    },
    /// Set up, pretrain on a small rendered set, and compare with the untrained encoder
    Demo,
    /// Set up, then run all tests
    Test,
    /// Set up, then run every check: tidy, licenses, format, lints, docs, tests, Python
    Ci,
    /// Check the repository's own rules
    Tidy,
    /// Build the Python package as a wheel
    Wheel(python::WheelOptions),
    /// Test the Python package in a fresh environment
    PythonTest(python::TestOptions),
    /// Set up, then measure speed and memory and write docs/benchmarks.md
    Bench(bench::Options),
}

/// Wrong arguments or a wrong environment: exit code 2. Other errors exit with 1.
#[derive(Debug)]
struct Usage(String);

impl std::fmt::Display for Usage {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for Usage {}

fn main() -> ExitCode {
    let verb = match Cli::try_parse() {
        Ok(cli) => cli.verb,
        Err(error) => return explain(&error),
    };
    let Err(error) = run(verb) else {
        return ExitCode::SUCCESS;
    };
    eprintln!("error: {error:#}");
    ExitCode::from(if error.is::<Usage>() { 2 } else { 1 })
}

fn run(verb: Verb) -> anyhow::Result<()> {
    scratch::handle_interrupts()?;
    let workspace = Workspace::find();
    match verb {
        Verb::Setup { cuda } => {
            let flavor = if cuda { Flavor::Cuda } else { Flavor::Cpu };
            setup::ensure(&workspace, Some(flavor))?;
        }
        Verb::DownloadStl10 { dir, url } => {
            let dir = dir.unwrap_or_else(|| workspace.root.join("data"));
            let fetched = stl10::download(&STL10, &dir, &url, &RetryPolicy::default())?;
            let (path, what) = (dir.join(STL10.folder), if fetched { "ready" } else { "complete" });
            println!("{} is {what}", path.display());
        }
        Verb::Demo => demo::demo(&workspace)?,
        Verb::Test => ci::test(&workspace)?,
        Verb::Ci => ci::ci(&workspace)?,
        Verb::Tidy => tidy::tidy(&workspace)?,
        Verb::Wheel(options) => python::wheel(&workspace, &options)?,
        Verb::PythonTest(options) => python::test(&workspace, &options)?,
        Verb::Bench(options) => bench::bench(&workspace, &options)?,
    }
    Ok(())
}

/// Prints help as it is, and an error on one line.
fn explain(error: &clap::Error) -> ExitCode {
    let text = error.render().to_string();
    let no_verb = error.kind() == ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand;
    if !error.use_stderr() || no_verb {
        print!("{text}");
        return ExitCode::SUCCESS;
    }
    let hint = |line: &&str| line.starts_with("Usage:") || line.starts_with("For more");
    let lines = text.lines().map(str::trim).take_while(|line| !hint(line));
    let lines: Vec<&str> = lines.filter(|line| !line.is_empty()).collect();
    eprintln!("{}; see `cargo xtask help`", lines.join("; "));
    ExitCode::from(2)
}
