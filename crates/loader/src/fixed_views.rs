//! The same views of the same images every time: what health is measured on.

use augment::{Recipe, Renderer, ViewKey};
use dataset::Split;

use crate::ViewBlock;

/// An epoch that no training reaches, so that the views are none that are trained on.
const EPOCH: u32 = u32::MAX;

/// Up to `count` evenly spaced images of `split`, a view by each of `recipes`: a pure function of
/// these and of `seed`.
///
/// # Panics
/// If the recipes are of different sizes, or one can't be followed (see [`Recipe::validate`]).
pub fn fixed_views(split: &Split, recipes: &[Recipe], seed: u64, count: usize) -> ViewBlock {
    let indices = split.evenly_spaced(count);
    let size = recipes.first().map_or(0, |recipe| recipe.size);
    let mut block = ViewBlock::new(recipes.len(), indices.len(), size, size);
    let mut renderer = Renderer::new();
    let mut places = block.bytes.chunks_exact_mut((3 * size * size).max(1));
    for &index in &indices {
        for (view, recipe) in (0..).zip(recipes) {
            assert_eq!(recipe.size, size, "views of a sample have one size");
            let key = ViewKey { seed, epoch: EPOCH, image: index as u64, view };
            let place = places.next().expect("a place for every view");
            renderer.render(recipe, &split.image(index), key, place);
        }
    }
    block
}

#[cfg(test)]
mod tests {
    use dataset::PixelOrder;

    use super::*;

    #[test]
    fn a_sample_is_the_same_every_time_and_depends_on_the_seed() {
        let bytes = (0..6 * 3 * 16 * 16).map(|i| (i * 7 % 251) as u8).collect();
        let split = Split::in_memory(bytes, None, 16, 16, PixelOrder::RowMajor);
        let recipes = [Recipe::seed_strong(12), Recipe::seed_strong(12)];
        let first = fixed_views(&split, &recipes, 3, 4);
        assert_eq!((first.views, first.images, first.height), (2, 4, 12));
        assert_eq!(first, fixed_views(&split, &recipes, 3, 4));
        assert_ne!(first, fixed_views(&split, &recipes, 4, 4));
        let view = 3 * 12 * 12;
        assert_ne!(first.bytes[..view], first.bytes[view..2 * view]);
        assert_eq!(fixed_views(&split, &recipes, 3, 99).images, 6);
    }
}
