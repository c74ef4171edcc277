//! Contact sheets as markup: each image with its words beside it, in as many columns as fit.

use image::codecs::jpeg::JpegEncoder;
use image::imageops::{self, FilterType};
use image::{ImageEncoder, RgbImage};
use maud::{Markup, html};

use crate::contact_sheet::shorten;
use crate::html::breakable;
use crate::{ContactSheet, Frame, Picture, SheetRow, Tile};

/// The longest side of an embedded image, in pixels.
const MOST_SIDE: u32 = 192;
/// Looks like the original and takes about a tenth of a PNG's bytes.
const QUALITY: u8 = 85;
/// The most characters of a line below an image.
const MOST_CHARS: usize = 40;

/// The rows of `sheet`, called `label`, below its title.
pub fn html(label: &str, sheet: &ContactSheet) -> Markup {
    html! {
        p { (sheet.title) }
        div.contact role="group" aria-label=(label) {
            @for row in &sheet.rows { (self::row(row)) }
        }
    }
}

fn row(row: &SheetRow) -> Markup {
    html! {
        div.row.alone[row.query.is_none()] {
            @if let Some(query) = &row.query { (tile(query)) }
            div.tiles { @for answer in &row.tiles { (tile(answer)) } }
        }
    }
}

fn tile(Tile { image, caption, frame }: &Tile) -> Markup {
    let picture = encoded(image);
    let [width, height] = picture.size;
    let class = match frame {
        Frame::Plain => "plain",
        Frame::Query => "query",
        Frame::Same => "same",
        Frame::Other => "other",
    };
    html! {
        figure class={ "tile " (class) } {
            img src=(picture.uri()) width=(width) height=(height) alt=(caption.join(", "))
                loading="lazy";
            figcaption {
                @for line in caption {
                    @let short = shorten(line, MOST_CHARS);
                    span title=[(short != *line).then_some(line)] {
                        (breakable(&short, &['/', '_', '-', ' ', '…']))
                    }
                }
            }
        }
    }
}

/// A small JPEG of an image.
fn encoded(image: &RgbImage) -> Picture {
    let (width, height) = image.dimensions();
    let longest = width.max(height);
    if longest > MOST_SIDE {
        let scaled = |side: u32| (side * MOST_SIDE / longest).max(1);
        let (width, height) = (scaled(width), scaled(height));
        return encoded(&imageops::resize(image, width, height, FilterType::Triangle));
    }
    let mut bytes = Vec::new();
    JpegEncoder::new_with_quality(&mut bytes, QUALITY)
        .write_image(image, width, height, image::ExtendedColorType::Rgb8)
        .expect("an image of a few pixels");
    Picture::jpeg(bytes, [width, height])
}

#[cfg(test)]
pub mod tests {
    use super::*;

    /// A query and two answers whose words could be taken for markup.
    pub fn sheet() -> ContactSheet {
        let tile = |name: &str, frame| Tile {
            image: RgbImage::new(8, 4),
            caption: vec![name.to_owned(), "0.991 · <b>cat</b>".to_owned()],
            frame,
        };
        let row = SheetRow {
            query: Some(tile("<i>query</i>.jpg", Frame::Query)),
            tiles: vec![tile("a.jpg", Frame::Same), tile("\" onload=\"x", Frame::Other)],
        };
        ContactSheet { title: "One & all".to_owned(), columns: 8, rows: vec![row] }
    }

    #[test]
    fn every_image_has_its_words() {
        let html = html("x", &sheet()).into_string();
        assert!(!html.contains("<i>") && !html.contains("<b>") && !html.contains("\" onload"));
        assert_eq!(html.matches("<img ").count(), 3);
        assert_eq!(html.matches("width=\"8\" height=\"4\"").count(), 3);
        for part in ["One &amp; all", "tile same", "tile other", "tile query", "a.jpg, 0.991"] {
            assert!(html.contains(part), "{part}");
        }
    }

    #[test]
    fn large_images_are_shrunk_and_long_names_shortened() {
        assert_eq!(encoded(&RgbImage::new(800, 400)).size, [192, 96]);
        assert_eq!(encoded(&RgbImage::new(2000, 1)).size, [192, 1]);
        let name = "x".repeat(60);
        let tile =
            Tile { image: RgbImage::new(8, 8), caption: vec![name.clone()], frame: Frame::Plain };
        let html = super::tile(&tile).into_string();
        assert!(html.contains(&format!("title=\"{name}\"")) && html.contains("x…<wbr>x"), "{html}");
    }
}
