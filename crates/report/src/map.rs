//! A map of images by their features: where each stands on a plane, and what it looks like.

use crate::Picture;

/// Images on a plane.
#[derive(Clone, Debug)]
pub struct Map {
    /// What the images are, such as "test images".
    pub images: String,
    /// How they came to their places, in a sentence.
    pub about: String,
    /// Names of the classes; empty where there are none.
    pub class_names: Vec<String>,
    /// The images.
    pub points: Vec<Point>,
    /// All of them small on one sheet, in the order of the points.
    pub thumbnails: Thumbnails,
}

/// One image on a plane.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Point {
    /// To the right and up, in the same unit.
    pub place: [f64; 2],
    /// Which image of the split it is, from 0.
    pub image: usize,
    /// Its class, where that is known.
    pub label: Option<u16>,
}

/// Small images on a sheet without gaps, row by row.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Thumbnails {
    /// The sheet.
    pub sheet: Picture,
    /// Images in a row.
    pub columns: usize,
    /// Pixels of an image's side.
    pub side: usize,
}
