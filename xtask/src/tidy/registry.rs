//! A method is in the registry, in the configs and in the README, or it is in none of them.

use super::Finding;
use super::tree::Tree;

/// The table that the commands list.
const CATALOG: &str = "crates/methods/src/catalog.rs";

/// The methods of the original repository, whose published settings are kept beside the recommended ones.
const SEED: &[&str] = &[
    "simclr",
    "dcclr",
    "moco",
    "nnclr",
    "hsictwins",
    "barlowtwins",
    "dino",
    "twist",
];

/// Finds methods without configs or README row, and configs without a method.
pub fn complete(tree: &Tree, findings: &mut Vec<Finding>) {
    let Some(catalog) = tree.file(CATALOG) else {
        return;
    };
    let mut names = Vec::new();
    for (line, text) in catalog.lines() {
        let quoted = text
            .trim()
            .strip_prefix("name: \"")
            .and_then(|rest| rest.split('"').next());
        let Some(name) = quoted else { continue };
        names.push(name);
        for config in configs(name) {
            if !tree.holds(&config) {
                findings.push(Finding::new(
                    CATALOG,
                    line,
                    format!("`{name}` has no {config}"),
                ));
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
        let name = config
            .path
            .trim_start_matches("configs/seed/")
            .trim_end_matches(".json");
        if !names.contains(&name) {
            let what = format!("no method `{name}` in {CATALOG}");
            findings.push(Finding::new(&config.path, 1, what));
        }
    }
}

fn configs(name: &str) -> Vec<String> {
    let seed = SEED
        .contains(&name)
        .then(|| format!("configs/seed/{name}.json"));
    std::iter::once(format!("configs/{name}.json"))
        .chain(seed)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::super::say;
    use super::*;

    #[test]
    fn what_is_missing_is_named() {
        let catalog = (
            CATALOG,
            "Entry {\n    name: \"simclr\",\n},\nEntry {\n    name: \"byol\",\n}\n",
        );
        let whole = [
            catalog,
            ("configs/simclr.json", ""),
            ("configs/seed/simclr.json", ""),
            ("configs/byol.json", ""),
            ("README.md", "| `simclr` | SimCLR |\n| `byol` | BYOL |\n"),
        ];
        assert!(say(complete, &whole).is_empty());
        assert_eq!(
            say(
                complete,
                &[
                    catalog,
                    ("configs/seed/moco.json", ""),
                    ("README.md", "`byol`\n")
                ]
            ),
            [
                format!("configs/seed/moco.json:1: no method `moco` in {CATALOG}"),
                format!("{CATALOG}:2: `simclr` has no configs/seed/simclr.json"),
                format!("{CATALOG}:2: `simclr` has no configs/simclr.json"),
                format!("{CATALOG}:2: `simclr` has no row in a table of README.md"),
                format!("{CATALOG}:5: `byol` has no configs/byol.json"),
                format!("{CATALOG}:5: `byol` has no row in a table of README.md"),
            ]
        );
    }
}
