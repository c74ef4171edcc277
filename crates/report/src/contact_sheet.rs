//! Contact sheets with words: images in rows, each in a frame and with a caption below it.

use image::imageops::{self, FilterType};
use image::{Rgb, RgbImage};
use maud::{Markup, html};

use crate::figures::{CHAR, FONTS, XMLNS, rasterize};
use crate::html::{Px, document};

/// Images are enlarged by a whole number until they are at least this wide or high, so that a
/// caption has room.
const LEAST_SIDE: u32 = 144;
/// Width of a frame, and of the white between it and its image.
const FRAME: u32 = 4;
/// White between tiles, and around the sheet.
const GAP: u32 = 10;
/// White between a query and its answers, with a line in the middle.
const QUERY_GAP: u32 = 34;
/// Height of the text of captions and of the title.
const FONT: u32 = 13;
const TITLE_FONT: u32 = 16;
/// Distance between the lines of a caption.
const LINE: u32 = 17;
const WHITE: Rgb<u8> = Rgb([255; 3]);

/// An image of a sheet.
#[derive(Clone, Debug)]
pub struct Tile {
    /// The image.
    pub image: RgbImage,
    /// Lines below it, such as its name, and its class. What is too long is shortened in the
    /// middle.
    pub caption: Vec<String>,
    /// The frame around it.
    pub frame: Frame,
}

/// What the frame of an image says.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Frame {
    /// Nothing: thin and gray.
    Plain,
    /// It is the query, or the one of a group to look at first: black.
    Query,
    /// Of the same class as the query, or right: green.
    Same,
    /// Of another class, or wrong: orange.
    Other,
}

/// A query and its answers, or just images.
#[derive(Clone, Debug)]
pub struct SheetRow {
    /// The image that stands apart, on the left.
    pub query: Option<Tile>,
    /// The other images, over several lines where there are many.
    pub tiles: Vec<Tile>,
}

/// Rows of images with captions, on white.
///
/// ```
/// use image::RgbImage;
/// use report::{ContactSheet, Frame, SheetRow, Tile};
///
/// let tile = |name: &str, frame| Tile {
///     image: RgbImage::new(96, 96),
///     caption: vec![name.to_owned(), "0.991 cat".to_owned()],
///     frame,
/// };
/// let sheet = ContactSheet {
///     title: "A query and its nearest neighbors".to_owned(),
///     columns: 8,
///     rows: vec![SheetRow {
///         query: Some(tile("query.jpg", Frame::Query)),
///         tiles: vec![tile("a.jpg", Frame::Same), tile("b.jpg", Frame::Other)],
///     }],
/// };
/// let image: RgbImage = sheet.image();
/// # assert!(image.width() > 3 * 192);
/// ```
#[derive(Clone, Debug)]
pub struct ContactSheet {
    /// A line above the images that says what they are; none where it is empty.
    pub title: String,
    /// The most tiles beside each other, without the query; at least 1.
    pub columns: usize,
    /// The rows.
    pub rows: Vec<SheetRow>,
}

impl Frame {
    fn color(self) -> &'static str {
        match self {
            Self::Plain => "#c4cad1",
            Self::Query => "#222222",
            Self::Same => "#1a9850",
            Self::Other => "#e66101",
        }
    }
}

/// The sizes that all tiles of a sheet share, in pixels.
#[derive(Clone, Copy, Debug)]
struct Grid {
    /// The image, enlarged.
    width: u32,
    height: u32,
    /// Lines of a caption.
    lines: u32,
    columns: u32,
    has_query: bool,
}

impl Grid {
    fn of(sheet: &ContactSheet) -> Self {
        let tiles = || sheet.rows.iter().flat_map(SheetRow::all);
        let most = |of: fn(&Tile) -> u32| tiles().map(of).max().unwrap_or(0);
        let widest = sheet.rows.iter().map(|row| row.tiles.len()).max().unwrap_or(0);
        Self {
            width: most(|tile| enlarged(&tile.image)[0]).max(LEAST_SIDE),
            height: most(|tile| enlarged(&tile.image)[1]),
            lines: most(|tile| tile.caption.len() as u32),
            columns: widest.min(sheet.columns.max(1)) as u32,
            has_query: sheet.rows.iter().any(|row| row.query.is_some()),
        }
    }

    fn tile_width(&self) -> u32 {
        self.width + 4 * FRAME
    }

    /// The left edge of the tile in a column, or of the query.
    fn left(&self, column: Option<u32>) -> u32 {
        let first = if self.has_query { GAP + self.tile_width() + QUERY_GAP } else { GAP };
        column.map_or(GAP, |column| first + column * (self.tile_width() + GAP))
    }

    fn sheet_width(&self) -> u32 {
        match self.columns {
            0 => self.left(None) + self.tile_width() + GAP,
            columns => self.left(Some(columns - 1)) + self.tile_width() + GAP,
        }
    }

    /// The height of a line of tiles with their captions and the white below.
    fn line_height(&self) -> u32 {
        self.height + 4 * FRAME + LINE * self.lines + GAP + GAP / 2
    }

    /// Characters for which there is room below an image.
    fn caption_chars(&self) -> usize {
        (f64::from(self.tile_width()) / (CHAR * f64::from(FONT))) as usize
    }
}

impl SheetRow {
    /// A grid of images without a query.
    pub fn of_tiles(tiles: Vec<Tile>) -> Self {
        Self { query: None, tiles }
    }

    fn all(&self) -> impl Iterator<Item = &Tile> {
        self.query.iter().chain(&self.tiles)
    }
}

