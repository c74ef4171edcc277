//! Image sets on disk become checked, borrowed `u8` images and labels.
//!
//! [`open`] recognises a folder by its content and gives a [`Dataset`]: three [`Split`]s of images
//! that all have one size, kept as memory-mapped planes and handed out as borrowed [`Image`]s.
//! [`write_stl10`] writes any of them as STL-10 binaries, and [`synthetic`] renders a procedural set
//! for machines that have no images at all.

mod cifar10;
mod contact_sheet;
mod describe;
mod error;
mod fingerprint;
mod fit;
mod folder;
mod image;
mod mapping;
mod names;
mod open;
mod output;
mod progress;
mod selection;
mod split;
mod stl10;
mod synthetic;
mod thumbnails;
mod transpose;

pub use self::contact_sheet::{Sheet, contact_sheet, save_png};
pub use self::describe::{Description, SplitDescription, describe};
pub use self::error::Error;
pub use self::folder::read_image;
pub use self::image::{Image, Part, PixelOrder};
pub use self::open::{OpenOptions, open};
pub use self::output::NewFile;
pub use self::progress::Progress;
pub use self::selection::{Record, Selection};
pub use self::split::{Dataset, Split};
pub use self::stl10::{WriteOptions, write_stl10, write_synthetic};
pub use self::synthetic::{SyntheticSpec, synthetic};
pub use self::thumbnails::{jpeg, thumbnails};
