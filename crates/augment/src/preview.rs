//! Previews of recipes: a sheet of images and their views.

use dataset::{Sheet, Split};

use crate::{Recipe, Renderer, ViewKey};

/// Up to `rows` evenly spaced images of `split`, one a row: first its center square, then one view
/// by each recipe, `repeats` times over. They are the views that a run with this `seed` makes in
/// its first epochs.
///
/// # Panics
/// If the split is empty, or a recipe can't be followed (see [`Recipe::validate`]).
///
/// # Errors
/// As [`Renderer::render_views`].
pub fn preview(
    split: &Split,
    recipes: &[Recipe],
    seed: u64,
    rows: usize,
    repeats: usize,
) -> Result<Sheet, dataset::Error> {
    let indices = split.evenly_spaced(rows.max(1));
    assert!(!indices.is_empty(), "a preview of no images");
    let largest = recipes.iter().map(|recipe| recipe.size).max().unwrap_or(0);
    let (width, height) = (split.width().max(largest), split.height().max(largest));
    let columns = 1 + recipes.len() * repeats;
    let mut sheet = Sheet::new(columns, indices.len(), width, height);
    let mut renderer = Renderer::new();
    let (mut scratch, mut out) = (Vec::new(), Vec::new());
    for (row, index) in indices.into_iter().enumerate() {
        let planes = split.image(index).row_major(&mut scratch);
        sheet.place([0, row], planes, split.width(), split.height());
        for column in 0..recipes.len() * repeats {
            let (epoch, view) = (column / recipes.len(), column % recipes.len());
            let recipe = &recipes[view];
            let key = ViewKey { seed, epoch: epoch as u32, image: index as u64, view: view as u32 };
            out.resize(3 * recipe.size * recipe.size, 0);
            renderer.render_views(std::slice::from_ref(recipe), split, index, key, &mut out)?;
            sheet.place([column + 1, row], &out, recipe.size, recipe.size);
        }
    }
    Ok(sheet)
}

#[cfg(test)]
mod tests {
    use dataset::PixelOrder;

    use super::*;

    #[test]
    fn a_row_has_the_image_and_its_views() {
        let bytes = (0..2 * 3 * 8 * 8).map(|i| (i % 251) as u8).collect();
        let split = Split::in_memory(bytes, None, 8, 8, PixelOrder::RowMajor);
        let whole = Recipe { size: 8, transforms: vec![] };
        let small = Recipe { size: 4, transforms: vec![] };
        let sheet = preview(&split, &[whole, small], 0, 5, 2).unwrap().into_image();
        assert_eq!(sheet.dimensions(), (5 * 10 - 2, 2 * 10 - 2));
        for (x, y) in [(0, 0), (3, 5), (7, 17)] {
            assert_eq!(sheet.get_pixel(x, y), sheet.get_pixel(x + 10, y), "{x} {y}");
            assert_eq!(sheet.get_pixel(x, y), sheet.get_pixel(x + 30, y), "{x} {y}");
        }
    }
}
