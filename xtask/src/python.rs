//! `cargo xtask wheel` and `cargo xtask python-test`: the Python package, built by a pinned maturin
//! and tested in an environment that is made for it.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, ensure};
use clap::Args;
use fs_err as fs;

use crate::Usage;
use crate::scratch;
use crate::setup::{self, Request};
use crate::workspace::{Workspace, answer, capture, program, run};

/// What the environments are made of, from the top of the workspace.
const REQUIREMENTS: &str = "tools/python";
/// Bytes that the wheel for others may have.
const LARGEST_WHEEL: u64 = 5_000_000;
/// The oldest Python that the package runs on.
const OLDEST: [u32; 2] = [3, 11];

#[derive(Args, Debug)]
pub struct WheelOptions {
    /// Build the command as a wheel too, for an installed torch
    #[arg(long)]
    cli: bool,
}

#[derive(Args, Debug, Default)]
pub struct TestOptions {
    /// Test with PyTorch too, which is installed for it (gigabytes)
    #[arg(long)]
    with_torch: bool,
}

/// How a wheel is compiled.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Profile {
    /// As everything else, whose compiled crates it shares.
    Dev,
    /// For others: optimized across crates, without symbols and paths of this machine.
    Release,
}

/// Builds wheels for others, and prints where they are.
pub fn wheel(workspace: &Workspace, options: &WheelOptions) -> anyhow::Result<()> {
    let folder = workspace.target().join("wheels");
    let wheel = build(workspace, Profile::Release, &folder)?;
    let bytes = fs::metadata(&wheel)?.len();
    let wheel = wheel.display();
    ensure!(bytes < LARGEST_WHEEL, "{wheel}: expected below {LARGEST_WHEEL} bytes, found {bytes}");
    if options.cli {
        cli_wheel(workspace, Profile::Release, &folder)?;
    }
    for entry in fs::read_dir(&folder)? {
        let wheel = entry?;
        let bytes = wheel.metadata()?.len();
        println!("==> {} ({:.1} MB)", wheel.path().display(), bytes as f64 / 1e6);
    }
    Ok(())
}

/// Compiles the program and packs it with the Python package that starts it.
fn cli_wheel(workspace: &Workspace, profile: Profile, folder: &Path) -> anyhow::Result<PathBuf> {
    let python = build_environment(workspace)?;
    let libtorch = setup::ensure(workspace, Request::Configured)?;
    // As a plain `cargo build` does, whose compiled crates are shared.
    let mut build = vec!["build", "--workspace", "--bin", "twinview", "--locked"];
    build.extend((profile == Profile::Release).then_some("--release"));
    let twinview = program(&libtorch.build(workspace, &build)?, "twinview")?;
    let mut pack = workspace.command(python, &["-B", "tools/python/cli_wheel.py"]);
    pack.arg(twinview).arg("crates/cli/python/twinview_cli");
    pack.arg(env!("CARGO_PKG_VERSION")).arg(folder);
    Ok(capture(pack)?.trim().into())
}

/// Builds a wheel, installs it into a fresh environment, and runs its tests there; with PyTorch
/// those of the command's wheel too.
pub fn test(workspace: &Workspace, options: &TestOptions) -> anyhow::Result<()> {
    let folder = workspace.target().join("python");
    let wheels = folder.join("wheels");
    let mut built = vec![build(workspace, Profile::Dev, &wheels)?];
    if options.with_torch {
        built.push(cli_wheel(workspace, Profile::Dev, &wheels)?);
    }
    let environment = folder.join("test");
    scratch::remove(&environment)?;
    let requirements =
        if options.with_torch { &["test.txt", "torch.txt"][..] } else { &["test.txt"] };
    let python = make_environment(workspace, &environment, requirements)?;
    install(workspace, &python, &built)?;
    let mut pytest = workspace.command(&python, &["-B", "-m", "pytest"]);
    // Reasons of what is skipped are shown.
    pytest.args(["-q", "-rs", "-p", "no:cacheprovider", "crates/python/tests"]);
    run(pytest)
}

/// Installs wheels and nothing else into the environment of `python`.
pub fn install(workspace: &Workspace, python: &Path, wheels: &[PathBuf]) -> anyhow::Result<()> {
    let mut install = pip(workspace, python);
    install.args(["--no-deps", "--no-index"]).args(wheels);
    run(install)
}

/// Builds the wheel into an empty folder.
pub fn build(workspace: &Workspace, profile: Profile, folder: &Path) -> anyhow::Result<PathBuf> {
    let python = build_environment(workspace)?;
    scratch::remove(folder)?;
    let maturin = python.with_file_name("maturin");
    let mut command = workspace.command(maturin, &["build", "--locked", "--manifest-path"]);
    command.arg("crates/python/Cargo.toml").arg("--out").arg(folder);
    match profile {
        Profile::Dev => command.args(["--profile", "dev"]),
        // Flags in place of those that write the run path of libtorch.
        Profile::Release => command
            .args(["--release", "--strip", "--config"])
            .arg("target.'cfg(all())'.rustflags=['--cfg=wheel']"),
    };
    run(command)?;
    let built = fs::read_dir(folder)?.filter_map(|entry| Some(entry.ok()?.path()));
    let mut wheels = built.filter(|path| path.extension().is_some_and(|name| name == "whl"));
    wheels.next().context("maturin has made no wheel")
}

/// The Python of the environment with maturin, which is made once for each list of packages.
fn build_environment(workspace: &Workspace) -> anyhow::Result<PathBuf> {
    let environment = workspace.target().join("python/build");
    let wanted = fs::read_to_string(workspace.root.join(REQUIREMENTS).join("build.txt"))?;
    let marker = environment.join("requirements.txt");
    if !fs::read_to_string(&marker).is_ok_and(|installed| installed == wanted) {
        scratch::remove(&environment)?;
        make_environment(workspace, &environment, &["build.txt"])?;
        fs::write(marker, wanted)?;
    }
    Ok(environment.join("bin/python"))
}

/// Makes an environment of pinned packages, from the index that the user's pip is configured for.
fn make_environment(
    workspace: &Workspace,
    environment: &Path,
    requirements: &[&str],
) -> anyhow::Result<PathBuf> {
    require_python(workspace)?;
    let mut make = workspace.command("python3", &["-m", "venv"]);
    make.arg(environment);
    run(make)?;
    let python = environment.join("bin/python");
    for file in requirements {
        let mut install = pip(workspace, &python);
        install.arg("--requirement").arg(Path::new(REQUIREMENTS).join(file));
        run(install)?;
    }
    Ok(python)
}

fn pip(workspace: &Workspace, python: &Path) -> Command {
    let install = ["-m", "pip", "install", "--quiet", "--disable-pip-version-check"];
    workspace.command(python, &install)
}

fn require_python(workspace: &Workspace) -> anyhow::Result<()> {
    let version = "import sys; print(*sys.version_info[:2])";
    let found = answer(workspace.command("python3", &["-c", version]));
    let found =
        found.context(Usage("python3: expected Python 3.11 or later, found none".into()))?;
    let numbers: Vec<u32> = found.split_whitespace().filter_map(|n| n.parse().ok()).collect();
    if numbers.as_slice() < OLDEST.as_slice() {
        let found = found.trim().replace(' ', ".");
        let message = format!("python3: expected Python 3.11 or later, found {found}");
        return Err(Usage(message).into());
    }
    Ok(())
}
