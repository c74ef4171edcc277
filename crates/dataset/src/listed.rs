//! Image sets that were found and counted, their images not decoded yet.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use crate::formats::archive_format::ArchiveFormat;
use crate::formats::folder::{self, ListedFolder, label_images};
use crate::formats::{cifar10, stl10};
use crate::union::unite;
use crate::{Dataset, Error, FileSurvey, FolderLabels, OpenOptions, Store, StoreChoice};

/// Files of a folder whose sizes are looked at to choose a store.
const SAMPLE: usize = 64;

/// One or several image sets, listed by [`list`] and to be opened as one dataset.
#[derive(Debug)]
pub struct ListedDataset {
    paths: Vec<PathBuf>,
    parts: Vec<Part>,
    outline: Dataset,
}

#[derive(Debug)]
enum Part {
    /// Binaries, which are open at once.
    Open(Box<Dataset>),
    Folder(Box<ListedFolder>),
}

/// Finds the datasets in `paths` and counts their images, which takes milliseconds where decoding
/// them takes minutes. [`ListedDataset::open`] decodes them.
///
/// Several sets become one dataset: the images of each split follow each other in the order of
/// `paths`, and classes of the same name are one. The names of images then begin with the names of
/// their folders.
///
/// # Errors
/// As [`open`](crate::open), but for images that can't be used; if a folder is given twice, or the
/// sets have images of different sizes.
///
/// # Panics
/// If `paths` is empty.
pub fn list(paths: &[impl AsRef<Path>], options: &OpenOptions<'_>) -> Result<ListedDataset, Error> {
    assert!(!paths.is_empty(), "no path");
    let paths: Vec<PathBuf> = paths.iter().map(|path| path.as_ref().to_owned()).collect();
    refuse_repetition(&paths)?;
    let is_test = splits_by_name(&paths);
    let parts: Result<Vec<Part>, Error> = paths
        .iter()
        .zip(&is_test)
        .map(|(path, is_test)| Part::list(path, *is_test, options))
        .collect();
    let mut parts = parts?;
    if let FolderLabels::File(file) = &options.labels {
        let folders = parts.iter_mut().filter_map(Part::folder).collect();
        label_images(file, folders, options.left_out.is_some())?;
    }
    for (part, is_test) in parts.iter_mut().zip(&is_test) {
        let Some(folder) = part.folder() else { continue };
        if *is_test && options.labels != FolderLabels::None {
            folder.leave_out_unlabeled();
        }
        folder.plan(options)?;
    }
    let outlines = parts.iter().map(|part| part.outline(options)).collect();
    let outline = unite(outlines, &paths)?;
    Ok(ListedDataset { paths, parts, outline })
}

impl ListedDataset {
    /// The dataset as it will be if all images can be used: splits, labels and sizes, without
    /// pixels. Asking for an image panics.
    pub fn outline(&self) -> &Dataset {
        &self.outline
    }

    /// Whether opening for a store decodes nothing, as all images are in binaries or in the cache.
    pub fn is_decoded(&self, store: Store) -> bool {
        self.parts.iter().all(|part| match part {
            Part::Open(_) => true,
            Part::Folder(folder) => folder.is_decoded(store),
        })
    }

    /// The store that suits the training images, by the sizes of some and by their number. It is
    /// the square where all sets are binaries.
    pub fn choose_store(&self, image_size: usize) -> StoreChoice {
        let folders = self.parts.iter().filter_map(|part| match part {
            Part::Open(_) => None,
            Part::Folder(folder) => Some(&**folder),
        });
        let folders: Vec<&ListedFolder> = folders.collect();
        let Some(count) = folders.iter().map(|of| of.training_files().count()).reduce(|a, b| a + b)
        else {
            let reason = "binaries have squares alone".to_owned();
            return StoreChoice { store: Store::Square, reason };
        };
        let sizes: Vec<[u32; 2]> =
            folders.iter().flat_map(|folder| folder.some_sizes(SAMPLE)).collect();
        let is_read_apart = folders.iter().all(|folder| folder.is_read_apart());
        StoreChoice::new(&sizes, count, image_size, is_read_apart)
    }

