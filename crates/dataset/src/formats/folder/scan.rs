//! Lists the image files of a folder by split and class.
//!
//! Order is that of paths, so a folder gives the same set everywhere. Files and folders whose name
//! begins with a dot are skipped, as are files that are no images by name; images of a format that
//! is not read are errors, since leaving them out silently would change the set. A folder that
//! links lead to twice is listed once: links may go in circles.

use std::collections::HashSet;
use std::fs;
use std::path::{Path, PathBuf};

use files::replace_control;

use super::bad_files::BadFiles;
use crate::Error;

const READ: [&str; 6] = ["jpg", "jpeg", "jpe", "jfif", "png", "webp"];
const NOT_READ: [&str; 13] =
    ["avif", "bmp", "gif", "heic", "heif", "jp2", "jxl", "pbm", "pgm", "ppm", "tga", "tif", "tiff"];

/// The image files of one split.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Files {
    pub paths: Vec<PathBuf>,
    /// One a path, 0-based; `None` without classes.
    pub labels: Option<Vec<u16>>,
}

/// The image files of a folder.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Listing {
    pub kind: &'static str,
    pub unlabeled: Option<Files>,
    pub train: Option<Files>,
    pub test: Option<Files>,
    pub class_names: Vec<String>,
}

impl Listing {
    /// The splits that are there, by name.
    pub fn splits(&self) -> impl Iterator<Item = (&'static str, &Files)> {
        let all = [("unlabeled", &self.unlabeled), ("train", &self.train), ("test", &self.test)];
        all.into_iter().filter_map(|(name, files)| Some((name, files.as_ref()?)))
    }
}

/// What one folder holds, sorted by name, hidden entries left out.
struct Entries {
    folders: Vec<PathBuf>,
    images: Vec<PathBuf>,
    others: usize,
}

/// Lists the images of `dir`.
///
/// # Errors
/// If there are none, or the folders of a labeled set do not fit each other; where `bad` refuses,
/// if anything can't be used.
pub(super) fn scan(dir: &Path, bad: &mut BadFiles) -> Result<Listing, Error> {
    let has = |name: &str| dir.join(name).is_dir();
    if has("train") || has("unlabeled") {
        return scan_splits(dir, bad);
    }
    let entries = read_folder(dir, bad)?;
    if entries.images.is_empty() {
        return Err(unrecognized(dir, &entries));
    }
    let unlabeled = Some(Files { paths: walk_below(dir, entries, bad)?, labels: None });
    Ok(Listing {
        kind: "flat folder of images",
        unlabeled,
        train: None,
        test: None,
        class_names: Vec::new(),
    })
}

fn scan_splits(dir: &Path, bad: &mut BadFiles) -> Result<Listing, Error> {
    let folder = |name: &str| Some(dir.join(name)).filter(|path| path.is_dir());
    let unlabeled = folder("unlabeled").map(|path| scan_unlabeled(&path, bad)).transpose()?;
    let (test_path, val_path) = (folder("test"), folder("val"));
    if test_path.is_some() && val_path.is_some() {
        tracing::warn!(folder = %dir.display(), "has test/ and val/: test/ measures, val/ is not used");
    }
    let train_path = folder("train");
    let train = train_path.as_deref().map(|path| scan_classes(path, bad)).transpose()?;
    let test = test_path.or(val_path);
    let test = test
        .map(|path| scan_classes(&path, bad).map(|(files, names)| (path, files, names)))
        .transpose()?;
    let class_names = train.as_ref().map(|(_, names)| names.clone()).unwrap_or_default();
    let test = match test {
        Some((path, _, names)) if names != class_names => {
            let (expected, found) = first_difference(&class_names, &names);
            return Err(Error::Folder { path, expected, found });
        }
        other => other.map(|(_, files, _)| files),
    };
    Ok(Listing {
        kind: "image folder",
        unlabeled,
        train: train.map(|(files, _)| files),
        test,
        class_names,
    })
}

fn scan_unlabeled(dir: &Path, bad: &mut BadFiles) -> Result<Files, Error> {
    let entries = read_folder(dir, bad)?;
    let paths = walk_below(dir, entries, bad)?;
    if paths.is_empty() {
        return Err(no_images(dir));
    }
    Ok(Files { paths, labels: None })
}

/// One class a folder, in the order of their names.
fn scan_classes(dir: &Path, bad: &mut BadFiles) -> Result<(Files, Vec<String>), Error> {
    let entries = read_folder(dir, bad)?;
    let folder_error = |expected: &str, found: String| {
        Err(Error::Folder { path: dir.to_path_buf(), expected: expected.into(), found })
    };
    if let Some(image) = entries.images.first() {
        let name = image.file_name().unwrap_or_default().to_string_lossy();
        return folder_error(
            "one folder of images for each class",
            format!("the image {name} beside them"),
        );
    }
    if entries.folders.is_empty() {
        return folder_error("one folder of images for each class", "no folder".into());
    }
    if entries.folders.len() > 1 << 16 {
        return folder_error("at most 65536 classes", entries.folders.len().to_string());
    }
    let (mut paths, mut labels, mut names) = (Vec::new(), Vec::new(), Vec::new());
    for (class, folder) in entries.folders.iter().enumerate() {
        let entries = read_folder(folder, bad)?;
        paths.extend(walk_below(folder, entries, bad)?);
        if paths.len() == labels.len() {
            return Err(no_images(folder));
        }
        labels.resize(paths.len(), class as u16);
        let name = folder.file_name().unwrap_or_default();
        names.push(replace_control(name.to_string_lossy()).into_owned());
    }
    Ok((Files { paths, labels: Some(labels) }, names))
}

