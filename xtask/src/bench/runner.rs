//! Running contenders, so that Ctrl-C ends them and what they print is kept.

use std::io::Read;
use std::path::PathBuf;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::thread;
use std::time::Duration;

use anyhow::{Context, bail};
use serde_json::Value;

use crate::libtorch::Libtorch;
use crate::scratch::interrupted;
use crate::workspace::{Workspace, describe};

/// How often a running program is looked at.
const LOOK: Duration = Duration::from_millis(5);

/// The programs of this workspace.
pub struct Programs {
    pub twinview: PathBuf,
    pub benchmarks: PathBuf,
}

impl Programs {
    /// Builds them: with optimisation across crates, or where that is too `quick` a run for it, as `cargo build` does.
    ///
    /// # Errors
    /// When the build fails or does not say where they are.
    pub fn build(workspace: &Workspace, libtorch: &Libtorch, quick: bool) -> anyhow::Result<Self> {
        let mut args = vec!["build", "--package", "cli", "--package", "benchmarks"];
        args.extend(["--message-format", "json-render-diagnostics"]);
        args.extend((!quick).then_some("--release"));
        let mut command = workspace.cargo(&args);
        libtorch.configure(&mut command);
        let messages = run(command)?;
        let find = |name| {
            let path = executable(&messages, name);
            path.with_context(|| format!("cargo does not say where {name} is"))
        };
        Ok(Self {
            twinview: find("twinview")?,
            benchmarks: find("benchmarks")?,
        })
    }
}

/// Where cargo's messages say that a program is.
fn executable(messages: &str, name: &str) -> Option<PathBuf> {
    messages.lines().find_map(|line| {
        let message: Value = serde_json::from_str(line).ok()?;
        let named = message.pointer("/target/name")? == name;
        let path = message.get("executable")?.as_str()?;
        named.then(|| path.into())
    })
}

/// Says what is run, runs it to its end, and hands back what it printed on stdout.
///
/// # Errors
/// When it can't be started, fails, or the user presses Ctrl-C.
pub fn run(command: Command) -> anyhow::Result<String> {
    watched(command, || ())
}

/// As [`run`], and calls `look` again and again meanwhile.
///
/// # Errors
/// As [`run`].
pub fn watched(mut command: Command, look: impl FnMut()) -> anyhow::Result<String> {
    let line = describe(&command);
    println!("==> {line}");
    let started = command.stdin(Stdio::null()).stdout(Stdio::piped()).spawn();
    let mut child = started.with_context(|| format!("cannot run `{line}`"))?;
    let mut stdout = child.stdout.take().context("no pipe to the program")?;
    let reader = thread::spawn(move || {
        let mut printed = String::new();
        stdout.read_to_string(&mut printed).map(|_| printed)
    });
    let status = wait(&mut child, look).with_context(|| format!("`{line}`"))?;
    let printed = reader
        .join()
        .map_err(|_| anyhow::anyhow!("`{line}`: its output was lost"))?;
    if !status.success() {
        bail!("`{line}` failed ({status})");
    }
    printed.with_context(|| format!("`{line}` printed what is not text"))
}

fn wait(child: &mut Child, mut look: impl FnMut()) -> anyhow::Result<ExitStatus> {
    loop {
        look();
        if let Some(status) = child.try_wait()? {
            return Ok(status);
        }
        if interrupted() {
            // It is gone already where the terminal told it too.
            let _ = child.kill();
            child.wait()?;
            bail!("interrupted");
        }
        thread::sleep(LOOK);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn output_is_kept_and_failure_is_told() {
        let shell = |script: &str| {
            let mut command = Command::new("sh");
            command.args(["-c", script]);
            command
        };
        let mut looks = 0;
        let printed = watched(shell("echo out; sleep 0.05"), || looks += 1).unwrap();
        assert_eq!(printed, "out\n");
        assert!(looks > 1);
        let error = run(shell("exit 3")).unwrap_err().to_string();
        assert!(error.contains("exit 3"), "{error}");
    }

    #[test]
    fn executables_are_found_in_cargos_messages() {
        let messages = "{\"reason\":\"compiler-artifact\",\"target\":{\"name\":\"cli\"},\"executable\":null}\n\
                        {\"target\":{\"name\":\"twinview\"},\"executable\":\"bin/twinview\"}\n";
        assert_eq!(
            executable(messages, "twinview"),
            Some("bin/twinview".into())
        );
        assert_eq!(executable(messages, "cli"), None);
    }
}
