//! Sheets of images with captions.

use std::path::Path;

use maud::html;
use resvg::tiny_skia::{Pixmap, PremultipliedColorU8};

use super::png::{SCALE, encode, rasterize};
use super::{CHAR, FONTS, XMLNS};
use crate::Error;
use crate::html::{Px, document};

/// An image with its caption.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SheetCell {
    /// RGB, three bytes a pixel, row by row.
    pub pixels: Vec<u8>,
    /// Width and height in pixels.
    pub size: [usize; 2],
    /// Lines below the image; what is too long for its cell is cut.
    pub caption: Vec<String>,
}

/// Height of a caption's letters and distance of its lines.
const FONT: f64 = 11.0;
const LINE: f64 = 14.0;
const MARGIN: f64 = 14.0;
const GAP: f64 = 10.0;
/// The least width of a cell, for captions.
const NARROWEST: f64 = 120.0;
/// The width that is filled with cells.
const WIDTH: f64 = 1000.0;
/// Height of the title.
const TITLE: f64 = 34.0;

/// Sizes of a sheet, before scaling.
struct Layout {
    columns: usize,
    /// Width of a cell, height of its image, and its whole height.
    cell: [f64; 3],
}

/// Writes a sheet of images, row by row, to `path`, as a PNG.
///
/// # Errors
/// [`Error::Figure`], [`Error::Io`].
///
/// # Panics
/// If a cell has another number of pixels than its size says.
pub fn write_sheet(path: &Path, title: &str, cells: &[SheetCell]) -> Result<(), Error> {
    let layout = Layout::of(cells);
    let mut pixels = rasterize(path, &layout.svg(title, cells))?;
    for (number, cell) in cells.iter().enumerate() {
        paint(&mut pixels, cell, layout.corner(number));
    }
    Ok(files::write(path, &encode(path, &pixels)?)?)
}

impl Layout {
    fn of(cells: &[SheetCell]) -> Self {
        let most = |number: &dyn Fn(&SheetCell) -> usize| {
            cells.iter().map(number).max().unwrap_or(0) as f64
        };
        let width = most(&|cell| cell.size[0]).max(NARROWEST);
        let image = most(&|cell| cell.size[1]);
        let lines = most(&|cell| cell.caption.len());
        let fitting = ((WIDTH + GAP) / (width + GAP)).floor().max(1.0) as usize;
        Self {
            columns: fitting.min(cells.len().max(1)),
            cell: [width, image, image + LINE * lines + 4.0],
        }
    }

    /// The top left corner of a cell.
    fn corner(&self, number: usize) -> [f64; 2] {
        let (column, row) = (number % self.columns, number / self.columns);
        let along = |count: usize, size: f64| count as f64 * (size + GAP);
        [MARGIN + along(column, self.cell[0]), TITLE + MARGIN + along(row, self.cell[2])]
    }

    fn svg(&self, title: &str, cells: &[SheetCell]) -> String {
        let [cell_width, image, cell_height] = self.cell;
        let rows = cells.len().div_ceil(self.columns) as f64;
        let cells_wide = self.columns as f64 * (cell_width + GAP) - GAP;
        let width = cells_wide.max(title.chars().count() as f64 * CHAR * 15.0) + 2.0 * MARGIN;
        let height = TITLE + 2.0 * MARGIN + (rows * (cell_height + GAP) - GAP).max(0.0);
        document(html! {
            svg xmlns=(XMLNS) width=(Px(width)) height=(Px(height)) font-family=(FONTS)
                font-size=(FONT) {
                rect width="100%" height="100%" fill="#ffffff" {}
                text x=(MARGIN) y=(Px(TITLE)) font-size="15" { (title) }
                @for (number, cell) in cells.iter().enumerate() {
                    @let [left, top] = self.corner(number);
                    @for (line, text) in (1u32..).zip(&cell.caption) {
                        @let y = top + image + LINE * f64::from(line);
                        text x=(Px(left)) y=(Px(y)) xml:space="preserve" {
                            (cut(text, cell_width))
                        }
                    }
                }
            }
        })
    }
}

/// The end of `text` that fits into `width`: names differ at their ends.
fn cut(text: &str, width: f64) -> String {
    let most = (width / (CHAR * FONT)) as usize;
    let count = text.chars().count();
    if count <= most {
        return text.to_owned();
    }
    let end: String = text.chars().skip(count - most + 1).collect();
    format!("…{end}")
}

/// Paints the image of a cell, each pixel as a square.
fn paint(pixels: &mut Pixmap, cell: &SheetCell, corner: [f64; 2]) {
    let [width, height] = cell.size;
    assert_eq!(cell.pixels.len(), 3 * width * height, "pixels of {width} x {height}");
    let scale = SCALE as usize;
    let [left, top] = corner.map(|at| at as usize * scale);
    let across = pixels.width() as usize;
    let drawn = pixels.pixels_mut();
    for y in 0..height * scale {
        for x in 0..width * scale {
            let at = 3 * ((y / scale) * width + x / scale);
            let [red, green, blue] = [0, 1, 2].map(|channel| cell.pixels[at + channel]);
            let color = PremultipliedColorU8::from_rgba(red, green, blue, 255);
            drawn[(top + y) * across + left + x] = color.expect("an opaque color");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cell(shade: u8, name: &str) -> SheetCell {
        let caption = vec![name.to_owned(), "cat".to_owned()];
        SheetCell { pixels: vec![shade; 3 * 30 * 20], size: [30, 20], caption }
    }

    #[test]
    fn images_stand_above_their_captions() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("sheet.png");
        let cells: Vec<SheetCell> = (0..9).map(|at| cell(10 * at, "<a>.png")).collect();
        write_sheet(&path, "9 & more", &cells).unwrap();
        let drawn = Pixmap::decode_png(&std::fs::read(&path).unwrap()).unwrap();
        let layout = Layout::of(&cells);
        assert_eq!(layout.columns, 7);
        let mut captions = Vec::new();
        for (number, cell) in cells.iter().enumerate() {
            let [left, top] = layout.corner(number).map(|at| 2 * at as u32);
            for (x, y) in [(0, 0), (59, 0), (0, 39), (59, 39)] {
                let found = drawn.pixel(left + x, top + y).unwrap();
                assert_eq!(found.red(), cell.pixels[0], "cell {number}");
            }
            let below = (0..240).flat_map(|x| (42..100).map(move |y| (left + x, top + y)));
            let dark = below.filter(|&(x, y)| drawn.pixel(x, y).unwrap().red() < 128).count();
            captions.push(dark);
        }
        assert!(captions.iter().all(|&dark| dark > 100), "{captions:?}");
    }

    #[test]
    fn long_names_are_cut_at_their_beginning() {
        assert_eq!(cut("short.jpg", 120.0), "short.jpg");
        let long = cut("unlabeled/a/very/long/path/of/an/image-0001.jpg", 120.0);
        assert!(long.starts_with('…') && long.ends_with("image-0001.jpg"), "{long}");
        assert!(long.chars().count() <= 19, "{long}");
    }

    #[test]
    fn no_images_are_an_empty_sheet() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("sheet.png");
        write_sheet(&path, "none", &[]).unwrap();
        assert!(Pixmap::decode_png(&std::fs::read(&path).unwrap()).is_ok());
    }
}
