//! A method has a configuration in every preset, a test fixture and a row in a table of the
//! documents, or none of them. That it is part of the program is tested in the crates.

use std::collections::BTreeSet;

use super::Files;

const FIXTURES: &str = "crates/methods/tests/fixtures/";
/// The folders of the presets.
const CONFIGS: &str = "configs/gpu/";
const OTHERS: [&str; 2] = ["configs/cpu/", "configs/seed/"];

/// Finds methods of which something is missing.
pub fn check(files: &Files) -> Vec<String> {
    let stems = |folder: &str| -> BTreeSet<String> {
        let names = files.iter().filter_map(|(path, _)| path.strip_prefix(folder));
        let names = names.filter_map(|name| name.strip_suffix(".json"));
        names.filter(|name| !name.contains('/')).map(str::to_owned).collect()
    };
    let configs = stems(CONFIGS);
    let documents = files.iter().filter(|(path, _)| {
        path == "README.md" || path.starts_with("docs/") && path.ends_with(".md")
    });
    let rows: Vec<&str> =
        documents.flat_map(|(_, text)| text.lines()).filter(|line| line.starts_with('|')).collect();
    let mut findings = Vec::new();
    for name in &configs {
        for folder in [FIXTURES, OTHERS[0], OTHERS[1]] {
            if !files.iter().any(|(path, _)| *path == format!("{folder}{name}.json")) {
                findings.push(format!("{CONFIGS}{name}.json: no {folder}{name}.json"));
            }
        }
        if !rows.iter().any(|row| row.starts_with(&format!("| `{name}`"))) {
            findings.push(format!("{CONFIGS}{name}.json: no row `{name}` in README.md or docs"));
        }
    }
    for folder in [FIXTURES, OTHERS[0], OTHERS[1]] {
        for name in stems(folder).difference(&configs) {
            findings.push(format!("{folder}{name}.json: no {CONFIGS}{name}.json"));
        }
    }
    findings
}
