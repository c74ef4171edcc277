//! Images in two dimensions by their features, with a thumbnail of each.

use crate::Picture;

/// Images in one or several two-dimensional layouts.
#[derive(Clone, Debug)]
pub struct FeatureMap {
    /// What the images are, such as "test images".
    pub images: String,
    /// Names of the classes; empty where there are none.
    pub class_names: Vec<String>,
    /// The images.
    pub points: Vec<Point>,
    /// The layouts, one or two; the first is shown initially.
    pub planes: Vec<Plane>,
    /// The thumbnails, in the order of the points.
    pub thumbnails: Thumbnails,
}

/// A two-dimensional layout.
#[derive(Clone, Debug, PartialEq)]
pub struct Plane {
    /// Its name.
    pub name: &'static str,
    /// How the coordinates were computed and how to read them.
    pub about: String,
    /// x and y of each image, in the same unit.
    pub places: Vec<[f64; 2]>,
}

/// One image.
#[derive(Clone, Debug, PartialEq)]
pub struct Point {
    /// Its file name, or its split and number where files have none.
    pub name: String,
    /// Its class; `None` where that is not known.
    pub label: Option<u16>,
}

/// Thumbnails on one sheet, row by row without gaps.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Thumbnails {
    /// The sheet.
    pub sheet: Picture,
    /// Images per row.
    pub columns: usize,
    /// Side of a thumbnail in pixels.
    pub side: usize,
}
