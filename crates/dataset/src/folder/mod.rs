//! Folders of image files: listed, decoded once into a packed cache, then opened from there.

mod cache;
mod decode;
mod jpeg;
mod scan;

use std::path::Path;

use crate::{Dataset, Error, OpenOptions};

/// Opens a folder of images: by classes, or flat.
pub(crate) fn open(dir: &Path, options: &OpenOptions<'_>) -> Result<Dataset, Error> {
    crate::fit::check_size(options.image_size)?;
    let listing = scan::scan(dir)?;
    let packed = cache::open_or_pack(dir, &listing, options)?;
    Ok(Dataset {
        kind: listing.kind,
        class_names: listing.class_names,
        ..packed
    })
}
