//! Builds that watch themselves: fuzz targets, and the tests of `unsafe` code under
//! AddressSanitizer.
//!
//! Both need flags that the stable compiler keeps behind `RUSTC_BOOTSTRAP`, and libraries that come
//! with it.

use std::fs;
use std::process::Command;

use anyhow::{Context, bail};

use crate::Usage;
use crate::libtorch::{self, Request};
use crate::workspace::{self, Workspace};

/// The platform that both are for.
const PLATFORM: &str = "x86_64-unknown-linux-gnu";

/// What tells libFuzzer where the code has been.
const COVERAGE: [&str; 7] = [
    "-Cpasses=sancov-module",
    "-Cllvm-args=-sanitizer-coverage-level=4",
    "-Cllvm-args=-sanitizer-coverage-inline-8bit-counters",
    "-Cllvm-args=-sanitizer-coverage-pc-table",
    "-Cllvm-args=-sanitizer-coverage-trace-compares",
    "--cfg=fuzzing",
    "-Ccodegen-units=1",
];

/// The crates whose tests reach the `unsafe` code that needs no libtorch.
const WITH_UNSAFE: [&str; 2] = ["augment", "dataset"];

/// A fuzz target.
struct Target {
    name: &'static str,
    /// The most memory that it may allocate at once, in MiB: a decoded image may have 1 GiB, all
    /// else is small.
    most_mib: u32,
    /// Whether its code is in a crate on libtorch.
    libtorch: bool,
}

const fn target(name: &'static str, most_mib: u32, libtorch: bool) -> Target {
    Target { name, most_mib, libtorch }
}

const TARGETS: [Target; 6] = [
    target("stl10", 64, false),
    target("cifar10", 64, false),
    target("images", 2200, false),
    target("untar", 64, false),
    target("config", 64, true),
    target("checkpoint", 64, true),
];

/// Seconds for a target if not told otherwise.
pub const SECONDS: u64 = 60;

/// Runs the tests of the crates with `unsafe` code under AddressSanitizer.
///
/// # Errors
/// When they can't be built or fail.
pub fn sanitize(workspace: &Workspace) -> anyhow::Result<()> {
    let mut args = vec!["test", "--locked", "--lib", "--target", PLATFORM];
    args.extend(["--target-dir", "target/sanitized"]);
    args.extend(WITH_UNSAFE.iter().flat_map(|name| ["--package", name]));
    let mut command = workspace.cargo(&args);
    command.env("RUSTC_BOOTSTRAP", "1");
    command.env("RUSTFLAGS", "-Zsanitizer=address");
    workspace::run(command)
}

/// Runs fuzz targets, each for so many seconds from the seeds in `fuzz/corpus` and what earlier
/// runs found.
///
/// # Errors
/// [`Usage`] for a target that isn't there; any other error when one can't be built or finds
/// something.
pub fn fuzz(workspace: &Workspace, only: Option<&str>, seconds: u64) -> anyhow::Result<()> {
    let chosen: Vec<&Target> =
        TARGETS.iter().filter(|target| only.is_none_or(|only| only == target.name)).collect();
    if chosen.is_empty() {
        let names = TARGETS.map(|target| target.name).join(", ");
        return Err(Usage(format!("--target: expected one of {names}")).into());
    }
    let libtorch = libtorch::ensure(workspace, Request::Configured)?;
    let mut args = vec!["build", "--release", "--locked", "--target", PLATFORM];
    args.extend(["--manifest-path", "fuzz/Cargo.toml", "--target-dir", "fuzz/target"]);
    args.extend(chosen.iter().flat_map(|target| ["--bin", target.name]));
    if chosen.iter().any(|target| target.libtorch) {
        args.extend(["--features", "libtorch"]);
    }
    let mut build = workspace.cargo(&args);
    libtorch.configure(&mut build);
    let mut flags = COVERAGE.map(str::to_owned).to_vec();
    // These flags are in place of those that the configuration has.
    if let Some(libraries) = libtorch.libraries() {
        flags.push(format!("-Clink-arg=-Wl,-rpath,{}", libraries.display()));
    }
    build.env("RUSTC_BOOTSTRAP", "1");
    build.env("CARGO_ENCODED_RUSTFLAGS", flags.join("\x1f"));
    workspace::run(build)?;
    let fuzz = workspace.root.join("fuzz");
    for &Target { name, most_mib, .. } in chosen {
        let found = fuzz.join("target/corpus").join(name);
        let artifacts = fuzz.join("artifacts").join(name);
        for folder in [&found, &artifacts] {
            fs::create_dir_all(folder)
                .with_context(|| format!("cannot make {}", folder.display()))?;
        }
        let mut command =
            Command::new(fuzz.join("target").join(PLATFORM).join("release").join(name));
        libtorch.configure(&mut command);
        command.arg(&found).arg(fuzz.join("corpus").join(name));
        command.arg(format!("-max_total_time={seconds}"));
        command.arg(format!("-malloc_limit_mb={most_mib}"));
        command.arg("-rss_limit_mb=6000").arg("-timeout=20").arg("-print_final_stats=1");
        command.arg(format!("-artifact_prefix={}/", artifacts.display()));
        command.env("OMP_NUM_THREADS", "1").env("RAYON_NUM_THREADS", "1");
        let line = format!("{name} for {seconds} s");
        println!("==> {line}");
        let status = command.status().with_context(|| format!("cannot run {name}"))?;
        if !status.success() {
            bail!("{name} has found something: see {}", artifacts.display());
        }
    }
    Ok(())
}
