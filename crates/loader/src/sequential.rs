//! Reading a split in order, as it is.

use dataset::Split;

use crate::Block;

/// The images of `split` in order, unaugmented, `batch` at a time; the last block may be smaller.
///
/// Blocks have one view; bytes are planar and row-major whatever the split's order on disk.
/// A `batch` of 0 counts as 1.
pub fn sequential(split: &Split, batch: usize) -> impl Iterator<Item = Block> {
    let batch = batch.max(1);
    let (width, height) = (split.width(), split.height());
    let mut turned = Vec::new();
    (0..split.len()).step_by(batch).map(move |first| {
        let images = batch.min(split.len() - first);
        let mut block = Block::new(1, images, height, width);
        let places = block.bytes.chunks_exact_mut(3 * height * width);
        for (i, place) in places.enumerate() {
            place.copy_from_slice(split.image(first + i).row_major(&mut turned));
        }
        block
    })
}