/// The images in `dir` and below, in the order of their paths; `entries` are those of `dir`.
fn walk_below(dir: &Path, entries: Entries, bad: &mut BadFiles) -> Result<Vec<PathBuf>, Error> {
    let mut walk = Walk { bad, seen: HashSet::new(), paths: Vec::new() };
    walk.once(dir)?;
    walk.take(dir, entries)?;
    Ok(walk.paths)
}

struct Walk<'a> {
    bad: &'a mut BadFiles,
    /// Folders listed so far, without links in their paths.
    seen: HashSet<PathBuf>,
    paths: Vec<PathBuf>,
}

impl Walk<'_> {
    fn take(&mut self, dir: &Path, entries: Entries) -> Result<(), Error> {
        if entries.others > 0 {
            tracing::debug!(folder = %dir.display(), files = entries.others, "left out files that are no images by name");
        }
        self.paths.extend(entries.images);
        for folder in entries.folders {
            let entries = self.once(&folder).and_then(|()| read_folder(&folder, self.bad));
            if let Some(entries) = self.bad.leave_out(entries)? {
                self.take(&folder, entries)?;
            }
        }
        Ok(())
    }

    /// Notes that a folder is listed.
    fn once(&mut self, folder: &Path) -> Result<(), Error> {
        let place = fs::canonicalize(folder).map_err(Error::io(folder, "open"))?;
        if self.seen.contains(&place) {
            return Err(Error::Folder {
                path: folder.to_path_buf(),
                expected: "a folder that is listed once".into(),
                found: format!("a link to {}, which is listed already", place.display()),
            });
        }
        self.seen.insert(place);
        Ok(())
    }
}

/// What is in `dir`; what can't be looked at is left out where `bad` says so.
fn read_folder(dir: &Path, bad: &mut BadFiles) -> Result<Entries, Error> {
    let mut names = Vec::new();
    for entry in fs::read_dir(dir).map_err(Error::io(dir, "list"))? {
        names.push(entry.map_err(Error::io(dir, "list"))?.path());
    }
    names.retain(|path| !path.file_name().unwrap_or_default().as_encoded_bytes().starts_with(b"."));
    names.sort_unstable();
    let mut entries = Entries { folders: Vec::new(), images: Vec::new(), others: 0 };
    for path in names {
        let sorted = entries.add(path);
        bad.leave_out(sorted)?;
    }
    Ok(entries)
}

impl Entries {
    fn add(&mut self, path: PathBuf) -> Result<(), Error> {
        let extension =
            path.extension().map(|extension| extension.to_string_lossy().to_ascii_lowercase());
        let extension = extension.as_deref().unwrap_or_default();
        // Follows links, which many curated sets are made of.
        if fs::metadata(&path).map_err(Error::io(&path, "open"))?.is_dir() {
            self.folders.push(path);
        } else if READ.contains(&extension) {
            self.images.push(path);
        } else if NOT_READ.contains(&extension) {
            return Err(Error::NotAnImage { found: format!("a .{extension} file"), path });
        } else {
            self.others += 1;
        }
        Ok(())
    }
}

/// For a split or a class without images.
pub(super) fn no_images(dir: &Path) -> Error {
    Error::Folder {
        path: dir.to_path_buf(),
        expected: "images (.jpg, .png, .webp)".into(),
        found: "none".into(),
    }
}

fn unrecognized(dir: &Path, entries: &Entries) -> Error {
    let found = match (&entries.folders[..], entries.others) {
        ([], 0) => "an empty folder".into(),
        ([], files) => format!("{files} other files"),
        ([first, ..], _) => {
            let name = first.file_name().unwrap_or_default().to_string_lossy();
            format!("{} folders, the first of them {name}", entries.folders.len())
        }
    };
    let expected =
        "STL-10 or CIFAR-10 binaries, folders train/CLASS or unlabeled, or images".into();
    Error::Folder { path: dir.to_path_buf(), expected, found }
}

/// Where the class folders of two splits first differ, as "expected" and "found" of the second.
fn first_difference(train: &[String], test: &[String]) -> (String, String) {
    let missing = train.iter().find(|name| !test.contains(name));
    let other = test.iter().find(|name| !train.contains(name));
    match (missing, other) {
        (Some(a), Some(b)) => (format!("the class folders of train, {a} among them"), b.clone()),
        (Some(a), None) => (format!("the class folder {a} as in train"), "none".to_owned()),
        (None, Some(b)) => ("the class folders of train alone".to_owned(), b.clone()),
        (None, None) => ("the class folders of train".to_owned(), "another order".to_owned()),
    }
}