    /// What the files of its folders are; `None` where all sets are binaries. Copies are found
    /// once the set was [opened](Self::open).
    pub fn survey(&self) -> Option<FileSurvey> {
        let folders = self.parts.iter().filter_map(|part| match part {
            Part::Open(_) => None,
            Part::Folder(folder) => Some(&**folder),
        });
        let folders: Vec<&ListedFolder> = folders.collect();
        (!folders.is_empty()).then(|| folder::survey::survey(&folders, &self.paths))
    }

    /// Opens the dataset; `options` are those that it was listed with, but for the store.
    ///
    /// # Errors
    /// If an image can't be used; with [`left_out`](OpenOptions::left_out), if a split or a class
    /// has no image that can be used.
    pub fn open(&self, options: &OpenOptions<'_>) -> Result<Dataset, Error> {
        let sets = self.parts.iter().map(|part| match part {
            Part::Open(set) => Ok((**set).clone()),
            Part::Folder(folder) => folder.open(options),
        });
        unite(sets.collect::<Result<_, _>>()?, &self.paths)
    }
}

impl Part {
    fn list(path: &Path, is_test: bool, options: &OpenOptions<'_>) -> Result<Self, Error> {
        if ArchiveFormat::of_file(path).is_some() {
            let mut archive = folder::list(path, options)?;
            if is_test {
                archive.make_test();
            }
            return Ok(Self::Folder(Box::new(archive)));
        }
        check_folder(path)?;
        let set = if stl10::found_in(path)? {
            stl10::open(path)?
        } else if cifar10::found_in(path)? {
            cifar10::open(path)?
        } else {
            return Ok(Self::Folder(Box::new(folder::list(path, options)?)));
        };
        match &options.labels {
            FolderLabels::Auto | FolderLabels::Folders => Ok(Self::Open(Box::new(set))),
            FolderLabels::None => Ok(Self::Open(Box::new(set.into_unlabeled()))),
            FolderLabels::File(_) => Err(Error::Folder {
                path: path.to_owned(),
                expected: "a folder of images to label by a file".into(),
                found: set.kind.into(),
            }),
        }
    }

    fn folder(&mut self) -> Option<&mut ListedFolder> {
        match self {
            Self::Open(_) => None,
            Self::Folder(folder) => Some(folder),
        }
    }

    fn outline(&self, options: &OpenOptions<'_>) -> Dataset {
        match self {
            Self::Open(set) => (**set).clone(),
            Self::Folder(folder) => folder.outline(options.image_size),
        }
    }
}

fn check_folder(dir: &Path) -> Result<(), Error> {
    match fs::metadata(dir) {
        Ok(metadata) if metadata.is_dir() => Ok(()),
        Ok(_) => Err(Error::NotASet { path: dir.to_path_buf() }),
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            Err(Error::Missing { path: dir.to_path_buf(), expected: "a folder of images" })
        }
        Err(error) => Err(Error::io(dir, "open")(error)),
    }
}

/// For each path whether it is an archive of test images by its name, as `test.tar` beside
/// `train.tar`. There are others then, to train on.
fn splits_by_name(paths: &[PathBuf]) -> Vec<bool> {
    let is_test: Vec<bool> = paths.iter().map(|path| folder::is_test_archive(path)).collect();
    match is_test.iter().all(|is_test| *is_test) {
        true => vec![false; paths.len()],
        false => is_test,
    }
}

/// Refuses a folder that is given twice, or that is in another one: its images would be there
/// twice.
fn refuse_repetition(paths: &[PathBuf]) -> Result<(), Error> {
    // What doesn't exist is refused where it is opened.
    let places: Vec<Option<PathBuf>> =
        paths.iter().map(|path| fs::canonicalize(path).ok()).collect();
    for (index, place) in places.iter().enumerate() {
        let Some(place) = place else { continue };
        for (other, path) in places.iter().zip(paths).take(index) {
            let Some(other) = other else { continue };
            let found = match () {
                () if place == other => "it twice".to_owned(),
                () if place.starts_with(other) => format!("one that is in {}", path.display()),
                () if other.starts_with(place) => format!("one that {} is in", path.display()),
                () => continue,
            };
            let path = paths[index].clone();
            let expected = "each folder once".into();
            return Err(Error::Folder { path, expected, found });
        }
    }
    Ok(())
}
