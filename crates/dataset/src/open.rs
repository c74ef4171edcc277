//! Opens an image set, detecting its format.

use std::path::Path;

use crate::{Dataset, Error, OpenOptions, list};

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
/// - A folder of images with labels in a CSV file
///   ([`FolderLabels::File`](crate::FolderLabels::File)).
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
