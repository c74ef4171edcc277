//! Quick checks, over the text of the repository, of what no compiler checks.
//!
//! Each check is a function from a [`Tree`] to findings, so the tests feed it a tree of a few
//! lines.

mod documents;
mod manifests;
mod registry;
mod sources;
mod tree;

use std::fmt;

use anyhow::bail;

use crate::workspace::Workspace;
use tree::Tree;

/// One thing to put right.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Finding {
    path: String,
    /// Counted from 1.
    line: usize,
    what: String,
}

impl Finding {
    fn new(path: &str, line: usize, what: impl Into<String>) -> Self {
        Self { path: path.to_owned(), line, what: what.into() }
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}: {}", self.path, self.line, self.what)
    }
}

type Check = fn(&Tree, &mut Vec<Finding>);

const CHECKS: &[Check] = &[
    manifests::arrows,
    sources::no_printing_libraries,
    sources::thin_command_line,
    sources::unsafe_code,
    sources::length,
    documents::unfinished,
    documents::trailing_space,
    documents::machine_paths,
    documents::links,
    registry::complete,
];

/// Runs every check over the files that are, or are about to be, under version control.
///
/// # Errors
/// When the files can't be listed or read, or a check finds something; the findings are printed.
pub fn tidy(workspace: &Workspace) -> anyhow::Result<()> {
    let tree = Tree::read(&workspace.root)?;
    let findings = findings(&tree, CHECKS);
    for finding in &findings {
        println!("{finding}");
    }
    match findings.len() {
        0 => Ok(()),
        1 => bail!("tidy: 1 finding"),
        count => bail!("tidy: {count} findings"),
    }
}

fn findings(tree: &Tree, checks: &[Check]) -> Vec<Finding> {
    let mut findings = Vec::new();
    for check in checks {
        check(tree, &mut findings);
    }
    findings.sort();
    findings
}

/// What a check says of a tree, a line for each finding.
#[cfg(test)]
fn say(check: Check, files: &[(&str, &str)]) -> Vec<String> {
    findings(&Tree::of(files), &[check]).iter().map(Finding::to_string).collect()
}
