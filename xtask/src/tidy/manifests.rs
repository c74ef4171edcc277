//! Which crate may depend on which, read from the `Cargo.toml` files.

use super::Finding;
use super::tree::{File, Tree};

/// What a crate may depend on.
struct Arrows {
    name: &'static str,
    /// Crates of this workspace.
    crates: &'static [&'static str],
    tch: bool,
}

const fn may(name: &'static str, crates: &'static [&'static str], tch: bool) -> Arrows {
    Arrows { name, crates, tch }
}

/// The only arrows there are. Bytes come first and build without libtorch.
const ARROWS: &[Arrows] = &[
    may("files", &[], false),
    may("resample", &[], false),
    may("dataset", &["files", "resample"], false),
    may("augment", &["resample", "dataset"], false),
    may("loader", &["dataset", "augment"], false),
    may("embed", &["files", "dataset"], false),
    may("run", &["files"], false),
    may("models", &["dataset"], true),
    may("optim", &["models"], true),
    may("methods", &["models", "optim"], true),
    may("metrics", &[], true),
    may(
        "trainer",
        &["files", "dataset", "augment", "loader", "models", "optim", "methods", "metrics", "run"],
        true,
    ),
    may(
        "eval",
        &["files", "dataset", "augment", "loader", "models", "optim", "metrics", "run", "trainer"],
        true,
    ),
    may("report", &["files", "run"], false),
    may(
        "cli",
        &[
            "files", "dataset", "augment", "loader", "embed", "models", "methods", "eval",
            "trainer", "report", "run",
        ],
        false,
    ),
    may("benchmarks", &["dataset", "augment", "loader"], false),
    may("xtask", &[], false),
    may("golden", &[], true),
    may("examples", &["dataset", "eval", "methods", "models", "optim", "trainer"], true),
    may("end-to-end", &["dataset"], false),
    may("fuzz", &["dataset", "trainer"], false),
];

/// Reads reference vectors for the tests of crates on tch; the one crate that only tests may use.
const FOR_TESTS: &str = "golden";

/// Finds dependencies that point the wrong way.
pub fn arrows(tree: &Tree, findings: &mut Vec<Finding>) {
    let members: Vec<&str> = ARROWS.iter().map(|arrows| arrows.name).collect();
    for manifest in tree.matching("", "Cargo.toml") {
        let Some(name) = package(manifest) else {
            continue;
        };
        let Some(arrows) = ARROWS.iter().find(|arrows| arrows.name == name) else {
            let what = format!("crate `{name}` has no arrows: say in tidy what it may depend on");
            findings.push(Finding::new(&manifest.path, 1, what));
            continue;
        };
        for Dependency { name: to, line, dev } in dependencies(manifest) {
            let member = members.contains(&to.as_str());
            let test_only = dev && arrows.tch && to == FOR_TESTS;
            let forbidden = match to.as_str() {
                "tch" | "torch-sys" => !arrows.tch,
                to => member && !test_only && !arrows.crates.contains(&to),
            };
            if forbidden {
                let what = format!("`{name}` may not depend on `{to}`");
                findings.push(Finding::new(&manifest.path, line, what));
            }
        }
    }
}

/// The package's name; none for a manifest that only makes a workspace.
fn package(manifest: &File) -> Option<&str> {
    let mut lines = manifest.lines().map(|(_, line)| line.trim());
    lines.find(|line| *line == "[package]")?;
    let name = lines
        .take_while(|line| !line.starts_with('['))
        .find_map(|line| line.strip_prefix("name")?.trim_start().strip_prefix('='))?;
    Some(name.trim().trim_matches('"'))
}

struct Dependency {
    name: String,
    line: usize,
    dev: bool,
}

/// Every dependency, whatever section and form it is written in.
fn dependencies(manifest: &File) -> Vec<Dependency> {
    let mut found = Vec::new();
    let mut section = None;
    for (line, text) in manifest.lines() {
        let text = text.trim();
        if let Some(header) = text.strip_prefix('[') {
            let header = header.trim_end_matches(']');
            let dev = header.contains("dev-dependencies");
            section = header.ends_with("dependencies").then_some(dev);
            // [dependencies.name]
            if let Some((_, name)) = header.rsplit_once("dependencies.") {
                found.push(Dependency { name: name.trim_matches('"').to_owned(), line, dev });
            }
            continue;
        }
        let Some(dev) = section else { continue };
        let Some((key, value)) = text.split_once('=').filter(|_| !text.starts_with('#')) else {
            continue;
        };
        // name = { package = "other" } is a dependency on the other.
        let renamed = value.split_once("package").and_then(|(_, rest)| rest.split('"').nth(1));
        let name = key.trim().split('.').next().unwrap_or_default().trim_matches('"');
        found.push(Dependency { name: renamed.unwrap_or(name).to_owned(), line, dev });
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    fn say(name: &str, rest: &str) -> Vec<String> {
        let text = format!("[package]\nname = \"{name}\"\n{rest}");
        super::super::say(
            arrows,
            &[("Cargo.toml", "[workspace]\n"), ("crates/x/Cargo.toml", &text)],
        )
    }

    #[test]
    fn arrows_of_the_design_pass() {
        let trainer = "[dependencies]\nmetrics.workspace = true\ntch.workspace = true\n";
        assert!(say("trainer", trainer).is_empty());
        assert!(say("cli", "[dependencies]\ntrainer.workspace = true\nserde = \"1\"\n").is_empty());
        assert!(say("eval", "[dev-dependencies]\ngolden.workspace = true\n").is_empty());
        assert!(
            say("augment", "[features]\nmodels = []\n[dependencies]\n# tch = \"1\"\n").is_empty()
        );
    }

    #[test]
    fn every_form_of_a_wrong_arrow_is_found() {
        let wrong = |name: &str, to: &str, line: usize| {
            vec![format!("crates/x/Cargo.toml:{line}: `{name}` may not depend on `{to}`")]
        };
        let cases = [
            ("cli", "[dependencies]\ntch.workspace = true\n", "tch", 4),
            ("xtask", "[dev-dependencies]\ndataset.workspace = true\n", "dataset", 4),
            ("augment", "[dependencies]\n\nloader = { path = \"../loader\" }\n", "loader", 5),
            ("loader", "[build-dependencies]\nt = { package = \"tch\" }\n", "tch", 4),
            (
                "dataset",
                "[target.'cfg(unix)'.dependencies]\naugment.workspace = true\n",
                "augment",
                4,
            ),
            ("models", "[dependencies.methods]\nworkspace = true\n", "methods", 3),
            ("augment", "[dev-dependencies]\ngolden.workspace = true\n", "golden", 4),
            ("eval", "[dependencies]\ngolden.workspace = true\n", "golden", 4),
        ];
        for (name, rest, to, line) in cases {
            assert_eq!(say(name, rest), wrong(name, to, line));
        }
    }

    #[test]
    fn a_new_crate_must_be_placed() {
        assert_eq!(
            say("report2", ""),
            [
                "crates/x/Cargo.toml:1: crate `report2` has no arrows: say in tidy what it may depend on"
            ]
        );
    }
}
