//! The repository this tool belongs to, and running commands in it.

use std::io;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, bail};

/// The folder with the top-level `Cargo.toml`.
pub struct Workspace {
    /// Absolute path.
    pub root: PathBuf,
}

impl Workspace {
    /// The workspace that `cargo xtask` was called in.
    pub fn find() -> Self {
        // Set by `cargo run`; the compiled-in path serves when the binary is called directly.
        let manifest = std::env::var_os("CARGO_MANIFEST_DIR")
            .map_or_else(|| PathBuf::from(env!("CARGO_MANIFEST_DIR")), PathBuf::from);
        let root = manifest.parent().map(Path::to_owned).unwrap_or(manifest);
        Self { root }
    }

    /// A cargo command that runs at the root.
    pub fn cargo(&self, args: &[&str]) -> Command {
        let mut command = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
        command.args(args).current_dir(&self.root);
        command
    }
}

/// Says what is run, runs it, and waits.
///
/// # Errors
/// When it can't be started or does not end with success.
pub fn run(mut command: Command) -> anyhow::Result<()> {
    let line = describe(&command);
    println!("==> {line}");
    let status = command.status().with_context(|| format!("cannot run `{line}`"))?;
    if !status.success() {
        bail!("`{line}` failed ({status})");
    }
    Ok(())
}

/// Runs a command to its end and hands back what it printed; none where there is no such program.
///
/// # Errors
/// When it is there but can't be started.
pub fn output(mut command: Command) -> anyhow::Result<Option<std::process::Output>> {
    match command.output() {
        Ok(output) => Ok(Some(output)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error).with_context(|| format!("cannot run `{}`", describe(&command))),
    }
}

/// The command as a person would type it.
pub fn describe(command: &Command) -> String {
    let program = Path::new(command.get_program());
    let program = program.file_name().unwrap_or(program.as_os_str()).to_string_lossy();
    let args = command.get_args().map(|arg| arg.to_string_lossy());
    std::iter::once(program).chain(args).collect::<Vec<_>>().join(" ")
}
