//! Lists the images of a folder by split and class.
//!
//! Three layouts are known: split folders (`train/CLASS`, `test/CLASS`, `unlabeled`), class folders
//! (`CLASS/*`), and images in any folders. Order is that of paths, so a folder gives the same set
//! everywhere. What isn't used is noted.

use std::path::{Path, PathBuf};

use files::replace_control;

use super::archive::{Archives, Found, scan_labeled};
use super::bad_files::BadFiles;
use super::entries::Entries;
use super::listing::{Files, Listing, images, no_images};
use super::source::Source;
use super::split_name::{TEST, TRAIN, UNLABELED};
use super::unused::Unused;
use super::walk::Walk;
use crate::formats::archive_format::ArchiveFormat;
use crate::union::MAX_CLASSES;
use crate::{Error, FolderLabels};

/// Lists the images of `dir`, a folder or an archive.
///
/// # Errors
/// If there are none, or the folders of a labeled set do not fit each other; where `bad` refuses,
/// if anything can't be used.
pub(super) fn scan(
    dir: &Path,
    labels: &FolderLabels,
    bad: &mut BadFiles,
) -> Result<Listing, Error> {
    if ArchiveFormat::of_file(dir).is_some() {
        let archives = Archives::open(dir, vec![dir.to_owned()], false, bad)?;
        return scan_archives(dir, archives, Vec::new(), labels, bad);
    }
    let before = bad.clone();
    let error = match scan_source(dir, &Source::Folders, unused(labels), labels, bad) {
        Err(error @ Error::Folder { .. }) => error,
        scanned => return scanned,
    };
    // Where there are no images, there may be archives of them.
    *bad = before;
    let Some(Found { archives, others }) = Archives::find(dir, bad)? else { return Err(error) };
    let archives = Archives::open(dir, archives, true, bad)?;
    scan_archives(dir, archives, others, labels, bad)
}

fn unused(labels: &FolderLabels) -> Unused {
    match labels {
        FolderLabels::File(file) => Unused::new(Some(file)),
        _ => Unused::new(None),
    }
}

/// The images of `archives`; beside these are `others`, which are no archives.
fn scan_archives(
    dir: &Path,
    archives: Archives,
    others: Vec<PathBuf>,
    labels: &FolderLabels,
    bad: &mut BadFiles,
) -> Result<Listing, Error> {
    let mut unused = unused(labels);
    others.iter().for_each(|path| unused.add_file(path));
    let kind = archives.kind();
    let is_labeled = *labels == FolderLabels::Auto && archives.is_labeled();
    let source = Source::Archives(Box::new(archives));
    let listing = match &source {
        Source::Archives(archives) if is_labeled => {
            let listing = scan_labeled(dir, archives, &mut unused);
            listing.map(|listing| Listing { unused, ..listing })
        }
        source => scan_source(dir, source, unused, labels, bad),
    };
    Ok(Listing { kind, source: source.into(), ..listing? })
}

/// The images of `dir` in `source`, with what isn't used beside what is in `unused`.
fn scan_source(
    dir: &Path,
    source: &Source,
    mut unused: Unused,
    labels: &FolderLabels,
    bad: &mut BadFiles,
) -> Result<Listing, Error> {
    let mut walk = Walk::new(source, bad, &mut unused);
    let entries = walk.read(dir)?;
    let splits = Splits::find(&entries.folders);
    let listing = match labels {
        FolderLabels::Auto | FolderLabels::Folders if splits.is_set() => {
            splits.scan(entries, &mut walk)
        }
        FolderLabels::Folders => scan_class_folders(dir, entries, &mut walk),
        FolderLabels::Auto => {
            if are_classes(&entries, &mut walk) {
                scan_class_folders(dir, entries, &mut walk)
            } else {
                scan_unlabeled(dir, entries, &mut walk)
            }
        }
        FolderLabels::None | FolderLabels::File(_) => scan_unlabeled(dir, entries, &mut walk),
    };
    Ok(Listing { unused, ..listing? })
}

