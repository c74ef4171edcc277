//! `cargo xtask bench`: builds what is measured, lets `benchmarks` measure it, and writes the page
//! that it makes of the numbers.

use std::path::{Path, PathBuf};

use clap::Args;
use fs_err as fs;
use serde_json::json;

use crate::python;
use crate::scratch::Scratch;
use crate::setup;
use crate::workspace::{Workspace, capture, program, run};

/// Where the page goes, from the top of the workspace.
const PAGE: &str = "docs/benchmarks.md";
/// Where everything temporary goes: images, runs, a Python environment.
const SCRATCH: &str = "runs/bench.partial";

#[derive(Args, Debug)]
pub struct Options {
    /// Measure other libraries too, in a Python environment that is made and removed
    #[arg(long)]
    peers: bool,
    /// Only see whether everything runs, and print the page
    #[arg(long)]
    quick: bool,
    /// Keep the numbers in this file
    #[arg(long, value_name = "FILE")]
    json: Option<PathBuf>,
    /// Decode the JPEG files of this folder in place of rendered ones
    #[arg(long, value_name = "DIR")]
    photos: Option<PathBuf>,
}

/// Builds the programs, measures, keeps the numbers, and writes the page.
pub fn bench(workspace: &Workspace, options: &Options) -> anyhow::Result<()> {
    let libtorch = setup::ensure(workspace, None)?;
    let mut build = vec!["build", "--package", "benchmarks", "--package", "cli"];
    build.extend(["--package", "group", "--bins", "--example", "all_reduce"]);
    // With optimization across crates.
    build.extend((!options.quick).then_some("--release"));
    let executables = libtorch.build(workspace, &build)?;
    let benchmarks = program(&executables, "benchmarks")?;
    let scratch = Scratch::create(workspace.root.join(SCRATCH))?;
    let folder = &scratch.path;
    let settings = json!({
        "folder": folder,
        "twinview": program(&executables, "twinview")?,
        "all_reduce": program(&executables, "all_reduce")?,
        "python": options.peers.then(|| peers(workspace, folder, options.quick)).transpose()?,
        "photos": options.photos.as_ref().map(fs::canonicalize).transpose()?,
        "quick": options.quick,
    });
    let numbers = folder.join("numbers.json");
    let mut measure = workspace.command(&benchmarks, &["run", &settings.to_string()]);
    measure.arg(&numbers);
    run(measure)?;
    if let Some(json) = &options.json {
        fs::copy(&numbers, json)?;
    }
    let mut page = workspace.command(benchmarks, &["page"]);
    page.arg(numbers);
    let page = capture(page)?;
    print!("{page}");
    if options.quick {
        println!("\nA quick run: {PAGE} stays as it is.");
    } else {
        fs::write(workspace.root.join(PAGE), page)?;
        println!("\nWritten to {PAGE}");
    }
    Ok(())
}

/// The Python of an environment with other libraries and this package's wheel.
fn peers(workspace: &Workspace, folder: &Path, quick: bool) -> anyhow::Result<PathBuf> {
    let python = python::make_environment(workspace, &folder.join("python"))?;
    // Without pip's cache, which would keep gigabytes of what is removed afterwards.
    let packages = ["--no-cache-dir", "--requirement", "tools/bench/requirements.txt"];
    python::install(workspace, &python, packages)?;
    let profile = if quick { python::DEV } else { python::RELEASE };
    let wheel = python::build(workspace, profile, &folder.join("wheels"))?;
    python::install_wheels(workspace, &python, &[wheel])?;
    Ok(python)
}
