//! What a report shows of a run.

use std::path::{Path, PathBuf};

use run::file;

use crate::{ContactSheet, Error, FeatureMap, Picture, Run};

/// What a report shows of a run. [`RunReport::read`] takes it from the run folder; a caller that
/// has the encoder and the images may replace scores and pictures by newer ones.
#[derive(Clone, Debug)]
pub struct RunReport {
    /// The run.
    pub run: Run,
    /// Images and augmented views of them, one image per row.
    pub augmentation: Option<Picture>,
    /// Images and their nearest neighbors, one image per row, as a picture.
    pub neighbors: Option<Picture>,
    /// The same image by image; shown in the place of `neighbors`.
    pub nearest: Option<ContactSheet>,
    /// Images that are taken for another class.
    pub misclassified: Option<ContactSheet>,
    /// Images in two dimensions by their features.
    pub map: Option<FeatureMap>,
    /// Notes for the reader, such as why something is missing.
    pub notes: Vec<String>,
}

impl RunReport {
    /// Reads the run in `folder` with its pictures.
    ///
    /// # Errors
    /// Those of [`Run::read`], and [`Error::Content`] where a picture is no PNG.
    pub fn read(folder: &Path) -> Result<Self, Error> {
        Ok(Self {
            run: Run::read(folder)?,
            augmentation: Picture::read(&folder.join(file::AUGMENTATION))?,
            neighbors: Picture::read(&folder.join(file::NEIGHBORS))?,
            nearest: None,
            misclassified: None,
            map: None,
            notes: Vec::new(),
        })
    }
}

/// A label for each of `folders`: its last component, followed by a number where several have the
/// same.
pub fn labels<'a>(folders: impl IntoIterator<Item = &'a PathBuf>) -> Vec<String> {
    let mut labels: Vec<String> = Vec::new();
    for folder in folders {
        // `.` and `..` have a name once they are resolved.
        let whole = match folder.file_name() {
            Some(_) => folder.clone(),
            None => folder.canonicalize().unwrap_or_default(),
        };
        let name = whole.file_name();
        let name = name.map_or("run".into(), |name| name.to_string_lossy());
        let mut label = name.to_string();
        for number in 2.. {
            if !labels.contains(&label) {
                break;
            }
            label = format!("{name} ({number})");
        }
        labels.push(label);
    }
    labels
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn labels_are_names_of_folders_and_differ() {
        let folders = ["a/run", "b/run", "c/other", "d/run"].map(PathBuf::from);
        assert_eq!(labels(&folders), ["run", "run (2)", "other", "run (3)"]);
        let folder = tempfile::tempdir().unwrap();
        let inner = folder.path().join("inner");
        std::fs::create_dir_all(inner.join("x")).unwrap();
        assert_eq!(labels(&[inner.join("x/..")]), ["inner"]);
    }
}