/// All images below `dir`, without labels.
fn scan_unlabeled(dir: &Path, entries: Entries, walk: &mut Walk<'_>) -> Result<Listing, Error> {
    let first = entries.folders.first().map(|folder| quoted(folder));
    let paths = walk.of(dir, entries)?;
    if paths.is_empty() {
        return Err(unrecognized(dir, first, walk.unused));
    }
    let unlabeled = Some(Files { paths, labels: None });
    Ok(Listing { kind: "folder of images", unlabeled, ..Listing::default() })
}

/// `CLASS/*`: a training split.
fn scan_class_folders(dir: &Path, entries: Entries, walk: &mut Walk<'_>) -> Result<Listing, Error> {
    let (train, class_names) = scan_classes(dir, entries, walk)?;
    let class_folders = true;
    let train = Some(train);
    let kind = "class folders";
    Ok(Listing { kind, class_folders, train, class_names, ..Listing::default() })
}

/// Whether folders are taken for classes without being asked: there are several, images lie in
/// them and nowhere else, and their names aren't dates, as those of albums are.
fn are_classes(entries: &Entries, walk: &mut Walk<'_>) -> bool {
    if entries.folders.len() < 2 || !entries.images.is_empty() {
        return false;
    }
    if entries.folders.iter().all(|folder| is_date(&quoted(folder))) {
        return false;
    }
    // What can't be read is told where the folder is listed.
    let is_class = |inner: &Entries| !inner.images.is_empty() && inner.folders.is_empty();
    entries.folders.iter().all(|folder| walk.read_ahead(folder).is_ok_and(is_class))
}

/// Whether a name begins with a year, as in `2023`, `2023-05` and `20230514 Rome`.
fn is_date(name: &str) -> bool {
    let digits = name.bytes().take_while(u8::is_ascii_digit).count();
    let is_year = name.starts_with("19") || name.starts_with("20");
    is_year && matches!(digits, 4 | 6 | 8)
}

/// The folders of splits among those of a set.
struct Splits {
    train: Option<PathBuf>,
    unlabeled: Option<PathBuf>,
    test: Option<PathBuf>,
}

impl Splits {
    fn find(folders: &[PathBuf]) -> Self {
        let named = |names: &[&str]| {
            let find = |name: &&str| {
                folders.iter().find(|folder| quoted(folder).eq_ignore_ascii_case(name))
            };
            names.iter().find_map(find).cloned()
        };
        Self { train: named(&TRAIN), unlabeled: named(&UNLABELED), test: named(&TEST) }
    }

    /// Whether there is something to train on.
    fn is_set(&self) -> bool {
        self.train.is_some() || self.unlabeled.is_some()
    }

    fn scan(self, entries: Entries, walk: &mut Walk<'_>) -> Result<Listing, Error> {
        let mut listing =
            Listing { kind: "image folder", class_folders: true, ..Listing::default() };
        let mut unlabeled = None;
        if let Some(path) = &self.unlabeled {
            let paths = walk.below(path)?;
            if paths.is_empty() {
                return Err(no_images(path));
            }
            unlabeled = Some(paths);
        }
        if let Some(path) = &self.train {
            let inner = walk.read(path)?;
            if inner.folders.is_empty() && !inner.images.is_empty() {
                // A training split without classes.
                unlabeled.get_or_insert_default().extend(walk.of(path, inner)?);
            } else {
                let (train, class_names) = scan_classes(path, inner, walk)?;
                listing.train = Some(train);
                listing.class_names = class_names;
            }
        }
        if let Some(path) = &self.test {
            listing.test = scan_test(path, &listing.class_names, walk)?;
        }
        listing.unlabeled = unlabeled.map(|paths| Files { paths, labels: None });
        self.note_unused(entries, walk)?;
        Ok(listing)
    }