impl ContactSheet {
    /// The sheet as an image.
    pub fn image(&self) -> RgbImage {
        let grid = Grid::of(self);
        // Each query with the first tiles, then the others.
        let lines: Vec<Vec<(u32, &Tile)>> =
            self.rows.iter().flat_map(|row| lines(row, &grid)).collect();
        let title = title_lines(&self.title, grid.sheet_width());
        let top = match title.len() as u32 {
            0 => GAP,
            lines => GAP + lines * (TITLE_FONT + 6) + GAP / 2,
        };
        let height = top + lines.len() as u32 * grid.line_height();
        let mut sheet = RgbImage::from_pixel(grid.sheet_width(), height, WHITE);
        draw(&mut sheet, 0, top, &title_svg(&title));
        for (number, tiles) in (0..).zip(&lines) {
            let top = top + number * grid.line_height();
            draw(&mut sheet, top, grid.line_height(), &line_svg(tiles, &grid));
            for &(left, tile) in tiles {
                place(&mut sheet, [left, top], &tile.image, &grid);
            }
        }
        sheet
    }
}

/// The lines of tiles of a row, with the left edge of each tile.
fn lines<'a>(row: &'a SheetRow, grid: &Grid) -> Vec<Vec<(u32, &'a Tile)>> {
    let chunks = row.tiles.chunks(grid.columns.max(1) as usize);
    let mut lines: Vec<Vec<(u32, &Tile)>> = chunks
        .map(|tiles| (0..).zip(tiles).map(|(at, tile)| (grid.left(Some(at)), tile)).collect())
        .collect();
    if let Some(query) = &row.query {
        if lines.is_empty() {
            lines.push(Vec::new());
        }
        lines[0].insert(0, (grid.left(None), query));
    }
    lines
}

/// Width and height of an image on a sheet.
fn enlarged(image: &RgbImage) -> [u32; 2] {
    let (width, height) = image.dimensions();
    let times = LEAST_SIDE.div_ceil(width.max(height).max(1));
    [times * width, times * height]
}

/// Puts `image` into the middle of the tile whose corner is at `left`, `top`.
fn place(sheet: &mut RgbImage, [left, top]: [u32; 2], image: &RgbImage, grid: &Grid) {
    let [width, height] = enlarged(image);
    let left = left + 2 * FRAME + (grid.width - width) / 2;
    let top = top + 2 * FRAME + (grid.height - height) / 2;
    let (left, top) = (i64::from(left), i64::from(top));
    if (width, height) == image.dimensions() {
        imageops::replace(sheet, image, left, top);
    } else {
        let larger = imageops::resize(image, width, height, FilterType::CatmullRom);
        imageops::replace(sheet, &larger, left, top);
    }
}

/// Draws `content` on the rows of `sheet` from `top` on.
fn draw(sheet: &mut RgbImage, top: u32, height: u32, content: &Markup) {
    let width = sheet.width();
    let svg = document(html! {
        svg xmlns=(XMLNS) width=(width) height=(height) font-family=(FONTS) font-size=(FONT)
            fill="#222222" {
            rect width=(width) height=(height) fill="#ffffff" {}
            (content)
        }
    });
    let pixels = rasterize(&svg, 1.0).expect("a drawing of rectangles and text");
    for (index, pixel) in (0..).zip(pixels.pixels()) {
        // Opaque, so that colors are not multiplied by anything.
        let color = Rgb([pixel.red(), pixel.green(), pixel.blue()]);
        sheet.put_pixel(index % width, top + index / width, color);
    }
}

fn title_svg(lines: &[String]) -> Markup {
    html! {
        @for (number, line) in (1..).zip(lines) {
            text x=(GAP) y=(number * (TITLE_FONT + 6)) font-size=(TITLE_FONT) { (line) }
        }
    }
}

/// The title, broken into lines where the sheet is narrow.
fn title_lines(title: &str, width: u32) -> Vec<String> {
    let most = (f64::from(width - 2 * GAP) / (CHAR * f64::from(TITLE_FONT))) as usize;
    let mut lines: Vec<String> = Vec::new();
    for word in title.split_whitespace() {
        match lines.last_mut() {
            Some(line) if line.chars().count() + 1 + word.chars().count() <= most => {
                line.push(' ');
                line.push_str(word);
            }
            _ => lines.push(word.to_owned()),
        }
    }
    lines
}

/// Frames and captions of a line of tiles.
fn line_svg(tiles: &[(u32, &Tile)], grid: &Grid) -> Markup {
    let most = grid.caption_chars();
    let below = grid.height + 4 * FRAME;
    let separator = GAP + grid.tile_width() + QUERY_GAP / 2;
    html! {
        @if grid.has_query {
            path d={ "M" (separator) " 0v" (below) } stroke="#c4cad1" {}
        }
        @for (left, tile) in tiles {
            @let width = if tile.frame == Frame::Plain { 1 } else { FRAME };
            @let inset = f64::from(width) / 2.0;
            rect x=(Px(f64::from(*left) + inset)) y=(Px(inset))
                width=(grid.tile_width() - width) height=(below - width) fill="none"
                stroke=(tile.frame.color()) stroke-width=(width) {}
            // What is wider than characters usually are must not run into the next tile.
            svg x=(left) y=(below) width=(grid.tile_width()) height=(LINE * grid.lines.max(1)) {
                @for (number, text) in (1..).zip(&tile.caption) {
                    text x="0" y=(number * LINE - 3) { (shorten(text, most)) }
                }
            }
        }
    }
}

/// `text`, shortened in the middle to at most `most` characters, so that the start of a path and
/// the end of a file name stay.
pub fn shorten(text: &str, most: usize) -> String {
    let count = text.chars().count();
    if count <= most {
        return text.to_owned();
    }
    let kept = most.saturating_sub(1);
    let end = kept - kept / 3;
    let start = text.chars().take(kept - end);
    start.chain(['…']).chain(text.chars().skip(count - end)).collect()
}

#[cfg(test)]
mod tests;
