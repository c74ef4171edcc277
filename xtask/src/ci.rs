//! The verbs that run checks over the whole workspace.

use std::path::{Path, PathBuf};
use std::process::Command;

use fs_err as fs;

use crate::python;
use crate::setup::{self, Libtorch};
use crate::tidy;
use crate::workspace::{Workspace, answer, run};

/// The cargo-deny that is built where none is installed.
const CARGO_DENY: &str = "0.20.2";

/// `ATEN_CPU_CAPABILITY` and `ONEDNN_MAX_CPU_ISA`: the instruction sets that libtorch's own kernels
/// and those of oneDNN may use. oneDNN falls back where the processor lacks one; libtorch believes
/// what it is told, and ends with an illegal instruction.
const INSTRUCTION_SETS: [(&str, &str); 3] =
    [("default", "SSE41"), ("avx2", "AVX2"), ("avx512", "AVX512_CORE")];

/// Sets up, then runs all tests.
pub fn test(workspace: &Workspace) -> anyhow::Result<()> {
    let libtorch = setup::ensure(workspace, None)?;
    run(libtorch.cargo(workspace, &["test", "--workspace"]))
}

/// Sets up, then runs every check, the quick ones first; the first failure ends it.
pub fn ci(workspace: &Workspace) -> anyhow::Result<()> {
    tidy::tidy(workspace)?;
    run(workspace.cargo(&["fmt", "--all", "--check"]))?;
    deny(workspace)?;
    let libtorch = setup::ensure(workspace, None)?;
    let clippy = ["clippy", "--workspace", "--all-targets", "--locked", "--", "-D", "warnings"];
    run(libtorch.cargo(workspace, &clippy))?;
    let mut doc = libtorch.cargo(workspace, &["doc", "--workspace", "--no-deps", "--locked"]);
    doc.env("RUSTDOCFLAGS", "-D warnings");
    run(doc)?;
    run(libtorch.cargo(workspace, &["test", "--workspace", "--locked"]))?;
    python::test(workspace, &python::TestOptions::default())?;
    test_instruction_sets(workspace, &libtorch)
}

/// Checks dependencies by `deny.toml`. Known vulnerabilities need a database from the network, and
/// are looked for where it can be fetched.
fn deny(workspace: &Workspace) -> anyhow::Result<()> {
    let program = cargo_deny(workspace)?;
    run(workspace.command(&program, &["check", "licenses", "bans", "sources"]))?;
    if answer(workspace.command(&program, &["fetch", "db"])).is_none() {
        println!("==> no known vulnerabilities looked for: their database can't be fetched");
        return Ok(());
    }
    run(workspace.command(&program, &["check", "advisories"]))
}

/// The installed cargo-deny, or else one of a fixed version in the cache.
fn cargo_deny(workspace: &Workspace) -> anyhow::Result<PathBuf> {
    if answer(workspace.command("cargo-deny", &["--version"])).is_some() {
        return Ok("cargo-deny".into());
    }
    let cache = setup::cache_folder(&|name| std::env::var_os(name))?;
    let folder = cache.join(format!("cargo-deny-{CARGO_DENY}"));
    let program = folder.join("bin/cargo-deny");
    if !program.is_file() {
        fs::create_dir_all(&folder)?;
        let install = ["install", "--locked", "cargo-deny", "--version", CARGO_DENY, "--root"];
        let mut install = workspace.cargo(&install);
        // Not in the clone, whose configuration of cargo is for this workspace.
        install.arg(&folder).current_dir(&folder);
        run(install)?;
    }
    Ok(program)
}

/// Whether this processor has what libtorch's kernels for `aten` need.
fn has_instructions(aten: &str) -> bool {
    match aten {
        "avx512" => {
            is_x86_feature_detected!("avx512f")
                && is_x86_feature_detected!("avx512bw")
                && is_x86_feature_detected!("avx512dq")
                && is_x86_feature_detected!("avx512vl")
        }
        "avx2" => is_x86_feature_detected!("avx2") && is_x86_feature_detected!("fma"),
        _ => true,
    }
}

/// Runs the tests of the crates on libtorch once with each of [`INSTRUCTION_SETS`] that this
/// processor has.
///
/// The executables are those of `cargo test --workspace`: for single packages cargo would build
/// their dependencies again with other features.
fn test_instruction_sets(workspace: &Workspace, libtorch: &Libtorch) -> anyhow::Result<()> {
    let build = ["test", "--workspace", "--locked", "--no-run"];
    let executables = libtorch.build(workspace, &build)?;
    let crates = tidy::crates_on_libtorch(workspace)?;
    let crates: Vec<_> =
        crates.iter().map(|name| workspace.root.join("crates").join(name)).collect();
    for (aten, onednn) in INSTRUCTION_SETS {
        if !has_instructions(aten) {
            println!("==> ATEN_CPU_CAPABILITY={aten}: not tested, this processor lacks it");
            continue;
        }
        println!("==> ATEN_CPU_CAPABILITY={aten} ONEDNN_MAX_CPU_ISA={onednn}");
        for message in executables.iter().filter(|message| message["profile"]["test"] == true) {
            let text = |key: &str| Path::new(message[key].as_str().unwrap_or_default());
            let folder = text("manifest_path").parent().unwrap_or(Path::new(""));
            if crates.iter().any(|known| known == folder) {
                let mut test = Command::new(text("executable"));
                test.arg("--quiet").current_dir(folder).env("CARGO_MANIFEST_DIR", folder);
                test.env("ATEN_CPU_CAPABILITY", aten).env("ONEDNN_MAX_CPU_ISA", onednn);
                run(test)?;
            }
        }
    }
    Ok(())
}
