//! Views of whole images, by whichever store a split has.

use dataset::{EncodedImage, Error, Split, WholeImage};

use crate::{CropBox, Recipe, Renderer, ViewKey, ViewParams};

/// A view of a file: its parameters, of the reduced image, and how far that is reduced.
struct EncodedView {
    params: ViewParams,
    denominator: u32,
}

impl Renderer {
    /// Renders a view by each of `recipes` of the image at `index` of `split`, one after the other
    /// into `out`: `3 * size * size` bytes each, planar, row-major. `first` is the key of the first
    /// view; the others have the next numbers.
    ///
    /// Recipes that [crop](Recipe::crops) are shown the [whole image](Split::whole_image), others
    /// its center square. Each view depends on the image, its recipe and its key alone.
    ///
    /// # Errors
    /// If the image is in a file that can't be read, has changed or is damaged.
    ///
    /// # Panics
    /// If `out` has another length, or a recipe can't be followed (see [`Recipe::validate`]).
    pub fn render_views(
        &mut self,
        recipes: &[Recipe],
        split: &Split,
        index: usize,
        first: ViewKey,
        out: &mut [u8],
    ) -> Result<(), Error> {
        let bytes: usize = recipes.iter().map(view_bytes).sum();
        assert_eq!(out.len(), bytes, "bytes of {} views", recipes.len());
        match split.whole_image(index) {
            WholeImage::Decoded(whole) => {
                for (recipe, key, out) in views(recipes, first, out) {
                    match recipe.crops() {
                        true => self.render(recipe, &whole, key, out),
                        false => self.render(recipe, &split.image(index), key, out),
                    }
                }
                Ok(())
            }
            WholeImage::Encoded(file) => {
                let mut cropped = Vec::new();
                for (recipe, key, out) in views(recipes, first, out) {
                    match recipe.crops() {
                        true => cropped.push((recipe, key, out)),
                        false => self.render(recipe, &split.image(index), key, out),
                    }
                }
                match cropped.is_empty() {
                    true => Ok(()),
                    false => self.render_encoded(&mut file.read()?, &mut cropped),
                }
            }
        }
    }

    /// Renders views of a file, which is decoded once for all of those that are reduced alike.
    fn render_encoded(
        &mut self,
        image: &mut EncodedImage<'_>,
        views: &mut [(&Recipe, ViewKey, &mut [u8])],
    ) -> Result<(), Error> {
        let drawn: Vec<EncodedView> =
            views.iter().map(|(recipe, key, _)| draw(image, recipe, *key)).collect();
        let mut denominators: Vec<u32> = drawn.iter().map(|view| view.denominator).collect();
        denominators.sort_unstable();
        denominators.dedup();
        for denominator in denominators {
            let limits = image.size().map(|side| side.div_ceil(denominator as usize));
            let part = |view: &EncodedView| {
                let columns = view.params.crop.columns(limits[0]);
                let rows = view.params.crop.rows(limits[1]);
                [columns, rows]
            };
            let alike = |view: &&EncodedView| view.denominator == denominator;
            let parts = drawn.iter().filter(alike).map(part);
            let all = parts.reduce(|[a, b], [c, d]| {
                [a.start.min(c.start)..a.end.max(c.end), b.start.min(d.start)..b.end.max(d.end)]
            });
            let [columns, rows] = all.expect("a view of each denominator");
            image.decode(denominator, columns, rows)?;
            for (view, (recipe, _, out)) in drawn.iter().zip(views.iter_mut()) {
                if view.denominator == denominator {
                    let [columns, rows] = part(view);
                    let mut planes = std::mem::take(&mut self.planes);
                    let from = image.part(columns, rows, &mut planes);
                    self.apply_to_part(&view.params, from, recipe.size, recipe.size, out);
                    self.planes = planes;
                }
            }
        }
        Ok(())
    }
}

/// Draws a view of a whole image, and brings it to the size to which the image is reduced for it.
fn draw(image: &EncodedImage<'_>, recipe: &Recipe, key: ViewKey) -> EncodedView {
    let [width, height] = image.size();
    let mut params = recipe.draw(key, width, height);
    let CropBox { left, top, width, height } = params.crop;
    let crop = [left, top, width, height];
    let denominator = image.denominator(crop, recipe.size, recipe.size);
    let [left, top, width, height] = image.reduced(crop, denominator);
    params.crop = CropBox { left, top, width, height };
    EncodedView { params, denominator }
}

/// The views with their keys and places in `out`.
fn views<'a>(
    recipes: &'a [Recipe],
    first: ViewKey,
    mut out: &'a mut [u8],
) -> impl Iterator<Item = (&'a Recipe, ViewKey, &'a mut [u8])> {
    (first.view..).zip(recipes).map(move |(view, recipe)| {
        let (place, rest) = std::mem::take(&mut out).split_at_mut(view_bytes(recipe));
        out = rest;
        (recipe, ViewKey { view, ..first }, place)
    })
}

fn view_bytes(recipe: &Recipe) -> usize {
    3 * recipe.size * recipe.size
}
