//! Opens an image set, detecting its format.

use std::io;
use std::path::{Path, PathBuf};

use crate::progress::{GO_ON, Report};
use crate::{Dataset, Error, Store, list};

/// Where the labels of a folder of images come from.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum FolderLabels {
    /// From split folders (`train/CLASS`) or class folders (`CLASS/*`) where there are such.
    #[default]
    Auto,
    /// The folders are classes, whatever their names and what is in them.
    Folders,
    /// All images are unlabeled. Binaries lose their labels too.
    None,
    /// From a CSV file with the columns `path`, `label` and, where there is one, `split`; images
    /// without a row are unlabeled.
    File(PathBuf),
}

impl FolderLabels {
    /// What a user means by `auto`, `folders` or `none`, or by the path of a file.
    pub fn of_argument(argument: impl Into<PathBuf>) -> Self {
        let argument = argument.into();
        match argument.to_str() {
            Some("auto") => Self::Auto,
            Some("folders") => Self::Folders,
            Some("none") => Self::None,
            _ => Self::File(argument),
        }
    }
}

/// Options of [`open`].
pub struct OpenOptions<'a> {
    /// Width and height in pixels to which images of folders are resized; binaries keep their own
    /// size.
    pub image_size: usize,
    /// What training views are cut from, of images of folders.
    pub store: Store,
    /// Where labels come from, in a folder of images.
    pub labels: FolderLabels,
    /// Cache of decoded image folders; by default `twinview/packed` in the user's cache
    /// folder.
    pub cache_dir: Option<PathBuf>,
    /// Called while images are decoded. Where it breaks, opening ends with
    /// [`Error::Interrupted`], and the images that were decoded stay in the cache.
    pub progress: Report<'a>,
    /// Called with a message for each unreadable file or folder, and each row of a file of labels
    /// without an image, which are then left out. `None` makes these errors.
    pub left_out: Option<&'a (dyn Fn(&str) + Sync)>,
}

impl Default for OpenOptions<'_> {
    fn default() -> Self {
        Self {
            image_size: 96,
            store: Store::Square,
            labels: FolderLabels::Auto,
            cache_dir: None,
            progress: GO_ON,
            left_out: None,
        }
    }
}

/// Opens the dataset in `dir`, a folder or an archive; its format is detected from its files.
///
/// - STL-10 binaries: `unlabeled_X.bin`, `train_X.bin` and `train_y.bin`, `test_X.bin` and
///   `test_y.bin`, `class_names.txt`, `fold_indices.txt`; other image sizes and class counts with
///   the `shape.json` that [`write_stl10`](crate::write_stl10) adds. There must be
///   `unlabeled_X.bin` or `train_X.bin`.
/// - CIFAR-10 binaries: `data_batch_1.bin` to `data_batch_5.bin`, `test_batch.bin`,
///   `batches.meta.txt`.
/// - Image folders (JPEG, PNG, WebP, TIFF, BMP, GIF, PPM): `train/CLASS/`, `test/CLASS/` (or `val`,
///   `valid`, `validation`) and `unlabeled/`; or `CLASS/*` alone, which is a training split.
///   Classes are numbered in the order of their names.
/// - Any other folder with images in it or below: unlabeled.
/// - A folder of images with labels in a CSV file ([`FolderLabels::File`]).
/// - Archives of images (`.tar`, `.zip`, `.parquet`), one or a folder of them: as the folder that
///   they pack, or with the labels of WebDataset samples or of a column.
///
/// Binaries are mapped: opening reads labels and names, not images. Images of folders have their
/// shorter side resized to `image_size` (bilinear, antialiased) and their center cropped, once,
/// into a cache. By [`store`](OpenOptions::store) the whole images are kept beside them, or read
/// again, for [`Split::whole_image`](crate::Split::whole_image).
///
/// # Errors
/// If there is no image set in `dir`, or one of its lengths, labels or images is wrong; with
/// [`left_out`](OpenOptions::left_out), if a split or a class has no image that can be used.
pub fn open(dir: &Path, options: &OpenOptions<'_>) -> Result<Dataset, Error> {
    list(&[dir], options)?.open(options)
}

pub(crate) fn check_folder(dir: &Path) -> Result<(), Error> {
    match std::fs::metadata(dir) {
        Ok(metadata) if metadata.is_dir() => Ok(()),
        Ok(_) => Err(Error::NotASet { path: dir.to_path_buf() }),
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            Err(Error::Missing { path: dir.to_path_buf(), expected: "a folder of images" })
        }
        Err(error) => Err(Error::io(dir, "open")(error)),
    }
}
