//! What an image set is opened with.

use std::path::PathBuf;

use crate::Store;
use crate::progress::{GO_ON, Report};

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

/// Options of [`open`](crate::open).
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
    /// [`Error::Interrupted`](crate::Error::Interrupted), and the images that were decoded stay in
    /// the cache.
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
