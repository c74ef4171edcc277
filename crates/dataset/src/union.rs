//! Several datasets as one.

use std::collections::HashMap;
use std::path::{Component, Path, PathBuf};
use std::sync::Arc;

use crate::formats::archive_format::ArchiveFormat;
use crate::{Dataset, Error, Split};

/// Labels are 16-bit numbers, of which binaries use all but one.
pub(crate) const MAX_CLASSES: usize = u16::MAX as usize;

/// The sets, read from `paths`, as one: splits one after the other, classes by name in the order in
/// which they come.
///
/// # Errors
/// If their images have different sizes, or there are too many classes.
pub(crate) fn unite(mut sets: Vec<Dataset>, paths: &[PathBuf]) -> Result<Dataset, Error> {
    if let ([path], 1) = (paths, sets.len()) {
        let set = sets.remove(0);
        return Ok(match shown_names(std::slice::from_ref(path)) {
            Some(names) => set.with_name(&names[0]),
            None => set,
        });
    }
    check_sizes(&sets, paths)?;
    let mut classes = Classes::default();
    let (mut unlabeled, mut train, mut test) = (Vec::new(), Vec::new(), Vec::new());
    for (set, name) in sets.iter().zip(set_names(paths)) {
        let name: Arc<str> = name.into();
        let numbers: Vec<u16> = set.class_names.iter().map(|name| classes.number(name)).collect();
        let taken = |split: &Split| {
            split.with_set_name(&name).map_labels(|label| numbers[usize::from(label)])
        };
        if !set.unlabeled_is_train() && !set.unlabeled.is_empty() {
            unlabeled.push(taken(&set.unlabeled));
        }
        train.extend(set.train.as_ref().map(taken));
        test.extend(set.test.as_ref().map(taken));
    }
    if classes.names.len() > MAX_CLASSES {
        return Err(Error::Folder {
            path: paths[0].clone(),
            expected: format!("at most {MAX_CLASSES} classes in all sets"),
            found: classes.names.len().to_string(),
        });
    }
    let joined = |splits: &[Split]| (!splits.is_empty()).then(|| Split::concat(splits));
    let train = joined(&train);
    let unlabeled = match (joined(&unlabeled), &train) {
        (Some(unlabeled), _) => unlabeled,
        (None, Some(train)) => train.without_labels(),
        (None, None) => unreachable!("a set has images to train on"),
    };
    let first = sets[0].kind;
    let kind = if sets.iter().all(|set| set.kind == first) { first } else { "several image sets" };
    let test = joined(&test);
    Ok(Dataset { kind, unlabeled, train, test, class_names: classes.names, folds: Vec::new() })
}

fn check_sizes(sets: &[Dataset], paths: &[PathBuf]) -> Result<(), Error> {
    let size = |set: &Dataset| (set.unlabeled.width(), set.unlabeled.height());
    let (width, height) = size(&sets[0]);
    for (set, path) in sets.iter().zip(paths) {
        let found = size(set);
        if found != (width, height) {
            return Err(Error::Folder {
                path: path.clone(),
                expected: format!(
                    "images of {width} x {height} pixels as in {}",
                    paths[0].display()
                ),
                found: format!("{} x {}", found.0, found.1),
            });
        }
    }
    Ok(())
}

/// Names of classes, and their numbers.
#[derive(Default)]
struct Classes {
    names: Vec<String>,
    numbers: HashMap<String, usize>,
}

impl Classes {
    fn number(&mut self, name: &str) -> u16 {
        let next = self.names.len();
        let number = *self.numbers.entry(name.to_owned()).or_insert(next);
        if number == next {
            self.names.push(name.to_owned());
        }
        // Too many of them are refused by the caller.
        number as u16
    }
}

/// Names that tell the sets in `paths` apart: the last part of each, or so many of the last that no
/// two are the same.
pub(crate) fn set_names(paths: &[PathBuf]) -> Vec<String> {
    let parts: Vec<Vec<String>> = paths.iter().map(|path| parts(path)).collect();
    let longest = parts.iter().map(Vec::len).max().unwrap_or(0);
    let last = |count: usize| -> Vec<String> {
        parts.iter().map(|parts| parts[parts.len().saturating_sub(count)..].join("/")).collect()
    };
    let differ = |names: &Vec<String>| {
        let mut sorted = names.clone();
        sorted.sort_unstable();
        sorted.windows(2).all(|pair| pair[0] != pair[1])
    };
    (1..=longest).map(last).find(differ).unwrap_or_else(|| last(longest))
}

/// What the names of images begin with: the names of their sets, where there are several or an
/// archive is one.
pub(crate) fn shown_names(paths: &[PathBuf]) -> Option<Vec<String>> {
    let is_archive = |path: &PathBuf| ArchiveFormat::of_file(path).is_some();
    (paths.len() > 1 || paths.iter().any(is_archive)).then(|| set_names(paths))
}

fn parts(path: &Path) -> Vec<String> {
    let path = std::path::absolute(path).unwrap_or_else(|_| path.to_owned());
    let mut parts = Vec::new();
    for component in path.components() {
        match component {
            Component::Normal(part) => {
                parts.push(files::replace_control(part.to_string_lossy()).into_owned());
            }
            Component::ParentDir => drop(parts.pop()),
            _ => {}
        }
    }
    parts
}

/// Where the file of the image `name` is, in the dataset that was read from `paths`; `None` where
/// the name begins with none of their names.
pub fn image_file(paths: &[PathBuf], name: &str) -> Option<PathBuf> {
    let Some(names) = shown_names(paths) else {
        return Some(paths.first()?.join(name));
    };
    let inside = |set: &String| name.strip_prefix(set.as_str())?.strip_prefix('/');
    let found = paths.iter().zip(&names).find_map(|(path, set)| Some((path, inside(set)?)));
    found.map(|(path, name)| path.join(name))
}

impl Dataset {
    /// The same set, with names of images that begin with `name`.
    fn with_name(self, name: &str) -> Self {
        let name: Arc<str> = name.into();
        Self {
            unlabeled: self.unlabeled.with_set_name(&name),
            train: self.train.map(|train| train.with_set_name(&name)),
            test: self.test.map(|test| test.with_set_name(&name)),
            ..self
        }
    }

    /// All images without their labels, as one split.
    pub(crate) fn into_unlabeled(self) -> Self {
        let mut splits = vec![self.unlabeled.clone()];
        if !self.unlabeled_is_train() {
            splits.extend(self.train.as_ref().map(Split::without_labels));
        }
        splits.extend(self.test.as_ref().map(Split::without_labels));
        Self {
            kind: self.kind,
            unlabeled: Split::concat(&splits),
            train: None,
            test: None,
            class_names: Vec::new(),
            folds: Vec::new(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sets_are_named_by_as_much_of_their_paths_as_differs() {
        let names =
            |paths: &[&str]| set_names(&paths.iter().map(PathBuf::from).collect::<Vec<_>>());
        assert_eq!(names(&["/a/photos", "/a/scans/"]), ["photos", "scans"]);
        assert_eq!(names(&["/a/photos", "/b/photos"]), ["a/photos", "b/photos"]);
        assert_eq!(names(&["/photos", "/b/photos"]), ["photos", "b/photos"]);
        let paths = ["/a/photos", "/b/photos"].map(PathBuf::from);
        assert_eq!(image_file(&paths, "b/photos/x/1.jpg"), Some("/b/photos/x/1.jpg".into()));
        assert_eq!(image_file(&paths, "c/photos/1.jpg"), None);
        assert_eq!(image_file(&paths[..1], "x/1.jpg"), Some("/a/photos/x/1.jpg".into()));
    }
}
