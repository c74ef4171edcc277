//! `cargo xtask bench`: measures, and writes what was measured as a page.
//!
//! The contenders are programs that print their numbers as JSON lines: `benches` for what needs no
//! libtorch, the `twinview` command for training, and the scripts in `tools/bench` for other
//! libraries. They take turns, so that what changes on the machine meets all of them. The page is a
//! pure function of the numbers.

mod effort;
mod machine;
mod page;
mod parts;
mod peers;
mod records;
mod tables;
mod targets;

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::Context;
use serde_json::{Value, json};

use crate::libtorch::{self, Libtorch, Request};
use crate::runner;
use crate::scratch::Scratch;
use crate::workspace::Workspace;
use effort::{FULL, QUICK};
use parts::Own;
use peers::Peers;
use records::Records;

/// Where the page goes, from the top of the workspace.
const PAGE: &str = "docs/benchmarks.md";
/// Where everything is made that does not stay: images, runs, a Python environment.
const SCRATCH: &str = "runs/bench.partial";

/// The programs of this workspace.
pub struct Programs {
    twinview: PathBuf,
    benchmarks: PathBuf,
}

impl Programs {
    /// Builds them: with optimization across crates, or where that is too `quick` a run for it, as
    /// `cargo build` does.
    ///
    /// # Errors
    /// When the build fails or does not say where they are.
    fn build(workspace: &Workspace, libtorch: &Libtorch, quick: bool) -> anyhow::Result<Self> {
        let mut args = vec!["--package", "cli", "--package", "benchmarks"];
        args.extend((!quick).then_some("--release"));
        let names = ["twinview", "benchmarks"];
        let [twinview, benchmarks] = runner::build(workspace, libtorch, &args, names)?;
        Ok(Self { twinview, benchmarks })
    }
}

/// What the user asks for.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Bench {
    /// Keep the numbers in this file.
    pub json: Option<PathBuf>,
    /// Measure other libraries too.
    pub peers: bool,
    /// Only see whether everything runs: the page is printed, not written.
    pub quick: bool,
    /// A folder of JPEG files in place of rendered ones.
    pub photos: Option<PathBuf>,
    /// Measure nothing, and make the page of the numbers in this file.
    pub from: Option<PathBuf>,
}

impl Bench {
    /// Measures, keeps the numbers, and writes the page.
    ///
    /// # Errors
    /// When something can't be built or read, or a contender fails.
    pub fn run(&self, workspace: &Workspace) -> anyhow::Result<()> {
        let numbers = match &self.from {
            Some(file) => read(file)?,
            None => self.measure(workspace)?,
        };
        if let Some(file) = &self.json {
            let text = serde_json::to_string_pretty(&numbers)? + "\n";
            fs::write(file, text).with_context(|| format!("cannot write {}", file.display()))?;
        }
        let page = page::render(&numbers)?;
        print!("{page}");
        if numbers["quick"] == json!(true) {
            println!("\nA quick run: {PAGE} stays as it is.");
            return Ok(());
        }
        let path = workspace.root.join(PAGE);
        fs::write(&path, page).with_context(|| format!("cannot write {}", path.display()))?;
        println!("\nWritten to {PAGE}");
        Ok(())
    }

    fn measure(&self, workspace: &Workspace) -> anyhow::Result<Value> {
        let photos = match &self.photos {
            Some(folder) => Some(
                fs::canonicalize(folder)
                    .with_context(|| format!("no folder {}", folder.display()))?,
            ),
            None => None,
        };
        let libtorch = libtorch::ensure(workspace, Request::Configured)?;
        let programs = Programs::build(workspace, &libtorch, self.quick)?;
        let mut machine = machine::describe(workspace)?;
        let scratch = Scratch::create(workspace.root.join(SCRATCH))?;
        let own = Own {
            workspace,
            programs: &programs,
            effort: if self.quick { &QUICK } else { &FULL },
            folder: scratch.path(),
        };
        let peers = match self.peers {
            true => Some(Peers::install(workspace, scratch.path())?),
            false => None,
        };
        let records = measure(&own, peers.as_ref(), machine::multiplies_bf16(&machine), photos)?;
        machine["load_after"] = json!(machine::load());
        let mut numbers = records.to_json();
        numbers["machine"] = machine;
        numbers["quick"] = json!(self.quick);
        numbers["command"] = json!(self.command());
        numbers["effort"] = own.effort.to_json();
        Ok(numbers)
    }

    /// The command with which all this is measured again.
    fn command(&self) -> String {
        let mut command = "cargo xtask bench".to_owned();
        command += if self.peers { " --peers" } else { "" };
        command += if self.quick { " --quick" } else { "" };
        command + if self.photos.is_some() { " --photos DIR" } else { "" }
    }
}

fn read(file: &Path) -> anyhow::Result<Value> {
    let text =
        fs::read_to_string(file).with_context(|| format!("cannot read {}", file.display()))?;
    serde_json::from_str(&text).with_context(|| format!("{} is not JSON", file.display()))
}

/// All contenders in turns, then what has none to compare with.
fn measure(
    own: &Own<'_>,
    peers: Option<&Peers>,
    bf16: bool,
    photos: Option<PathBuf>,
) -> anyhow::Result<Records> {
    let mut records = Records::default();
    own.prepare()?;
    let photos = match photos {
        Some(folder) => folder,
        None => own.photos()?,
    };
    for round in 1..=own.effort.rounds {
        println!("\nRound {round} of {}", own.effort.rounds);
        own.kernels(&mut records)?;
        if let Some(peers) = peers {
            peers.augmentation(own, &mut records)?;
        }
        own.scaling(&mut records)?;
        own.packing(&photos, &mut records)?;
        if let Some(peers) = peers {
            peers.photos(&photos, &mut records)?;
        }
        own.training("f32", &mut records)?;
        if bf16 {
            own.training("bf16", &mut records)?;
        }
        if let Some(peers) = peers {
            peers.training(own, bf16, &mut records)?;
        }
    }
    println!("\nMemory and growth");
    own.memory(&mut records)?;
    for &images in own.effort.growth {
        own.growth(images, &mut records)?;
    }
    Ok(records)
}
