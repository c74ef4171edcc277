//! A map of images by their features: where each stands on a plane, and what it looks like.

use crate::Picture;

/// The same images on one plane or several.
#[derive(Clone, Debug)]
pub struct Map {
    /// What the images are, such as "test images".
    pub images: String,
    /// Names of the classes; empty where there are none.
    pub class_names: Vec<String>,
    /// The images.
    pub points: Vec<Point>,
    /// Where they stand, in one way or two; the first is shown at first.
    pub planes: Vec<Plane>,
    /// All of them small on one sheet, in the order of the points.
    pub thumbnails: Thumbnails,
}

/// One way of placing images.
#[derive(Clone, Debug, PartialEq)]
pub struct Plane {
    /// What it is called.
    pub name: &'static str,
    /// How the images came to their places, and what follows from that.
    pub about: String,
    /// Of each image to the right and up, in the same unit.
    pub places: Vec<[f64; 2]>,
}

/// One image.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Point {
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
