//! A run and what was made to look at it.

use std::path::{Path, PathBuf};

use crate::{Error, Map, Picture, Run, page};

/// All that a report shows of a run. What stands in its folder is read; who has the encoder and the
/// images may put newer scores and pictures in their places.
#[derive(Clone, Debug)]
pub struct Portrait {
    /// The run.
    pub run: Run,
    /// Images and views of them, one image a row.
    pub augmentation: Option<Picture>,
    /// Test images, each followed by its nearest training images.
    pub neighbors: Option<Picture>,
    /// Where images stand in the space of features.
    pub map: Option<Map>,
    /// What a reader should know, such as why something is missing.
    pub notes: Vec<String>,
}

impl Portrait {
    /// Reads the run in `folder` and the pictures that stand beside it.
    ///
    /// # Errors
    /// Those of [`Run::read`], and [`Error::Content`] where a picture is no PNG.
    pub fn read(folder: &Path) -> Result<Self, Error> {
        Ok(Self {
            run: Run::read(folder)?,
            augmentation: Picture::read(&folder.join("augmentation.png"))?,
            neighbors: Picture::read(&folder.join("neighbors.png"))?,
            map: None,
            notes: Vec::new(),
        })
    }
}

/// Writes the page about `portraits` to `out`, whole or not at all.
///
/// # Errors
/// [`Error::NoRuns`], [`Error::Io`].
pub fn write_report(out: &Path, portraits: &[Portrait]) -> Result<(), Error> {
    if portraits.is_empty() {
        return Err(Error::NoRuns);
    }
    Ok(files::write(out, page::report(portraits).as_bytes())?)
}

/// What to call each of `folders`: its last part, with a number behind it where several have the
/// same one.
pub fn labels<'a>(folders: impl IntoIterator<Item = &'a PathBuf>) -> Vec<String> {
    let mut labels: Vec<String> = Vec::new();
    for folder in folders {
        // `.` and `..` have a name too, once they are resolved.
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

    #[test]
    fn a_report_of_nothing_is_an_error() {
        let out = tempfile::tempdir().unwrap();
        let path = out.path().join("page.html");
        assert!(matches!(write_report(&path, &[]), Err(Error::NoRuns)));
        assert!(!path.exists());
    }
}
