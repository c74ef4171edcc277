//! `cargo xtask wheel` and `cargo xtask python-test`: the Python package, built by a pinned maturin
//! and tested in an environment that is made for it.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};

use anyhow::{Context, ensure};
use clap::Args;
use fs_err as fs;

use crate::Usage;
use crate::scratch;
use crate::setup;
use crate::workspace::{Workspace, answer, capture, program, run};

/// The packages that wheels are built with, from the top of the workspace.
const BUILD: &str = "tools/python/build.txt";
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

/// As everything else is compiled, whose compiled crates it shares.
pub const DEV: &[&str] = &["--profile", "dev"];
/// For others: optimized across crates, without symbols and paths of this machine. The flags are in
/// place of those that write the run path of libtorch.
pub const RELEASE: &[&str] =
    &["--release", "--strip", "--config", "target.'cfg(all())'.rustflags=['--cfg=wheel']"];

/// Builds wheels for others, and prints where they are.
pub fn wheel(workspace: &Workspace, options: &WheelOptions) -> anyhow::Result<()> {
    let folder = workspace.target().join("wheels");
    let wheel = build(workspace, RELEASE, &folder)?;
    let bytes = fs::metadata(&wheel)?.len();
    let wheel = wheel.display();
    ensure!(bytes < LARGEST_WHEEL, "{wheel}: expected below {LARGEST_WHEEL} bytes, found {bytes}");
    if options.cli {
        cli_wheel(workspace, RELEASE, &folder)?;
    }
    for entry in fs::read_dir(&folder)? {
        let wheel = entry?;
        let bytes = wheel.metadata()?.len();
        println!("==> {} ({:.1} MB)", wheel.path().display(), bytes as f64 / 1e6);
    }
    Ok(())
}

/// Compiles the program and packs it with the Python package that starts it.
fn cli_wheel(workspace: &Workspace, profile: &[&str], folder: &Path) -> anyhow::Result<PathBuf> {
    let python = build_environment(workspace)?;
    let libtorch = setup::ensure(workspace, None)?;
    // As a plain `cargo build` does, whose compiled crates are shared.
    let mut build = vec!["build", "--workspace", "--bin", "twinview", "--locked"];
    build.extend((profile == RELEASE).then_some("--release"));
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
    let mut built = vec![build(workspace, DEV, &wheels)?];
    if options.with_torch {
        built.push(cli_wheel(workspace, DEV, &wheels)?);
    }
    let environment = folder.join("test");
    scratch::remove(&environment)?;
    let python = make_environment(workspace, &environment)?;
    install(workspace, &python, ["--requirement", "tools/python/test.txt"])?;
    if options.with_torch {
        install(workspace, &python, ["--requirement", "tools/python/torch.txt"])?;
    }
    install_wheels(workspace, &python, &built)?;
    let mut pytest = workspace.command(&python, &["-B", "-m", "pytest"]);
    // Reasons of what is skipped are shown.
    pytest.args(["-q", "-rs", "-p", "no:cacheprovider", "crates/python/tests"]);
    run(pytest)
}

/// Installs wheels and nothing else into the environment of `python`.
pub fn install_wheels(
    workspace: &Workspace,
    python: &Path,
    wheels: &[PathBuf],
) -> anyhow::Result<()> {
    let alone = ["--no-deps", "--no-index"].map(OsStr::new);
    let wheels = wheels.iter().map(|wheel| wheel.as_os_str());
    install(workspace, python, alone.into_iter().chain(wheels))
}

/// Builds the wheel by these flags, into an empty folder.
pub fn build(workspace: &Workspace, flags: &[&str], folder: &Path) -> anyhow::Result<PathBuf> {
    let python = build_environment(workspace)?;
    scratch::remove(folder)?;
    let maturin = python.with_file_name("maturin");
    let mut command = workspace.command(maturin, &["build", "--locked", "--manifest-path"]);
    command.arg("crates/python/Cargo.toml").arg("--out").arg(folder).args(flags);
    run(command)?;
    let built = fs::read_dir(folder)?.filter_map(|entry| Some(entry.ok()?.path()));
    let mut wheels = built.filter(|path| path.extension().is_some_and(|name| name == "whl"));
    wheels.next().context("maturin has made no wheel")
}

/// The Python of the environment with maturin, which is made once for each list of packages.
fn build_environment(workspace: &Workspace) -> anyhow::Result<PathBuf> {
    let environment = workspace.target().join("python/build");
    let wanted = fs::read_to_string(workspace.root.join(BUILD))?;
    let marker = environment.join("requirements.txt");
    if !fs::read_to_string(&marker).is_ok_and(|installed| installed == wanted) {
        scratch::remove(&environment)?;
        let python = make_environment(workspace, &environment)?;
        install(workspace, &python, ["--requirement", BUILD])?;
        fs::write(marker, wanted)?;
    }
    Ok(environment.join("bin/python"))
}

/// Makes an empty environment, and returns its Python.
pub fn make_environment(workspace: &Workspace, environment: &Path) -> anyhow::Result<PathBuf> {
    let version = "import sys; print(*sys.version_info[:2], sep='.')";
    let found = answer(workspace.command("python3", &["-c", version]));
    let numbers = found.iter().flat_map(|found| found.split('.'));
    let numbers: Vec<u32> = numbers.filter_map(|number| number.parse().ok()).collect();
    if numbers.as_slice() < OLDEST.as_slice() {
        let found = found.unwrap_or_else(|| "none".to_owned());
        let message = format!("python3: expected Python 3.11 or later, found {found}");
        return Err(Usage(message).into());
    }
    let mut make = workspace.command("python3", &["-m", "venv"]);
    make.arg(environment);
    run(make)?;
    Ok(environment.join("bin/python"))
}

/// Installs packages, from the index that the user's pip is configured for.
pub fn install<S: AsRef<OsStr>>(
    workspace: &Workspace,
    python: &Path,
    packages: impl IntoIterator<Item = S>,
) -> anyhow::Result<()> {
    let install = ["-m", "pip", "install", "--quiet", "--disable-pip-version-check"];
    let mut pip = workspace.command(python, &install);
    pip.args(packages);
    run(pip)
}
