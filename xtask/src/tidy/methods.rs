//! A method has a configuration, a test fixture and a row in a table of the documents, or none of
//! them. That it is part of the program is tested in the crates.

use std::collections::BTreeSet;

use super::Files;

const FIXTURES: &str = "crates/methods/tests/fixtures/";

/// Finds methods of which something is missing.
pub fn check(files: &Files) -> Vec<String> {
    let stems = |folder: &str| -> BTreeSet<String> {
        let names = files.iter().filter_map(|(path, _)| path.strip_prefix(folder));
        let names = names.filter_map(|name| name.strip_suffix(".json"));
        names.filter(|name| !name.contains('/')).map(str::to_owned).collect()
    };
    let mut configs = stems("configs/");
    configs.remove("schema");
    let (fixtures, seeds) = (stems(FIXTURES), stems("configs/seed/"));
    let documents = files.iter().filter(|(path, _)| {
        path == "README.md" || path.starts_with("docs/") && path.ends_with(".md")
    });
    let rows: Vec<&str> =
        documents.flat_map(|(_, text)| text.lines()).filter(|line| line.starts_with('|')).collect();
    let mut findings = Vec::new();
    for name in &configs {
        if !fixtures.contains(name) {
            findings.push(format!("configs/{name}.json: no {FIXTURES}{name}.json"));
        }
        if !rows.iter().any(|row| row.starts_with(&format!("| `{name}`"))) {
            findings.push(format!("configs/{name}.json: no row `{name}` in README.md or docs"));
        }
    }
    for (folder, stems) in [(FIXTURES, fixtures), ("configs/seed/", seeds)] {
        for name in stems.difference(&configs) {
            findings.push(format!("{folder}{name}.json: no configs/{name}.json"));
        }
    }
    findings
}
