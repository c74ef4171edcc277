//! Names of members, and the splits that names of archives say.

use std::path::Path;

use crate::formats::folder::listing::{TEST, TRAIN, UNLABELED};

/// The checked name of a member: parts joined by `/`, none of them `.` or `..`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Name(String);

impl Name {
    /// The name that an archive has for a member; what is wrong with it, in words. `None` for the
    /// top folder itself.
    pub fn new(raw: &str) -> Result<Option<Self>, String> {
        let found = |what: &str| Err(format!("{what} {raw:?}"));
        if raw.starts_with('/') {
            return found("an absolute name");
        }
        let mut parts = Vec::new();
        for part in raw.split('/') {
            match part {
                "" | "." => {}
                ".." => return found("a name that leads out of it"),
                part if part.contains('\0') => return found("a name with a zero byte"),
                part => parts.push(part),
            }
        }
        Ok((!parts.is_empty()).then(|| Self(parts.join("/"))))
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }

    pub fn parts(&self) -> impl Iterator<Item = &str> {
        self.0.split('/')
    }
}

/// A split that the name of an archive, or of a folder above it, says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SplitName {
    Train,
    Unlabeled,
    /// The number of its name in [`TEST`].
    Test(usize),
}

impl SplitName {
    /// That of the archive at `path` in `dir`: of the first folder with such a name, or of the
    /// archive.
    pub fn of_path(dir: &Path, path: &Path) -> Option<Self> {
        let inside = match path.strip_prefix(dir) {
            Ok(inside) if inside != Path::new("") => inside,
            _ => Path::new(path.file_name()?),
        };
        let name = inside.file_name()?;
        let mut folders = inside.parent()?.components();
        let of_folder =
            folders.find_map(|part| Self::of_folder(&part.as_os_str().to_string_lossy()));
        of_folder.or_else(|| Self::of_archive(&name.to_string_lossy()))
    }

    /// That of a folder: the whole name.
    pub fn of_folder(name: &str) -> Option<Self> {
        let is = |names: &[&str]| names.iter().position(|one| one.eq_ignore_ascii_case(name));
        match (is(&TRAIN), is(&UNLABELED), is(&TEST)) {
            (Some(_), ..) => Some(Self::Train),
            (_, Some(_), _) => Some(Self::Unlabeled),
            (.., Some(number)) => Some(Self::Test(number)),
            _ => None,
        }
    }

    /// That of an archive, which begins with it: `train.tar`, `test-00000-of-00002.parquet`.
    pub fn of_archive(name: &str) -> Option<Self> {
        let end = name.find(|letter: char| !letter.is_alphabetic()).unwrap_or(name.len());
        Self::of_folder(&name[..end])
    }

    /// The folder that stands for the split.
    pub fn folder(self) -> &'static str {
        match self {
            Self::Train => TRAIN[0],
            Self::Unlabeled => UNLABELED[0],
            Self::Test(number) => TEST[number],
        }
    }
}
