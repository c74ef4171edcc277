//! The verbs that run checks over the whole workspace.

use crate::golden;
use crate::libtorch::{self, Libtorch, Request};
use crate::supply;
use crate::tidy;
use crate::workspace::{self, Workspace};

/// Sets up, then runs all tests.
///
/// # Errors
/// When the set-up or a test fails.
pub fn test(workspace: &Workspace) -> anyhow::Result<()> {
    let libtorch = libtorch::ensure(workspace, Request::Configured)?;
    cargo(workspace, &libtorch, &["test", "--workspace"], None)
}

/// Sets up, then runs every check, the quick ones first; the first failure ends it.
///
/// # Errors
/// When the set-up or a check fails.
pub fn ci(workspace: &Workspace) -> anyhow::Result<()> {
    tidy::tidy(workspace)?;
    golden::check(workspace)?;
    supply::check(workspace)?;
    workspace::run(workspace.cargo(&["fmt", "--all", "--check"]))?;
    let libtorch = libtorch::ensure(workspace, Request::Configured)?;
    let clippy = ["clippy", "--workspace", "--all-targets", "--locked", "--", "-D", "warnings"];
    cargo(workspace, &libtorch, &clippy, None)?;
    let doc = ["doc", "--workspace", "--no-deps", "--locked"];
    cargo(workspace, &libtorch, &doc, Some(("RUSTDOCFLAGS", "-D warnings")))?;
    cargo(workspace, &libtorch, &["test", "--workspace", "--locked"], None)
}

fn cargo(
    workspace: &Workspace,
    libtorch: &Libtorch,
    args: &[&str],
    env: Option<(&str, &str)>,
) -> anyhow::Result<()> {
    let mut command = workspace.cargo(args);
    libtorch.configure(&mut command);
    command.envs(env);
    workspace::run(command)
}
