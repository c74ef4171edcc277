//! Quick checks of the repository that no compiler makes.

mod arrows;
mod documents;
mod methods;
mod sources;
#[cfg(test)]
mod tests;

use std::path::Path;

use anyhow::ensure;
use fs_err as fs;

use crate::workspace::{Workspace, capture};

/// Text files by their paths from the top, with `/` between the parts. Other files have no text.
type Files = Vec<(String, String)>;

/// Runs every check over the files that are, or are about to be, under version control. Prints what
/// they find.
pub fn tidy(workspace: &Workspace) -> anyhow::Result<()> {
    let list = ["ls-files", "-z", "--cached", "--others", "--exclude-standard"];
    let listed = capture(workspace.command("git", &list))?;
    let files = read(&workspace.root, listed.split_terminator('\0'))?;
    let mut metadata = Vec::new();
    for manifest in ["Cargo.toml", "fuzz/Cargo.toml"] {
        let args = ["metadata", "--format-version", "1", "--no-deps", "--manifest-path", manifest];
        metadata.push(capture(workspace.cargo(&args))?);
    }
    let mut findings = arrows::check(&files, &metadata)?;
    findings.extend(documents::check(&files));
    findings.extend(methods::check(&files));
    findings.extend(sources::check(&files));
    findings.sort();
    for finding in &findings {
        println!("{finding}");
    }
    ensure!(findings.is_empty(), "tidy: {} to be put right", findings.len());
    Ok(())
}

/// The crates with an arrow to `tch`.
pub fn crates_on_libtorch(workspace: &Workspace) -> anyhow::Result<Vec<String>> {
    Ok(arrows::on_libtorch(&arrows::table(&read(&workspace.root, [arrows::FILE].into_iter())?)?))
}

fn read<'a>(root: &Path, paths: impl Iterator<Item = &'a str>) -> anyhow::Result<Files> {
    // Some are deleted, but not yet in git's eyes.
    let paths = paths.filter(|path| root.join(path).exists());
    let file = |path: &str| {
        let text = String::from_utf8(fs::read(root.join(path))?);
        Ok((path.to_owned(), text.unwrap_or_default()))
    };
    paths.map(file).collect()
}

/// The text of a file.
fn text<'a>(files: &'a Files, path: &str) -> Option<&'a str> {
    files.iter().find(|file| file.0 == path).map(|file| file.1.as_str())
}
