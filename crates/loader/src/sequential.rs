//! Reading a split in order, without augmentation.

use augment::{Recipe, Renderer, ViewKey};
use dataset::Split;

use crate::{Error, Shard, ViewBlock};

/// The images of `split` in order, unaugmented, `batch` at a time; the last block may be smaller.
///
/// Images of another size than `side` x `side` pixels are resized as a view without a crop is:
/// whole, bilinear, antialiased where they shrink. Blocks have one view; bytes are planar and
/// row-major whatever the split's order on disk. A `batch` of 0 counts as 1.
///
/// # Errors
/// [`Error::Set`] for a block that was read from files that have changed since the set was opened.
pub fn sequential(
    split: &Split,
    side: usize,
    batch: usize,
) -> impl Iterator<Item = Result<ViewBlock, Error>> {
    sequential_blocks(split, side, batch, Shard::WHOLE)
}

/// Of the blocks of [`sequential`] those of one process: with three processes those of the second
/// are the second, the fifth, the eighth and so on.
///
/// # Errors
/// As [`sequential`].
pub fn sequential_blocks(
    split: &Split,
    side: usize,
    batch: usize,
    shard: Shard,
) -> impl Iterator<Item = Result<ViewBlock, Error>> {
    let batch = batch.max(1);
    let mut read = Reader::new(split, side);
    let own = (0..split.len()).step_by(batch).skip(shard.rank).step_by(shard.world_size);
    own.map(move |first| {
        let images = batch.min(split.len() - first);
        let mut block = ViewBlock::new(1, images, side, side);
        let places = block.bytes.chunks_exact_mut(3 * side * side);
        places.enumerate().for_each(|(i, place)| read.image(first + i, place));
        split.check().map_err(|error| Error::Set(error.to_string()))?;
        Ok(block)
    })
}

/// Copies images out of a split, resized where need be.
struct Reader<'a> {
    split: &'a Split,
    turned: Vec<u8>,
    resize: Option<(Renderer, Recipe)>,
}

impl<'a> Reader<'a> {
    fn new(split: &'a Split, side: usize) -> Self {
        let fits = (split.width(), split.height()) == (side, side);
        let whole = Recipe { size: side, transforms: Vec::new() };
        let resize = (!fits).then(|| (Renderer::new(), whole));
        Self { split, turned: Vec::new(), resize }
    }

    fn image(&mut self, index: usize, out: &mut [u8]) {
        let image = self.split.image(index);
        match &mut self.resize {
            None => out.copy_from_slice(image.row_major(&mut self.turned)),
            Some((renderer, whole)) => {
                // Nothing is drawn for a recipe without operations, so any key will do.
                let key = ViewKey { seed: 0, epoch: 0, image: index as u64, view: 0 };
                renderer.render(whole, &image, key, out);
            }
        }
    }
}
