//! What the dependencies may be: their licenses and where they come from, as `deny.toml` says.
//!
//! Known vulnerabilities need a database from the network and a tool that takes minutes to build.
//! They are looked for where `cargo deny` is installed and its database can be fetched.

use std::fs;

use anyhow::{Context, bail};
use serde_json::Value;

use crate::workspace::{self, Workspace};

/// Checks every package that `Cargo.lock` names.
///
/// # Errors
/// When one has a license or a source that isn't allowed, which is printed; or when cargo doesn't
/// say.
pub fn check(workspace: &Workspace) -> anyhow::Result<()> {
    let path = workspace.root.join("deny.toml");
    let text = fs::read_to_string(&path).context("cannot read deny.toml")?;
    let licenses = list(&text, "licenses", "allow")?;
    let registries = list(&text, "sources", "allow-registry")?;
    println!("==> cargo metadata (licenses and sources of dependencies)");
    let command = workspace.cargo(&["metadata", "--format-version", "1", "--locked"]);
    let output = workspace::output(command)?.context("cargo is not there")?;
    if !output.status.success() {
        bail!("{}", String::from_utf8_lossy(&output.stderr).trim());
    }
    let metadata: Value = serde_json::from_slice(&output.stdout)?;
    let packages = metadata["packages"].as_array().context("no packages")?;
    let found: Vec<String> =
        packages.iter().filter_map(|package| problem(package, &licenses, &registries)).collect();
    found.iter().for_each(|line| println!("{line}"));
    if !found.is_empty() {
        bail!("{} dependencies that deny.toml does not allow", found.len());
    }
    deny(workspace)
}

/// Runs `cargo deny` where it is installed.
fn deny(workspace: &Workspace) -> anyhow::Result<()> {
    let runs = |args: &[&str]| -> anyhow::Result<bool> {
        let output = workspace::output(workspace.cargo(args))?;
        Ok(output.is_some_and(|output| output.status.success()))
    };
    if !runs(&["deny", "--version"])? {
        println!("==> cargo deny is not installed: known vulnerabilities are not looked for");
        return Ok(());
    }
    workspace::run(workspace.cargo(&["deny", "check", "bans", "licenses", "sources"]))?;
    if !runs(&["deny", "fetch", "db"])? {
        println!("==> the database of known vulnerabilities can't be fetched");
        return Ok(());
    }
    workspace::run(workspace.cargo(&["deny", "check", "advisories"]))
}

/// What is not allowed of a package.
fn problem(package: &Value, licenses: &[String], registries: &[String]) -> Option<String> {
    let text = |key: &str| package[key].as_str();
    let name = format!("{} {}", text("name").unwrap_or("?"), text("version").unwrap_or("?"));
    let license = text("license").unwrap_or("none");
    if !allows(license, licenses) {
        return Some(format!("{name}: the license {license} is not allowed"));
    }
    // Packages of the workspace have no source.
    let source = text("source")?;
    let registry = source.strip_prefix("registry+");
    let known = registry.is_some_and(|registry| registries.iter().any(|known| known == registry));
    (!known).then(|| format!("{name}: the source {source} is not allowed"))
}

/// The strings of `key = [...]`, one a line, in a section.
fn list(text: &str, section: &str, key: &str) -> anyhow::Result<Vec<String>> {
    let header = format!("[{section}]");
    let opening = format!("{key} = [");
    let items: Vec<String> = text
        .lines()
        .map(str::trim)
        .skip_while(|line| *line != header)
        .skip_while(|line| *line != opening)
        .skip(1)
        .take_while(|line| *line != "]")
        .map(|line| line.trim_matches([',', '"']).to_owned())
        .collect();
    if items.is_empty() {
        bail!("deny.toml: expected a list {key} in [{section}], an item a line");
    }
    Ok(items)
}

/// Whether an SPDX expression can be fulfilled with some of the licenses.
fn allows(expression: &str, licenses: &[String]) -> bool {
    let spaced = expression.replace('(', " ( ").replace(')', " ) ").replace('/', " OR ");
    let mut words: Vec<&str> = spaced.split_whitespace().rev().collect();
    let allowed = any(&mut words, licenses);
    // What can't be understood allows nothing.
    allowed == Some(true) && words.is_empty()
}

/// `a OR b`; the next word is the last.
fn any(words: &mut Vec<&str>, licenses: &[String]) -> Option<bool> {
    let mut allowed = all(words, licenses)?;
    while words.pop_if(|word| *word == "OR").is_some() {
        allowed |= all(words, licenses)?;
    }
    Some(allowed)
}

/// `a AND b`.
fn all(words: &mut Vec<&str>, licenses: &[String]) -> Option<bool> {
    let mut allowed = one(words, licenses)?;
    while words.pop_if(|word| *word == "AND").is_some() {
        allowed &= one(words, licenses)?;
    }
    Some(allowed)
}

/// `a`, `a WITH exception` or `(a OR b)`.
fn one(words: &mut Vec<&str>, licenses: &[String]) -> Option<bool> {
    let word = words.pop()?;
    if word == "(" {
        let inner = any(words, licenses)?;
        return (words.pop()? == ")").then_some(inner);
    }
    let mut license = word.to_owned();
    if words.pop_if(|word| *word == "WITH").is_some() {
        license = format!("{license} WITH {}", words.pop()?);
    }
    Some(licenses.contains(&license))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn known() -> Vec<String> {
        ["MIT", "ISC"].map(String::from).to_vec()
    }

    #[test]
    fn expressions() {
        for (expression, allowed) in [
            ("MIT", true),
            ("GPL-3.0", false),
            ("GPL-3.0 OR MIT", true),
            ("GPL-3.0/MIT", true),
            ("GPL-3.0 AND MIT", false),
            ("(GPL-3.0 OR MIT) AND ISC", true),
            ("GPL-3.0 OR MIT AND ISC", true),
            ("MIT WITH exception", false),
            ("MIT WITH exception OR ISC", true),
            ("(MIT", false),
            ("MIT ISC", false),
            ("", false),
        ] {
            assert_eq!(allows(expression, &known()), allowed, "{expression}");
        }
    }

    #[test]
    fn packages() {
        let registries = ["https://index".to_owned()];
        let say = |package: Value| problem(&package, &known(), &registries);
        let good = json!({"name": "a", "version": "1", "license": "MIT", "source": "registry+https://index"});
        assert_eq!(say(good.clone()), None);
        let with = |key: &str, value: Value| {
            let mut package = good.clone();
            package[key] = value;
            say(package)
        };
        assert_eq!(with("source", Value::Null), None);
        assert_eq!(with("license", Value::Null).unwrap(), "a 1: the license none is not allowed");
        assert_eq!(
            with("source", json!("git+https://index")).unwrap(),
            "a 1: the source git+https://index is not allowed"
        );
    }

    #[test]
    fn lists_of_the_configuration() {
        let text = include_str!("../../deny.toml");
        assert!(list(text, "licenses", "allow").unwrap().contains(&"MIT".to_owned()));
        assert_eq!(list(text, "sources", "allow-registry").unwrap().len(), 1);
        assert!(list(text, "licenses", "allow-registry").is_ok());
        assert!(list(text, "nothing", "allow").is_err());
    }
}
