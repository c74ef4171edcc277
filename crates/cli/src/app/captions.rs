//! Sheets of images with captions.

use dataset::{Sheet, Split};
use report::SheetCell;

/// The image at `index` of `split` with its caption.
pub fn cell(split: &Split, index: usize, caption: Vec<String>) -> SheetCell {
    let image = Sheet::of_rows(&[vec![(split, index)]]).into_image();
    let (width, height) = image.dimensions();
    SheetCell {
        pixels: image.into_raw(),
        size: [width, height].map(|length| length as usize),
        caption,
    }
}
