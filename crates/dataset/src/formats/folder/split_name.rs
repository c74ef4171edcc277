//! Names of splits.

use std::path::Path;

/// Names of folders, and of archives, of a split.
pub(super) const TRAIN: [&str; 2] = ["train", "training"];
pub(super) const UNLABELED: [&str; 2] = ["unlabeled", "unlabelled"];
/// The first that is there measures.
pub(super) const TEST: [&str; 4] = ["test", "val", "valid", "validation"];

/// A split that a name says: of an archive, of a folder above it, or in a file of labels.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum SplitName {
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
        let of_folder = folders.find_map(|part| Self::of_name(&part.as_os_str().to_string_lossy()));
        of_folder.or_else(|| Self::of_archive(&name.to_string_lossy()))
    }

    /// That of the whole name.
    pub fn of_name(name: &str) -> Option<Self> {
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
        Self::of_name(&name[..end])
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
