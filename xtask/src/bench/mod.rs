//! `cargo xtask bench`: measures, and writes the measurements as a page.
//!
//! The contenders are programs that print their numbers as JSON lines: `benchmarks` for what needs
//! no libtorch, the `twinview` command for training, and the scripts in `tools/bench` for other
//! libraries. They take turns, so that what changes on the machine affects all of them.
//! `benchmarks page` makes the page.

mod contenders;
mod ranks;

use std::path::PathBuf;

use clap::Args;
use fs_err as fs;
use serde_json::{Map, Value, json};

use crate::scratch::Scratch;
use crate::setup::{self, Request};
use crate::workspace::{Workspace, capture, program};
use contenders::{Contenders, Effort, install_peers};

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
    let libtorch = setup::ensure(workspace, Request::Configured)?;
    let mut build = vec!["build", "--package", "benchmarks", "--package", "cli"];
    build.extend(["--package", "group", "--bins", "--example", "all_reduce"]);
    // With optimization across crates.
    build.extend((!options.quick).then_some("--release"));
    let executables = libtorch.build(workspace, &build)?;
    let benchmarks = program(&executables, "benchmarks")?;
    let scratch = Scratch::create(workspace.root.join(SCRATCH))?;
    let folder = &scratch.path;
    let contenders = Contenders {
        workspace,
        folder,
        effort: Effort::new(options.quick),
        twinview: program(&executables, "twinview")?,
        benchmarks: benchmarks.clone(),
        all_reduce: program(&executables, "all_reduce")?,
        python: options.peers.then(|| install_peers(workspace, folder)).transpose()?,
        records: Vec::new(),
        software: Map::new(),
    };
    let numbers = folder.join("numbers.json");
    fs::write(&numbers, format!("{:#}\n", measure(contenders, options)?))?;
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

fn measure(mut contenders: Contenders<'_>, options: &Options) -> anyhow::Result<Value> {
    let photos = options.photos.as_ref().map(fs::canonicalize).transpose()?;
    let mut machine = contenders.machine()?;
    contenders.run(photos, machine["bf16"] == true)?;
    machine["load_after"] = contenders.machine()?["load"].take();
    let flag = |set: bool, flag: &'static str| if set { flag } else { "" };
    let command = [
        "cargo xtask bench",
        flag(options.peers, " --peers"),
        flag(options.quick, " --quick"),
        flag(options.photos.is_some(), " --photos DIR"),
    ];
    Ok(json!({
        "records": contenders.records,
        "software": contenders.software,
        "machine": machine,
        "quick": options.quick,
        "command": command.concat(),
        "effort": contenders.effort,
    }))
}
