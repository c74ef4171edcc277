//! One image and one key become one view.
//!
//! A [`Recipe`] lists random operations. A [`ViewKey`] seeds a counter-based generator that draws
//! their parameters, which gives a [`View`]: plain numbers, no randomness left. A [`Renderer`]
//! applies a view to an image with integer kernels that give the same bytes on every processor.
//! Nothing here starts a thread or keeps global state, and a warm renderer allocates only where a
//! crop shrinks.
//!
//! Adding an augmentation: a new file in `ops/` with its settings and its `draw`, a variant of
//! [`Op`], and a match arm in the functions below it.

mod draws;
mod error;
mod kernels;
mod ops;
#[cfg(test)]
mod oracle;
mod preview;
mod recipe;
mod renderer;
mod view;

#[cfg(test)]
mod tests;

pub use self::draws::ViewKey;
pub use self::error::Error;
pub use self::kernels::Level;
pub use self::ops::{Blur, Crop, CropDraw, Flip, Grayscale, Jitter, Op, Solarize};
pub use self::preview::preview;
pub use self::recipe::Recipe;
pub use self::renderer::Renderer;
pub use self::view::{CropBox, Step, View};
