//! A method is in the registry, in the configs and in the README, or it is in none of them.

use super::Finding;
use super::tree::Tree;

/// The table that the commands list.
const CATALOG: &str = "crates/methods/src/catalog.rs";

/// Finds methods without configs, golden fixture or README row, and configs without a method.
pub fn complete(tree: &Tree, findings: &mut Vec<Finding>) {
    let Some(catalog) = tree.file(CATALOG) else {
        return;
    };
    let mut names = Vec::new();
    for (line, text) in catalog.lines() {
        let quoted = text.trim().strip_prefix("row((\"").and_then(|rest| rest.split('"').next());
        let Some(name) = quoted else { continue };
        names.push(name);
        for file in files(name, text.contains("\"seed\"")) {
            if !tree.holds(&file) {
                let what = format!("`{name}` has no {file}");
                findings.push(Finding::new(CATALOG, line, what));
            }
        }
        let row = |text: &str| text.starts_with('|') && text.contains(&format!("`{name}`"));
        let readme = tree.file("README.md");
        if readme.is_some_and(|readme| !readme.lines().any(|(_, text)| row(text))) {
            let what = format!("`{name}` has no row in a table of README.md");
            findings.push(Finding::new(CATALOG, line, what));
        }
    }
    for config in tree.matching("configs/seed/", ".json") {
        let name = config.path.trim_start_matches("configs/seed/").trim_end_matches(".json");
        if !names.contains(&name) {
            let what = format!("no method `{name}` in {CATALOG}");
            findings.push(Finding::new(&config.path, 1, what));
        }
    }
}

/// What there must be of a method; one with the original repository's form has its settings too.
fn files(name: &str, seed: bool) -> Vec<String> {
    let mut files =
        vec![format!("configs/{name}.json"), format!("crates/methods/tests/fixtures/{name}.json")];
    files.extend(seed.then(|| format!("configs/seed/{name}.json")));
    files
}

#[cfg(test)]
mod tests {
    use super::super::say;
    use super::*;

    #[test]
    fn what_is_missing_is_named() {
        let catalog = (
            CATALOG,
            "    row((\"simclr\", \"SimCLR\"), &[\"seed\"]),\n    row((\"byol\", \"BYOL\"), &[]),\n",
        );
        let whole = [
            catalog,
            ("configs/simclr.json", ""),
            ("configs/seed/simclr.json", ""),
            ("configs/byol.json", ""),
            ("crates/methods/tests/fixtures/simclr.json", ""),
            ("crates/methods/tests/fixtures/byol.json", ""),
            ("README.md", "| `simclr` | SimCLR |\n| `byol` | BYOL |\n"),
        ];
        assert!(say(complete, &whole).is_empty());
        assert_eq!(
            say(complete, &[catalog, ("configs/seed/moco.json", ""), ("README.md", "`byol`\n")]),
            [
                format!("configs/seed/moco.json:1: no method `moco` in {CATALOG}"),
                format!("{CATALOG}:1: `simclr` has no configs/seed/simclr.json"),
                format!("{CATALOG}:1: `simclr` has no configs/simclr.json"),
                format!("{CATALOG}:1: `simclr` has no crates/methods/tests/fixtures/simclr.json"),
                format!("{CATALOG}:1: `simclr` has no row in a table of README.md"),
                format!("{CATALOG}:2: `byol` has no configs/byol.json"),
                format!("{CATALOG}:2: `byol` has no crates/methods/tests/fixtures/byol.json"),
                format!("{CATALOG}:2: `byol` has no row in a table of README.md"),
            ]
        );
    }
}
