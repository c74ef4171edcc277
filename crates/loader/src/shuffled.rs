//! Reading a split once in a random order, a view of each image, for classifiers that are trained
//! on one.

use augment::{Recipe, Renderer, ViewKey};
use dataset::Split;

use crate::sampler::{self, Stream};
use crate::{Error, ViewBlock};

/// A view by `recipe` of every image of `split`, in the order of `epoch`, `batch` at a time, with
/// the indices of the images; the last block may be smaller. A pure function of these and of
/// `seed`.
///
/// A `batch` of 0 counts as 1.
///
/// # Errors
/// [`Error::Set`] for a block that was read from files that have changed since the set was opened.
///
/// # Panics
/// If the recipe can't be followed (see [`Recipe::validate`]).
pub fn shuffled(
    split: &Split,
    recipe: &Recipe,
    seed: u64,
    epoch: u32,
    batch: usize,
) -> impl Iterator<Item = Result<(ViewBlock, Vec<u32>), Error>> {
    let mut order = vec![0; split.len()];
    sampler::shuffle(&mut order, seed, epoch, Stream::Labeled);
    let batch = batch.max(1);
    let side = recipe.size;
    let mut renderer = Renderer::new();
    (0..order.len()).step_by(batch).map(move |first| {
        let indices = &order[first..order.len().min(first + batch)];
        let mut block = ViewBlock::new(1, indices.len(), side, side);
        let places = block.bytes.chunks_exact_mut(3 * side * side);
        for (&index, place) in indices.iter().zip(places) {
            let key = ViewKey { seed, epoch, image: u64::from(index), view: 0 };
            renderer.render(recipe, &split.image(index as usize), key, place);
        }
        split.check().map_err(|error| Error::Set(error.to_string()))?;
        Ok((block, indices.to_vec()))
    })
}

#[cfg(test)]
mod tests {
    use dataset::PixelOrder;

    use super::*;

    #[test]
    fn every_image_once_an_epoch_each_time_in_another_order_and_view() {
        let bytes = (0..7 * 3 * 16 * 16).map(|i| (i * 7 % 251) as u8).collect();
        let split = Split::in_memory(bytes, None, 16, 16, PixelOrder::RowMajor);
        let recipe = Recipe::seed_weak(12);
        let epoch = |epoch, batch| {
            let (mut rows, mut views) = (Vec::new(), vec![Vec::new(); 7]);
            for read in shuffled(&split, &recipe, 5, epoch, batch) {
                let (block, indices) = read.unwrap();
                assert_eq!((block.views, block.images), (1, indices.len()));
                assert!(block.images <= batch);
                for (index, view) in indices.iter().zip(block.bytes.chunks(3 * 12 * 12)) {
                    views[*index as usize] = view.to_vec();
                }
                rows.extend(indices);
            }
            (rows, views)
        };
        let (first, views) = epoch(0, 3);
        assert_eq!(epoch(0, 3), (first.clone(), views.clone()));
        // The size of a batch changes neither order nor views.
        assert_eq!(epoch(0, 100), (first.clone(), views.clone()));
        let (second, others) = epoch(1, 3);
        assert_ne!(first, second);
        assert!(views.iter().zip(&others).all(|(a, b)| a != b));
        for mut rows in [first, second] {
            rows.sort_unstable();
            assert_eq!(rows, (0..7).collect::<Vec<u32>>());
        }
    }
}
