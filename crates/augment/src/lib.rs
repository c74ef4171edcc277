//! Random augmentation: renders views of images.
//!
//! A [`Recipe`] lists random transforms. A [`ViewKey`] (seed, epoch, image, view) keys a
//! counter-based generator that samples their parameters as a [`ViewParams`]. A [`Renderer`]
//! applies these to an image with integer kernels that give the same bytes on every processor.
//! Nothing here starts a thread or keeps global state, and a warm renderer allocates only where a
//! crop shrinks.
//!
//! ```
//! use augment::{Recipe, Renderer, ViewKey};
//!
//! let spec = dataset::SyntheticSpec { unlabeled: 1, train: 0, test: 0, size: 32, seed: 0 };
//! let set = dataset::synthetic(&spec)?;
//! let image = set.unlabeled.image(0);
//! let recipe = Recipe::seed_strong(24);
//! recipe.validate()?;
//!
//! let key = ViewKey { seed: 0, epoch: 0, image: 0, view: 0 };
//! let view = recipe.draw(key, image.width, image.height); // a box, a flip, factors
//! let mut planes = vec![0; 3 * 24 * 24];
//! let mut renderer = Renderer::new();
//! renderer.apply(&view, &image, 24, 24, &mut planes);
//!
//! // Both in one, for those who don't care how a view is made.
//! let mut again = vec![0; 3 * 24 * 24];
//! renderer.render(&recipe, &image, key, &mut again);
//! assert_eq!(planes, again);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! Adding an augmentation: a new file in `transforms/` with its settings and its `draw`, a variant
//! of [`Transform`], and a match arm in the functions below it.

mod block_mask;
mod error;
mod kernels;
mod preview;
mod recipe;
mod renderer;
mod transforms;
mod view_group;
mod view_params;
mod view_rng;
mod views_file;
mod whole_views;

#[cfg(test)]
mod tests;

pub use self::block_mask::BlockMask;
pub use self::error::Error;
pub use self::kernels::SimdLevel;
pub use self::preview::preview;
pub use self::recipe::Recipe;
pub use self::renderer::Renderer;
pub use self::transforms::{
    ColorJitter, CropSampling, GaussianBlur, Grayscale, HorizontalFlip, RandomResizedCrop,
    Solarize, Transform,
};
pub use self::view_group::{ViewGroup, ViewSize};
pub use self::view_params::{CropBox, PixelOp, ViewParams};
pub use self::view_rng::ViewKey;
pub use self::views_file::{ViewsError, ViewsFile};
