//! The files of the repository, in memory.

use std::fs;
use std::io;
use std::path::Path;
use std::process::Command;

use anyhow::{Context, bail};

use crate::workspace::output;

/// A file by its path from the top, with `/` between the parts.
pub struct File {
    pub path: String,
    /// None if it is not text.
    pub text: Option<String>,
}

impl File {
    /// Its lines with their numbers, from 1; none if it is not text.
    pub fn lines(&self) -> impl Iterator<Item = (usize, &str)> {
        self.text.iter().flat_map(|text| text.split('\n')).zip(1..).map(|(line, at)| (at, line))
    }
}

/// All files.
pub struct Tree {
    pub files: Vec<File>,
}

impl Tree {
    /// Reads the files that git tracks, or would track if asked to add everything.
    ///
    /// # Errors
    /// When git does not list them or one can't be read.
    pub fn read(root: &Path) -> anyhow::Result<Self> {
        let mut git = Command::new("git");
        git.args(["ls-files", "-z", "--cached", "--others", "--exclude-standard"]);
        git.current_dir(root);
        let listed = match output(git)? {
            Some(listed) if listed.status.success() => listed.stdout,
            _ => bail!("tidy: git does not list the files of {}", root.display()),
        };
        let listed = String::from_utf8(listed).context("tidy: a file name is not UTF-8")?;
        let mut files = Vec::new();
        for path in listed.split_terminator('\0') {
            match fs::read(root.join(path)) {
                Ok(bytes) => {
                    files.push(File { path: path.to_owned(), text: String::from_utf8(bytes).ok() });
                }
                // Deleted, but not yet in git's eyes.
                Err(error) if error.kind() == io::ErrorKind::NotFound => {}
                Err(error) => return Err(error).with_context(|| format!("cannot read {path}")),
            }
        }
        Ok(Self { files })
    }

    /// A tree of the given paths and texts.
    #[cfg(test)]
    pub fn of(files: &[(&str, &str)]) -> Self {
        let file = |&(path, text): &(&str, &str)| File {
            path: path.to_owned(),
            text: Some(text.to_owned()),
        };
        Self { files: files.iter().map(file).collect() }
    }

    /// The text files whose path starts and ends so.
    pub fn matching(&self, start: &str, end: &str) -> impl Iterator<Item = &File> {
        let fits = move |file: &&File| {
            file.path.starts_with(start) && file.path.ends_with(end) && file.text.is_some()
        };
        self.files.iter().filter(fits)
    }

    /// The text file at `path`.
    pub fn file(&self, path: &str) -> Option<&File> {
        self.matching(path, "").find(|file| file.path == path)
    }

    /// Whether there is a file or a folder at `path`.
    pub fn holds(&self, path: &str) -> bool {
        let inside =
            |file: &&File| file.path.strip_prefix(path).is_some_and(|rest| rest.starts_with('/'));
        path.is_empty() || self.files.iter().any(|file| file.path == path || inside(&file))
    }
}
