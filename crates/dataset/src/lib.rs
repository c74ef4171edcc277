//! Image sets on disk become checked, borrowed `u8` images and labels.
//!
//! [`open`] recognises a folder by its content and gives a [`Dataset`]: three [`Split`]s of images
//! that all have one size, kept as memory-mapped planes and handed out as borrowed [`Image`]s.

mod image;
mod split;

pub use self::image::{Image, PixelOrder};
pub use self::split::{Dataset, Split};
