//! The golden tests: results compared with vectors that were computed elsewhere, independently.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, bail};

use crate::digest::sha256_of;
use crate::libtorch::{self, Request};
use crate::workspace::{self, Workspace};

/// The vectors, from the top of the workspace.
const REFERENCE: &str = "tests/reference";

/// The list of their checksums, in the format of `sha256sum`.
const SUMS: &str = "SHA256SUMS";

/// Runs every golden test: those with the word in their name, and those in files of that name.
/// `TWINVIEW_REFERENCE` in the environment points them at another folder of vectors.
///
/// # Errors
/// When the set-up or a test fails, or no file holds golden tests.
pub fn run(workspace: &Workspace) -> anyhow::Result<()> {
    let libtorch = libtorch::ensure(workspace, Request::Configured)?;
    let mut by_name =
        workspace.cargo(&["test", "--workspace", "--lib", "--bins", "--tests", "golden"]);
    libtorch.configure(&mut by_name);
    workspace::run(by_name)?;
    let mut by_file = workspace.cargo(&["test", "--workspace", "--test", "*golden*"]);
    libtorch.configure(&mut by_file);
    workspace::run(by_file)
}

/// Checks the committed vectors against the committed list of their checksums.
///
/// # Errors
/// When one is missing, changed, or not in the list.
pub fn check(workspace: &Workspace) -> anyhow::Result<()> {
    let folder = workspace.root.join(REFERENCE);
    let problems = problems(&folder)?;
    if problems.is_empty() {
        println!("{REFERENCE} is as listed");
        return Ok(());
    }
    bail!("{}: {}; `cargo xtask golden --renew` accepts it", folder.display(), problems.join("; "))
}

/// Writes the list anew.
///
/// # Errors
/// When a vector can't be read or the list can't be written.
pub fn renew(workspace: &Workspace) -> anyhow::Result<()> {
    let folder = workspace.root.join(REFERENCE);
    let mut list = String::new();
    for name in names(&folder)? {
        list += &format!("{}  {name}\n", sum(&folder, &name)?);
    }
    let path = folder.join(SUMS);
    fs::write(&path, list).with_context(|| format!("cannot write {}", path.display()))
}

fn problems(folder: &Path) -> anyhow::Result<Vec<String>> {
    let path = folder.join(SUMS);
    let list =
        fs::read_to_string(&path).with_context(|| format!("cannot read {}", path.display()))?;
    let mut listed: Vec<(&str, &str)> = Vec::new();
    for line in list.lines() {
        let Some((sum, name)) = line.split_once("  ") else {
            bail!("{}: expected a checksum and a name, found {line:?}", path.display());
        };
        listed.push((name, sum));
    }
    let mut problems = Vec::new();
    for name in names(folder)? {
        match listed.iter().position(|(listed, _)| *listed == name) {
            None => problems.push(format!("{name} is not listed")),
            Some(at) => {
                let (_, expected) = listed.swap_remove(at);
                let found = sum(folder, &name)?;
                if found != expected {
                    problems.push(format!("{name}: expected sha256 {expected}, found {found}"));
                }
            }
        }
    }
    problems.extend(listed.iter().map(|(name, _)| format!("{name} is missing")));
    Ok(problems)
}

fn sum(folder: &Path, name: &str) -> anyhow::Result<String> {
    let path: PathBuf = folder.join(name);
    sha256_of(&path).with_context(|| format!("cannot read {}", path.display()))
}

/// The names of the vectors, sorted.
fn names(folder: &Path) -> anyhow::Result<Vec<String>> {
    let entries = fs::read_dir(folder).and_then(|entries| entries.collect::<Result<Vec<_>, _>>());
    let entries = entries.with_context(|| format!("cannot read {}", folder.display()))?;
    let mut names: Vec<String> = entries
        .iter()
        .map(|entry| entry.file_name().to_string_lossy().into_owned())
        .filter(|name| name != SUMS)
        .collect();
    names.sort();
    Ok(names)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_change_of_the_vectors_is_noticed() {
        let root = tempfile::tempdir().unwrap();
        let workspace = Workspace { root: root.path().to_owned() };
        let folder = root.path().join(REFERENCE);
        fs::create_dir_all(&folder).unwrap();
        for name in ["a.json", "b.json", "c.json"] {
            fs::write(folder.join(name), name).unwrap();
        }
        assert!(check(&workspace).unwrap_err().to_string().contains(SUMS));
        renew(&workspace).unwrap();
        check(&workspace).unwrap();

        fs::write(folder.join("a.json"), "changed").unwrap();
        fs::rename(folder.join("b.json"), folder.join("d.json")).unwrap();
        let found = sha256_of(&folder.join("a.json")).unwrap();
        let problems = problems(&folder).unwrap();
        assert!(problems[0].starts_with("a.json: expected sha256 "), "{problems:?}");
        assert!(problems[0].ends_with(&found), "{problems:?}");
        assert_eq!(problems[1..], ["d.json is not listed", "b.json is missing"]);
        assert!(check(&workspace).unwrap_err().to_string().contains("d.json is not listed"));
    }
}
