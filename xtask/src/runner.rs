//! Building and running programs, so that Ctrl-C ends them and what they print is kept.

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

/// Builds programs of this workspace with `cargo build ARGS` and says where they are.
///
/// # Errors
/// When the build fails or does not say where they are.
pub fn build<const N: usize>(
    workspace: &Workspace,
    libtorch: &Libtorch,
    args: &[&str],
    names: [&str; N],
) -> anyhow::Result<[PathBuf; N]> {
    let format = ["--message-format", "json-render-diagnostics"];
    let mut command = workspace.cargo(&[&["build"], args, &format].concat());
    libtorch.configure(&mut command);
    let messages = run(command)?;
    let found: Vec<PathBuf> = names
        .iter()
        .map(|name| {
            let path = executable(&messages, name);
            path.with_context(|| format!("cargo does not say where {name} is"))
        })
        .collect::<anyhow::Result<_>>()?;
    Ok(found.try_into().expect("one for each name"))
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
    watched(command, |_| ())
}

/// As [`run`], and calls `look` with the number of the process again and again meanwhile.
///
/// # Errors
/// As [`run`].
pub fn watched(mut command: Command, look: impl FnMut(u32)) -> anyhow::Result<String> {
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
    let printed = reader.join().map_err(|_| anyhow::anyhow!("`{line}`: its output was lost"))?;
    if !status.success() {
        bail!("`{line}` failed ({status})");
    }
    printed.with_context(|| format!("`{line}` printed what is not text"))
}

fn wait(child: &mut Child, mut look: impl FnMut(u32)) -> anyhow::Result<ExitStatus> {
    loop {
        look(child.id());
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
        let printed = watched(shell("echo out; sleep 0.05"), |_| looks += 1).unwrap();
        assert_eq!(printed, "out\n");
        assert!(looks > 1);
        let error = run(shell("exit 3")).unwrap_err().to_string();
        assert!(error.contains("exit 3"), "{error}");
    }

    #[test]
    fn executables_are_found_in_cargos_messages() {
        let messages = "{\"reason\":\"compiler-artifact\",\"target\":{\"name\":\"cli\"},\"executable\":null}\n\
                        {\"target\":{\"name\":\"twinview\"},\"executable\":\"bin/twinview\"}\n";
        assert_eq!(executable(messages, "twinview"), Some("bin/twinview".into()));
        assert_eq!(executable(messages, "cli"), None);
    }
}