    /// Notes what lies beside the split folders.
    fn note_unused(&self, entries: Entries, walk: &mut Walk<'_>) -> Result<(), Error> {
        entries.note_others(walk.unused);
        entries.images.iter().for_each(|path| walk.unused.add_file(path));
        let used = [&self.train, &self.unlabeled, &self.test];
        for folder in entries.folders {
            if !used.contains(&&Some(folder.clone())) {
                let count =
                    Walk::new(walk.source, walk.bad, &mut Unused::default()).below(&folder)?.len();
                walk.unused.add_folder(&folder, &images(count));
            }
        }
        Ok(())
    }
}

/// The test split, its classes numbered as those of the training split; none without classes.
fn scan_test(
    dir: &Path,
    class_names: &[String],
    walk: &mut Walk<'_>,
) -> Result<Option<Files>, Error> {
    let entries = walk.read(dir)?;
    if class_names.is_empty() || entries.folders.is_empty() {
        let count = walk.of(dir, entries)?.len();
        walk.unused.add_folder(dir, &format!("{} without class folders", images(count)));
        return Ok(None);
    }
    let (mut files, names) = scan_classes(dir, entries, walk)?;
    let number = |name: &String| match class_names.binary_search(name) {
        Ok(class) => Ok(class as u16),
        Err(_) => Err(Error::Folder {
            path: dir.join(name),
            expected: "a class of the training images".into(),
            found: format!("none of that name among their {}", class_names.len()),
        }),
    };
    let numbers: Vec<u16> = names.iter().map(number).collect::<Result<_, _>>()?;
    let labels = files.labels.iter_mut().flatten();
    labels.for_each(|label| *label = numbers[usize::from(*label)]);
    if names.len() < class_names.len() {
        let lacking: Vec<&str> =
            class_names.iter().filter(|name| !names.contains(name)).map(String::as_str).collect();
        tracing::warn!("{}: no images of {}", dir.display(), lacking.join(", "));
    }
    Ok(Some(files))
}

/// One class a folder, in the order of their names.
pub(super) fn scan_classes(
    dir: &Path,
    entries: Entries,
    walk: &mut Walk<'_>,
) -> Result<(Files, Vec<String>), Error> {
    let folder_error = |expected: &str, found: String| {
        Err(Error::Folder { path: dir.to_path_buf(), expected: expected.into(), found })
    };
    if entries.folders.is_empty() {
        return folder_error("one folder of images for each class", "no folder".into());
    }
    if entries.folders.len() > MAX_CLASSES {
        return folder_error("at most 65535 classes", entries.folders.len().to_string());
    }
    entries.note_others(walk.unused);
    entries.images.iter().for_each(|path| walk.unused.add_file(path));
    let (mut paths, mut labels, mut names) = (Vec::new(), Vec::new(), Vec::new());
    for (class, folder) in entries.folders.iter().enumerate() {
        paths.extend(walk.below(folder)?);
        if paths.len() == labels.len() {
            return Err(no_images(folder));
        }
        labels.resize(paths.len(), class as u16);
        names.push(replace_control(quoted(folder).into()).into_owned());
    }
    Ok((Files { paths, labels: Some(labels) }, names))
}

/// The last part of a path.
fn quoted(path: &Path) -> String {
    path.file_name().unwrap_or_default().to_string_lossy().into_owned()
}

/// For a folder in which there is no image at all; `folder` is the first one in it.
fn unrecognized(dir: &Path, folder: Option<String>, unused: &Unused) -> Error {
    let found = match (unused.line(), folder) {
        (Some(unused), _) => unused,
        (None, Some(first)) => format!("folders without images, the first of them {first}"),
        (None, None) => "an empty folder".into(),
    };
    let expected = "STL-10 or CIFAR-10 binaries, or images".into();
    Error::Folder { path: dir.to_path_buf(), expected, found }
}
