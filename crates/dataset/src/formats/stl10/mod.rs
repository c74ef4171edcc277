//! STL-10's binary format: `*_X.bin` holds images, `*_y.bin` labels from 1 on.
//!
//! An image is a red, a green and a blue plane, each column by column. The format itself says
//! neither the image size nor the number of classes: these are STL-10's own unless [`Shape`] lies
//! beside the files. Names of images are read where `*_names.txt` has them, one a line.

mod read;
mod shape;
mod stream;
mod write;

pub(crate) use self::read::{found_in, open, open_part};
pub(crate) use self::shape::{Order, Shape};
pub(crate) use self::stream::{remove_images, write_images};
pub(crate) use self::write::write_labels;
pub use self::write::{WriteOptions, write_stl10, write_synthetic};

pub(crate) const CLASS_NAMES: &str = "class_names.txt";
pub(crate) const FOLDS: &str = "fold_indices.txt";

/// File names of a split's images and labels.
pub(crate) fn file_names(split: &str) -> (String, String) {
    (format!("{split}_X.bin"), format!("{split}_y.bin"))
}

/// File name of the names of a split's images, which STL-10 itself doesn't have.
pub(crate) fn names_file(split: &str) -> String {
    format!("{split}_names.txt")
}
