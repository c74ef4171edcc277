//! Checks of everything people read: no loose ends, no traces of one machine, no dead links.

use super::Finding;
use super::sources::SELF;
use super::tree::{File, Tree};

/// What is written by people, as against lock files, licences and data.
fn written(tree: &Tree) -> impl Iterator<Item = &File> {
    let named = |path: &str| {
        [".rs", ".md", ".py", ".toml", ".sh", ".yml"].iter().any(|end| path.ends_with(end))
    };
    tree.matching("", "").filter(move |file| {
        let path = file.path.as_str();
        let config =
            path.starts_with("configs/") || path.starts_with(".ci/") || path == ".gitignore";
        (named(path) || config) && !path.starts_with(SELF)
    })
}

/// Nothing is left for later.
pub fn unfinished(tree: &Tree, findings: &mut Vec<Finding>) {
    for file in written(tree) {
        for (line, text) in file.lines() {
            let lower = text.to_lowercase();
            let marks = ["TODO", "FIXME", "todo!", "unimplemented!"];
            let words = ["for now", "placeholder"];
            let found = marks.into_iter().find(|mark| text.contains(mark));
            if let Some(found) = found.or(words.into_iter().find(|word| lower.contains(word))) {
                findings.push(Finding::new(&file.path, line, format!("`{found}`: finish it")));
            }
        }
    }
}

/// Lines end where their text ends.
pub fn trailing_space(tree: &Tree, findings: &mut Vec<Finding>) {
    for file in written(tree) {
        for (line, text) in file.lines() {
            if text.ends_with([' ', '\t', '\r']) {
                findings.push(Finding::new(&file.path, line, "trailing white space"));
            }
        }
    }
}

/// What is true on one machine only.
pub fn machine_paths(tree: &Tree, findings: &mut Vec<Finding>) {
    let folders = ["/home/", "/root/", "/tmp/", "/users/", "/work/", "c:\\"];
    for file in written(tree) {
        for (line, text) in file.lines() {
            let text = text.to_lowercase();
            let begins = |at: usize| {
                !text[..at].ends_with(|c: char| c.is_alphanumeric() || ".-_~}".contains(c))
            };
            let found = folders
                .iter()
                .find(|folder| text.match_indices(**folder).any(|(at, _)| begins(at)));
            if let Some(folder) = found {
                let what = format!("`{folder}`: a path of one machine");
                findings.push(Finding::new(&file.path, line, what));
            }
        }
    }
}

/// Every relative link in a document leads to a file or folder of the repository.
pub fn links(tree: &Tree, findings: &mut Vec<Finding>) {
    for file in tree.matching("", ".md") {
        let mut fenced = false;
        for (line, text) in file.lines() {
            fenced ^= text.trim_start().starts_with("```");
            if fenced {
                continue;
            }
            for target in targets(text) {
                let path = target.split(['#', '?']).next().unwrap_or_default();
                let elsewhere =
                    path.is_empty() || target.contains("://") || target.starts_with("mailto:");
                if !elsewhere && !resolve(&file.path, path).is_some_and(|path| tree.holds(&path)) {
                    findings.push(Finding::new(
                        &file.path,
                        line,
                        format!("`{target}` leads nowhere"),
                    ));
                }
            }
        }
    }
}

/// The targets of `[text](target)`, `[name]: target`, `src="target"` and `href="target"`.
fn targets(line: &str) -> Vec<&str> {
    let mut found = Vec::new();
    for (before, after) in [("](", &[')', ' '][..]), ("src=\"", &['"']), ("href=\"", &['"'])] {
        for (at, _) in line.match_indices(before) {
            found.extend(line[at + before.len()..].split(after).next());
        }
    }
    let definition = line.strip_prefix('[').and_then(|rest| rest.split_once("]: "));
    found.extend(definition.and_then(|(_, target)| target.split_whitespace().next()));
    found
}

/// A path from the top, for a link in the file at `from`; none if it leads out of the repository.
fn resolve(from: &str, link: &str) -> Option<String> {
    let folder = from.rsplit_once('/').map_or("", |(folder, _)| folder);
    let mut parts: Vec<&str> = folder.split('/').filter(|part| !part.is_empty()).collect();
    for part in link.split('/') {
        match part {
            "" | "." => {}
            ".." => _ = parts.pop()?,
            part => parts.push(part),
        }
    }
    Some(parts.join("/"))
}

#[cfg(test)]
mod tests {
    use super::super::say;
    use super::*;

    #[test]
    fn loose_ends_are_found() {
        let text = "todo = 1\n// TODO later\nsimple For Now.\n";
        assert_eq!(
            say(unfinished, &[("a.rs", text), ("data.bin", text), ("configs/a.json", "{}")]),
            ["a.rs:2: `TODO`: finish it", "a.rs:3: `for now`: finish it"]
        );
    }

    #[test]
    fn trailing_space_is_found() {
        assert_eq!(
            say(
                trailing_space,
                &[("a.md", "a\nb \nc\t\n"), (".ci/run", "x\r\n"), ("b.rs", "ok\n")]
            ),
            [
                ".ci/run:1: trailing white space",
                "a.md:2: trailing white space",
                "a.md:3: trailing white space"
            ]
        );
    }

    #[test]
    fn paths_of_one_machine_are_found() {
        let text =
            "see /home/me/x\n\"/tmp/y\"\nhttps://host/home/page\n~/.cache/tmp/ and $OUT/tmp/\n";
        assert_eq!(
            say(machine_paths, &[("a.md", text)]),
            ["a.md:1: `/home/`: a path of one machine", "a.md:2: `/tmp/`: a path of one machine"]
        );
    }

    #[test]
    fn dead_links_are_found() {
        let text = "[a](b.md) [c](../README.md#top) [d](gone.md) [e](https://x.y/z) [f](#here)\n\
                    ```\n[not](a-link)\n```\n<img src=\"pictures/p.png\">\n[r]: ../src/\n[s]: ../../out\n";
        let files = [("docs/a.md", text), ("docs/b.md", ""), ("README.md", ""), ("src/lib.rs", "")];
        assert_eq!(
            say(links, &files),
            [
                "docs/a.md:1: `gone.md` leads nowhere",
                "docs/a.md:5: `pictures/p.png` leads nowhere",
                "docs/a.md:7: `../../out` leads nowhere",
            ]
        );
    }
}
