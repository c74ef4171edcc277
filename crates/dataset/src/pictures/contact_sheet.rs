//! Contact sheets: a grid of images.

use std::path::Path;

use ::image::{ImageFormat, Rgb, RgbImage};

use crate::{Error, Split};

/// White pixels between images.
const GAP: usize = 2;
const WHITE: Rgb<u8> = Rgb([255; 3]);

/// A grid of cells of one size on white, to be filled with images.
#[derive(Clone, Debug)]
pub struct Sheet {
    image: RgbImage,
    cell: [usize; 2],
}

impl Sheet {
    /// An empty grid for images of up to `width` x `height` pixels.
    pub fn new(columns: usize, rows: usize, width: usize, height: usize) -> Self {
        let side = |count: usize, length: usize| (count.max(1) * (length + GAP) - GAP) as u32;
        Self {
            image: RgbImage::from_pixel(side(columns, width), side(rows, height), WHITE),
            cell: [width, height],
        }
    }

    /// Puts an image into the middle of a cell: three row-major planes of `width` x `height` bytes.
    ///
    /// # Panics
    /// If it doesn't fit, or there is no such cell.
    pub fn place(&mut self, [column, row]: [usize; 2], planes: &[u8], width: usize, height: usize) {
        let [cell_width, cell_height] = self.cell;
        let left = column * (cell_width + GAP) + (cell_width - width) / 2;
        let top = row * (cell_height + GAP) + (cell_height - height) / 2;
        for y in 0..height {
            for x in 0..width {
                let color =
                    std::array::from_fn(|channel| planes[(channel * height + y) * width + x]);
                let pixel = Rgb(color);
                self.image.put_pixel((left + x) as u32, (top + y) as u32, pixel);
            }
        }
    }

    /// The sheet as an image.
    pub fn into_image(self) -> RgbImage {
        self.image
    }
}

/// Evenly spaced images of `split`, row by row; fewer rows where there are not enough images.
///
/// # Panics
/// If the split is empty.
pub fn contact_sheet(split: &Split, columns: usize, rows: usize) -> RgbImage {
    let indices = split.evenly_spaced(columns.max(1).saturating_mul(rows.max(1)));
    assert!(!indices.is_empty(), "a contact sheet of no images");
    let (width, height) = (split.width(), split.height());
    let columns = columns.clamp(1, indices.len());
    let rows = indices.len().div_ceil(columns);
    let mut sheet = Sheet::new(columns, rows, width, height);
    let mut scratch = Vec::new();
    for (place, index) in indices.into_iter().enumerate() {
        let planes = split.image(index).row_major(&mut scratch);
        sheet.place([place % columns, place / columns], planes, width, height);
    }
    sheet.into_image()
}

/// Writes `image` as a PNG file, whole or not at all.
///
/// # Errors
/// If the file cannot be written.
pub fn save_png(image: &RgbImage, path: &Path) -> Result<(), Error> {
    let mut png = std::io::Cursor::new(Vec::new());
    image
        .write_to(&mut png, ImageFormat::Png)
        .map_err(|error| Error::io(path, "encode")(std::io::Error::other(error)))?;
    Ok(files::write(path, png.get_ref())?)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::PixelOrder;

    #[test]
    fn images_stand_in_rows_with_white_between() {
        let bytes = vec![1, 2, 3, 4, 5, 6, 10, 20, 30, 40, 50, 60, 100, 101, 102, 103, 104, 105];
        let split = Split::in_memory(bytes, None, 2, 1, PixelOrder::RowMajor);
        let sheet = contact_sheet(&split, 2, 9);
        assert_eq!(sheet.dimensions(), (6, 4));
        assert_eq!(sheet.get_pixel(1, 0).0, [2, 4, 6]);
        assert_eq!(sheet.get_pixel(4, 0).0, [10, 30, 50]);
        assert_eq!(sheet.get_pixel(0, 3).0, [100, 102, 104]);
        assert_eq!(
            (sheet.get_pixel(2, 0), sheet.get_pixel(0, 1), sheet.get_pixel(5, 3)),
            (&WHITE, &WHITE, &WHITE)
        );
    }

    #[test]
    fn smaller_images_are_in_the_middle_of_their_cells_and_cells_may_be_empty() {
        let mut sheet = Sheet::new(2, 2, 4, 2);
        sheet.place([0, 0], &[5; 24], 4, 2);
        sheet.place([1, 0], &[7, 7, 7], 1, 1);
        sheet.place([0, 1], &[9, 9, 9], 1, 1);
        let sheet = sheet.into_image();
        assert_eq!(sheet.dimensions(), (4 + 2 + 4, 2 + 2 + 2));
        assert_eq!(sheet.get_pixel(3, 1).0, [5; 3]);
        // In the middle of its cell.
        assert_eq!(sheet.get_pixel(7, 0).0, [7; 3]);
        assert_eq!(sheet.get_pixel(1, 4).0, [9; 3]);
        assert_eq!(sheet.get_pixel(8, 5), &WHITE);
    }

    #[test]
    fn a_sheet_is_saved_and_reads_back() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("sheet.png");
        let split = Split::in_memory((0..48).collect(), None, 4, 4, PixelOrder::ColumnMajor);
        let sheet = contact_sheet(&split, 1, 1);
        save_png(&sheet, &path).unwrap();
        assert_eq!(::image::open(&path).unwrap().into_rgb8(), sheet);
        assert_eq!(
            std::fs::read_dir(folder.path()).unwrap().count(),
            1,
            "nothing else is left there"
        );
        let missing = save_png(&sheet, &folder.path().join("no/sheet.png")).unwrap_err();
        assert!(missing.to_string().contains("sheet.png: cannot write"), "{missing}");
    }
}
