//! The images of a set as files by split and class, and what its parts are called.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::source::Source;
use super::unused::Unused;
use crate::Error;

/// The image files of one split.
#[derive(Debug, Default)]
pub(super) struct Files {
    pub paths: Vec<PathBuf>,
    /// One a path, 0-based; `None` without classes.
    pub labels: Option<Vec<u16>>,
}

/// The image files of a folder, or of archives.
#[derive(Debug, Default)]
pub(super) struct Listing {
    pub kind: &'static str,
    /// Whether each class is a folder; else labels are from elsewhere, or there are none.
    pub class_folders: bool,
    pub source: Arc<Source>,
    pub unlabeled: Option<Files>,
    pub train: Option<Files>,
    pub test: Option<Files>,
    pub class_names: Vec<String>,
    pub unused: Unused,
}

impl Listing {
    /// The splits that are there, by name.
    pub fn splits(&self) -> impl Iterator<Item = (&'static str, &Files)> {
        let all = [("unlabeled", &self.unlabeled), ("train", &self.train), ("test", &self.test)];
        all.into_iter().filter_map(|(name, files)| Some((name, files.as_ref()?)))
    }
}

/// Names of classes, which are ordered by name, in the order of their numbers: by value where all
/// are numbers.
pub(super) fn by_value(mut names: Vec<String>) -> Vec<String> {
    let number = |name: &String| name.parse::<f64>().ok().filter(|number| number.is_finite());
    if names.iter().all(|name| number(name).is_some()) {
        // The sort is stable: of equal numbers, such as 1 and 01, that of the lower name is first.
        names.sort_by(|a, b| number(a).partial_cmp(&number(b)).expect("finite numbers"));
    }
    names
}

/// A number of images, in words.
pub(super) fn images(count: usize) -> String {
    if count == 1 { "1 image".into() } else { format!("{count} images") }
}

/// For a split or a class without images.
pub(super) fn no_images(dir: &Path) -> Error {
    Error::Folder {
        path: dir.to_path_buf(),
        expected: "images (.jpg, .png, .webp, .tif, .bmp, .gif)".into(),
        found: "none".into(),
    }
}
