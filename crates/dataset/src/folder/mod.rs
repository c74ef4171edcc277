//! Folders of image files: listed, decoded once into a packed cache, then opened from there.

mod bad;
mod cache;
mod decode;
mod jpeg;
mod scan;
mod stamp;

use std::path::Path;

use crate::{Dataset, Error, OpenOptions};

use bad::Bad;

/// Opens a folder of images: by classes, or flat.
pub(crate) fn open(dir: &Path, options: &OpenOptions<'_>) -> Result<Dataset, Error> {
    crate::fit::check_size(options.image_size)?;
    let mut bad = match options.left_out {
        Some(_) => Bad::LeftOut(Vec::new()),
        None => Bad::Refused,
    };
    let listing = scan::scan(dir, &mut bad)?;
    let packed = cache::open_or_pack(dir, &listing, options, &mut bad)?;
    if let (Bad::LeftOut(lines), Some(left_out)) = (&bad, options.left_out) {
        lines.iter().for_each(|line| left_out(line));
    }
    Ok(Dataset {
        kind: listing.kind,
        class_names: listing.class_names,
        ..packed
    })
}
