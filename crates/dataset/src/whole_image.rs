//! Whole images, which training views are cut from: stored beside the center squares, or in their
//! files.

use crate::formats::folder::{EncodedFile, EncodedFiles, StoredImages};
use crate::{Error, Image};

/// The whole images of a split, by the places of their center squares.
#[derive(Debug)]
pub(crate) enum WholeImages {
    Stored(StoredImages),
    Encoded(EncodedFiles),
}

/// An image that views are cut from.
#[derive(Debug)]
pub enum WholeImage<'a> {
    /// Its pixels.
    Decoded(Image<'a>),
    /// Its file.
    Encoded(EncodedFile<'a>),
}

impl WholeImages {
    pub fn get(&self, place: usize) -> WholeImage<'_> {
        match self {
            Self::Stored(images) => WholeImage::Decoded(images.image(place)),
            Self::Encoded(files) => WholeImage::Encoded(files.file(place)),
        }
    }

    pub fn check(&self) -> Result<(), Error> {
        match self {
            Self::Stored(images) => images.check(),
            // Each file is looked at when it is read.
            Self::Encoded(_) => Ok(()),
        }
    }
}
