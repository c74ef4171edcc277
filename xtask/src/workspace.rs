//! The repository that this tool belongs to, and the programs that it runs there.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context, bail, ensure};
use serde_json::Value;

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

    /// Where compiled files go.
    pub fn target(&self) -> PathBuf {
        let target = std::env::var_os("CARGO_TARGET_DIR").unwrap_or_else(|| "target".into());
        self.root.join(target)
    }

    /// A program that runs at the root.
    pub fn command(&self, program: impl AsRef<Path>, args: &[&str]) -> Command {
        let mut command = Command::new(program.as_ref());
        command.args(args).current_dir(&self.root);
        command
    }

    /// A cargo command that runs at the root.
    pub fn cargo(&self, args: &[&str]) -> Command {
        let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
        self.command(PathBuf::from(cargo), args)
    }
}

/// The messages about executables among those of a cargo command.
pub fn executables(messages: &str) -> Vec<Value> {
    let messages = messages.lines().filter_map(|line| serde_json::from_str(line).ok());
    messages.filter(|message: &Value| message["executable"].is_string()).collect()
}

/// The path of the program of this name.
pub fn program(executables: &[Value], name: &str) -> anyhow::Result<PathBuf> {
    let found = executables.iter().find(|message| message["target"]["name"] == name);
    let path = found.and_then(|message| message["executable"].as_str());
    Ok(path.with_context(|| format!("cargo did not build {name}"))?.into())
}

/// Prints the command, runs it, and waits. An error if it fails.
pub fn run(mut command: Command) -> anyhow::Result<()> {
    let line = announce(&command);
    match command.status().with_context(|| format!("cannot run `{line}`"))? {
        status if status.success() => Ok(()),
        status => bail!("`{line}` failed ({status})"),
    }
}

/// As [`run`], and returns what the command printed on stdout.
pub fn capture(mut command: Command) -> anyhow::Result<String> {
    let line = announce(&command);
    let output = command.stderr(Stdio::inherit()).output();
    let output = output.with_context(|| format!("cannot run `{line}`"))?;
    ensure!(output.status.success(), "`{line}` failed ({})", output.status);
    String::from_utf8(output.stdout).with_context(|| format!("`{line}` printed invalid UTF-8"))
}

/// What a command prints on stdout; none where it is missing or fails. Nothing is shown.
pub fn answer(mut command: Command) -> Option<String> {
    let output = command.output().ok().filter(|output| output.status.success())?;
    Some(String::from_utf8_lossy(&output.stdout).trim().to_owned())
}

/// Prints the command as a person would type it, and returns that.
pub fn announce(command: &Command) -> String {
    let program = Path::new(command.get_program());
    let program = program.file_name().unwrap_or(program.as_os_str()).to_string_lossy();
    let args = command.get_args().map(|arg| arg.to_string_lossy());
    let line = std::iter::once(program).chain(args).collect::<Vec<_>>().join(" ");
    println!("==> {line}");
    line
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn output_is_captured_and_failure_is_an_error() {
        let shell = |script: &str| {
            let mut command = Command::new("sh");
            command.args(["-c", script]);
            command
        };
        assert_eq!(capture(shell("echo out")).unwrap(), "out\n");
        assert!(capture(shell("exit 3")).unwrap_err().to_string().contains("exit 3"));
        assert!(run(shell("exit 3")).unwrap_err().to_string().contains("exit 3"));
        assert_eq!(answer(shell("echo out")).unwrap(), "out");
        assert_eq!(answer(shell("echo out; exit 1")), None);
        assert_eq!(answer(Command::new("no-such-program")), None);
    }

    #[test]
    fn programs_are_found_in_cargos_messages() {
        let messages = "{\"target\":{\"name\":\"cli\"},\"executable\":null}\nwarning\n\
                        {\"target\":{\"name\":\"twinview\"},\"executable\":\"/twinview\"}\n";
        let executables = executables(messages);
        assert_eq!(program(&executables, "twinview").unwrap(), Path::new("/twinview"));
        assert!(program(&executables, "cli").is_err());
    }
}
