//! The dependencies between crates are exactly those of a table in `ARCHITECTURE.md`.
//!
//! It is a fenced block of lines `crate -> crate, crate`, one for each package. `tch` counts as a
//! crate. Two more lists are `without libtorch: crate, crate`, all from which no arrows lead to
//! `tch`, and `for tests: crate, crate`, which others have as `dev-dependencies`; these are no
//! arrows. A long list goes on in another line of the same name.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::Context;
use serde::Deserialize;

use super::{Files, text};

/// Where the table is.
pub const FILE: &str = "ARCHITECTURE.md";
const FREE: &str = "without libtorch";
const FOR_TESTS: &str = "for tests";

type Names = BTreeSet<String>;
/// The two lists and the arrows of each crate, by name.
type Table = BTreeMap<String, Names>;

/// What `cargo metadata --no-deps` prints.
#[derive(Deserialize)]
struct Metadata {
    packages: Vec<Package>,
}

#[derive(Deserialize)]
struct Package {
    name: String,
    dependencies: Vec<Dependency>,
}

#[derive(Deserialize)]
struct Dependency {
    name: String,
    kind: Option<String>,
}

pub fn table(files: &Files) -> anyhow::Result<Table> {
    let block = text(files, FILE).and_then(|text| text.split("```arrows\n").nth(1));
    let block = block.with_context(|| format!("{FILE}: expected a block ```arrows"))?;
    let lines = block.lines().take_while(|line| !line.starts_with("```"));
    let mut table = Table::from([FREE, FOR_TESTS].map(|title| (title.to_owned(), Names::new())));
    for line in lines.filter(|line| !line.is_empty()) {
        let parts = line.split_once("->").or_else(|| line.split_once(':'));
        let (name, list) = parts.with_context(|| format!("{FILE}: no arrow in `{line}`"))?;
        let names = list.split(',').map(str::trim).filter(|name| !name.is_empty());
        table.entry(name.trim().to_owned()).or_default().extend(names.map(str::to_owned));
    }
    Ok(table)
}

/// The crates with an arrow to `tch`.
pub fn on_libtorch(table: &Table) -> Vec<String> {
    let on = table.iter().filter(|(_, arrows)| arrows.contains("tch"));
    on.map(|(name, _)| name.clone()).collect()
}

/// Compares the table with what `cargo metadata --no-deps` prints of each workspace.
pub fn check(files: &Files, metadata: &[String]) -> anyhow::Result<Vec<String>> {
    let mut table = table(files)?;
    let mut list = |title| table.remove(title).unwrap_or_default();
    let (free, for_tests) = (list(FREE), list(FOR_TESTS));
    let mut packages = Vec::new();
    for json in metadata {
        packages.extend(serde_json::from_str::<Metadata>(json).context("cargo metadata")?.packages);
    }
    let mut crates: Names = packages.iter().map(|package| package.name.clone()).collect();
    let mut findings = differences("the crates", &crates, &table.keys().cloned().collect());
    crates.insert("tch".to_owned());
    for Package { name, dependencies } in &packages {
        let arrows = dependencies.iter().filter(|to| {
            let for_tests = to.kind.as_deref() == Some("dev") && for_tests.contains(&to.name);
            crates.contains(&to.name) && !for_tests
        });
        let arrows: Names = arrows.map(|to| to.name.clone()).collect();
        if let Some(expected) = table.get(name) {
            findings.extend(differences(&format!("`{name} ->`"), &arrows, expected));
        }
        if free.contains(name) != arrows.is_subset(&free) {
            findings.push(format!("{FILE}: `{FREE}:` is wrong about `{name}`"));
        }
    }
    Ok(findings)
}

fn differences(what: &str, found: &Names, expected: &Names) -> Vec<String> {
    let missing = found.difference(expected).map(|name| format!("{FILE}: {what}: no `{name}`"));
    let extra = expected.difference(found);
    missing.chain(extra.map(|name| format!("{FILE}: {what}: `{name}` is too much"))).collect()
}
