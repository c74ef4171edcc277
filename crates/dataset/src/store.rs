//! Which form of the images training views are cut from.

use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// What random crops are taken from. Evaluation sees the center square, whatever this is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Store {
    /// The center square, resized to the image size once.
    #[default]
    Square,
    /// The whole image, its shorter side reduced to twice the image size once.
    Aspect,
    /// The file itself, decoded for every view, only as finely as the view needs it.
    Encoded,
}

impl Store {
    /// The name in configurations.
    pub fn name(self) -> &'static str {
        match self {
            Self::Square => "square",
            Self::Aspect => "aspect",
            Self::Encoded => "encoded",
        }
    }
}

impl fmt::Display for Store {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// The shorter side of images in the [`Aspect`](Store::Aspect) store, in pixels; smaller images
/// keep their size.
///
/// Twice the image size is what JPEG files are decoded to for the center square, so that one
/// decoding gives both, and a crop of a quarter of a square's area is not enlarged.
pub(crate) fn aspect_side(image_size: usize) -> usize {
    2 * image_size
}

/// Up to how many bytes whole images are stored; beyond, they are decoded from their files.
const MOST_STORED: f64 = (16u64 << 30) as f64;
/// How many times as many pixels as the center square whole images have on the average where they
/// are worth storing.
const WORTH_STORING: f64 = 1.25;

/// The store that suits a set, and why.
#[derive(Clone, Debug, PartialEq)]
pub struct StoreChoice {
    /// What training views are best cut from.
    pub store: Store,
    /// Why, in a few words.
    pub reason: String,
}

impl StoreChoice {
    /// For `count` images, of which some have these `sizes` (width, height), reduced to squares of
    /// `image_size`. `is_read_apart` says whether one image can be read without others.
    pub(crate) fn new(
        sizes: &[[u32; 2]],
        count: usize,
        image_size: usize,
        is_read_apart: bool,
    ) -> Self {
        let side = aspect_side(image_size) as f64;
        let pixels = |size: &[u32; 2]| {
            let [width, height] = size.map(f64::from);
            let scale = (side / width.min(height)).min(1.0);
            width * scale * height * scale
        };
        let square = (image_size * image_size) as f64;
        let mean = sizes.iter().map(pixels).sum::<f64>() / sizes.len().max(1) as f64;
        if mean <= WORTH_STORING * square {
            let reason = format!("the images are hardly larger than {image_size} x {image_size}");
            return Self { store: Store::Square, reason };
        }
        let bytes = 3.0 * mean * count as f64;
        let all = format!("whole images take about {} at this size", amount(bytes));
        let (store, reason) = match bytes <= MOST_STORED || !is_read_apart {
            true => (Store::Aspect, all),
            false => (Store::Encoded, format!("{all}, so they are decoded from their files")),
        };
        Self { store, reason }
    }
}

/// A number of bytes, in words.
fn amount(bytes: f64) -> String {
    match bytes {
        bytes if bytes < 1e9 => format!("{:.0} MB", (bytes / 1e6).max(1.0)),
        bytes => format!("{:.1} GB", bytes / 1e9),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_store_follows_from_sizes_and_number() {
        let store =
            |sizes: &[[u32; 2]], count, apart| StoreChoice::new(sizes, count, 96, apart).store;
        assert_eq!(store(&[[96, 96], [100, 100]], 1000, true), Store::Square);
        assert_eq!(store(&[[20, 30]], 1000, true), Store::Square);
        assert_eq!(store(&[], 0, true), Store::Square);
        assert_eq!(store(&[[4000, 3000]], 5000, true), Store::Aspect);
        // A panorama beside squares.
        assert_eq!(store(&[[96, 96], [960, 96]], 1000, true), Store::Aspect);
        assert_eq!(store(&[[500, 375]], 1_000_000, true), Store::Encoded);
        // A row of a Parquet file is read with its neighbors.
        assert_eq!(store(&[[500, 375]], 1_000_000, false), Store::Aspect);
        let choice = StoreChoice::new(&[[4000, 3000]], 5000, 96, true);
        assert_eq!(choice.reason, "whole images take about 737 MB at this size");
    }
}
