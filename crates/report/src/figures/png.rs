//! Rasterizes figures with an embedded font, so that a PNG is the same on every machine.

use std::path::Path;
use std::sync::{Arc, LazyLock};

use resvg::tiny_skia::{Pixmap, Transform};
use resvg::usvg::{Options, Tree, fontdb::Database};

use crate::Error;

/// Pixels for each unit of a figure.
const SCALE: f32 = 2.0;

/// The embedded font and nothing of the system.
static FONTS: LazyLock<Arc<Database>> = LazyLock::new(|| {
    let mut fonts = Database::new();
    fonts.load_font_data(epaint_default_fonts::UBUNTU_LIGHT.to_vec());
    fonts.set_sans_serif_family("Ubuntu");
    Arc::new(fonts)
});

/// The PNG of `svg`, which is going to be written to `path`.
///
/// # Errors
/// [`Error::Figure`].
pub fn png(path: &Path, svg: &str) -> Result<Vec<u8>, Error> {
    let failed = |found| Error::Figure { path: path.to_owned(), found };
    let pixels = rasterize(svg, SCALE).map_err(failed)?;
    pixels.encode_png().map_err(|error| failed(error.to_string()))
}

/// The pixels of `svg`, `scale` of them for each unit of the drawing.
///
/// # Errors
/// What the renderer says.
pub fn rasterize(svg: &str, scale: f32) -> Result<Pixmap, String> {
    let options = Options {
        font_family: "Ubuntu".to_owned(),
        fontdb: Arc::clone(&FONTS),
        ..Options::default()
    };
    let tree = Tree::from_str(svg, &options).map_err(|error| error.to_string())?;
    let size = tree.size().to_int_size().scale_by(scale).ok_or("an empty drawing")?;
    let mut pixels = Pixmap::new(size.width(), size.height()).ok_or("no room for its pixels")?;
    resvg::render(&tree, Transform::from_scale(scale, scale), &mut pixels.as_mut());
    Ok(pixels)
}

#[cfg(test)]
mod tests {
    use maud::{Markup, html};

    use super::super::XMLNS;
    use super::*;

    fn drawing(content: &Markup) -> Vec<u8> {
        let svg = html! {
            svg xmlns=(XMLNS) width="60" height="30" font-family="Ubuntu, sans-serif" {
                rect width="60" height="30" fill="#fff" {}
                (content)
            }
        };
        let svg = svg.into_string();
        let png = png(Path::new("x.png"), &svg).unwrap();
        Pixmap::decode_png(&png).unwrap().data().to_vec()
    }

    #[test]
    fn text_is_drawn_without_fonts_of_the_system() {
        let empty = drawing(&html! {});
        assert_eq!(empty.len(), 120 * 60 * 4);
        assert!(empty.iter().all(|&byte| byte == 255));
        let dark = |pixels: Vec<u8>| pixels.iter().filter(|&&byte| byte < 128).count();
        assert!(dark(drawing(&html! { text x="5" y="20" { "abc" } })) > 100);
    }

    #[test]
    fn what_is_no_drawing_is_an_error() {
        let error = png(Path::new("x.png"), "<svg").unwrap_err();
        assert!(error.to_string().starts_with("x.png: expected a drawing"), "{error}");
    }
}
