//! Recognising what a folder holds.

use std::io;
use std::path::{Path, PathBuf};

use crate::progress::Report;
use crate::{Dataset, Error, stl10};

/// How to open a folder.
pub struct OpenOptions<'a> {
    /// Width and height that the images of image folders are brought to, in pixels. Binaries have their own.
    pub image_size: usize,
    /// Where decoded image folders are kept; by default `twinview/packed` in the user's cache folder.
    pub cache_dir: Option<PathBuf>,
    /// Called while images are decoded.
    pub progress: Report<'a>,
}

impl Default for OpenOptions<'_> {
    fn default() -> Self {
        Self { image_size: 96, cache_dir: None, progress: &|_| {} }
    }
}

/// Opens the image set in `dir`, recognised by what is in it.
///
/// - STL-10 binaries: `unlabeled_X.bin`, `train_X.bin` and `train_y.bin`, `test_X.bin` and `test_y.bin`,
///   memory-mapped; other image sizes and class counts with the `shape.json` that [`write_stl10`] writes.
///
/// # Errors
/// If there is no image set that this crate knows, or one of its lengths, labels or images is wrong.
pub fn open(dir: &Path, options: &OpenOptions<'_>) -> Result<Dataset, Error> {
    let _ = options;
    check_folder(dir)?;
    stl10::open(dir)
}

fn check_folder(dir: &Path) -> Result<(), Error> {
    match std::fs::metadata(dir) {
        Ok(metadata) if metadata.is_dir() => Ok(()),
        Ok(_) => Err(Error::NotAFolder { path: dir.to_path_buf() }),
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            Err(Error::Missing { path: dir.to_path_buf(), expected: "a folder of images" })
        }
        Err(error) => Err(Error::io(dir, "open")(error)),
    }
}
