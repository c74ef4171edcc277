//! Every relative link in a document leads to a file or folder of the repository.

use super::Files;

/// Finds links that lead nowhere.
pub fn check(files: &Files) -> Vec<String> {
    let mut findings = Vec::new();
    for (path, text) in files.iter().filter(|(path, _)| path.ends_with(".md")) {
        let mut fenced = false;
        for (line, number) in text.lines().zip(1..) {
            fenced ^= line.trim_start().starts_with("```");
            for target in targets(line).into_iter().filter(|_| !fenced) {
                let link = target.split(['#', '?']).next().unwrap_or_default();
                let local =
                    !link.is_empty() && !target.contains("://") && !target.contains("mailto:");
                if local && !resolve(path, link).is_some_and(|path| exists(files, &path)) {
                    findings.push(format!("{path}:{number}: `{target}` leads nowhere"));
                }
            }
        }
    }
    findings
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
    let mut parts: Vec<&str> = from.split('/').collect();
    parts.pop();
    for part in link.split('/') {
        match part {
            "" | "." => {}
            ".." => _ = parts.pop()?,
            part => parts.push(part),
        }
    }
    Some(parts.join("/"))
}

/// Whether there is a file or a folder at `path`.
fn exists(files: &Files, path: &str) -> bool {
    let folder = format!("{path}/");
    path.is_empty() || files.iter().any(|(file, _)| file == path || file.starts_with(&folder))
}
