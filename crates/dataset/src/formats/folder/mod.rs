//! Folders of image files: listed, decoded once into a packed cache, then opened from there.

mod bad_files;
mod cache;
mod decode;
mod entries;
mod file_stamp;
mod jpeg;
mod scan;
#[cfg(test)]
mod tests;
mod tiff_palette;
mod unused;
mod walk;

use std::path::Path;

use crate::resize::{Resizer, check_size};
use crate::{Dataset, Error, FolderLabels, OpenOptions, PixelOrder, Split};

use bad_files::BadFiles;

/// Opens a folder of images: by classes, or flat.
pub(crate) fn open(dir: &Path, options: &OpenOptions<'_>) -> Result<Dataset, Error> {
    check_size(options.image_size)?;
    let mut bad = match options.left_out {
        Some(_) => BadFiles::LeftOut(Vec::new()),
        None => BadFiles::Refused,
    };
    let listing = scan::scan(dir, options.labels, &mut bad)?;
    if let Some(unused) = listing.unused.line() {
        tracing::warn!("{}: not used: {unused}", dir.display());
    }
    if listing.kind == "class folders" && options.labels == FolderLabels::Auto {
        tracing::info!(
            "{}: {} folders taken for classes",
            dir.display(),
            listing.class_names.len()
        );
    }
    let packed = cache::open_or_pack(dir, &listing, options, &mut bad)?;
    if let (BadFiles::LeftOut(lines), Some(left_out)) = (&bad, options.left_out) {
        lines.iter().for_each(|line| left_out(line));
    }
    Ok(Dataset { kind: listing.kind, class_names: listing.class_names, ..packed })
}

/// One image file as a split of one image, brought to `size` x `size` pixels as the
/// images of folders are.
///
/// # Errors
/// If it can't be read or used, or the size is outside 8 to 4096 pixels.
pub fn read_image(path: &Path, size: usize) -> Result<Split, Error> {
    check_size(size)?;
    let image = decode::decode_file(path)?;
    let mut planes = vec![0; 3 * size * size];
    Resizer::new().fit_pixels(&image, &mut planes, size);
    Ok(Split::in_memory(planes, None, size, size, PixelOrder::RowMajor))
}

/// Width and height of the image file at `path`, of its first bytes alone; `None` where there is
/// no such file or it is no image.
pub fn image_dimensions(path: &Path) -> Option<(u32, u32)> {
    // Opening a pipe might never end.
    if !path.is_file() {
        return None;
    }
    image::ImageReader::open(path).ok()?.with_guessed_format().ok()?.into_dimensions().ok()
}
