//! Sheets of images: what augmentation does, and what an encoder finds alike.

use super::scrolling;
use crate::Picture;
use crate::markup::escape;

/// Heading of [`augmentation`].
pub const AUGMENTATION: &str = "What the encoder sees";
/// Heading of [`neighbors`].
pub const NEIGHBORS: &str = "Nearest neighbors";

/// What recipes do to some images: each different sheet once, with the names that it holds for;
/// `everyone` where these are all of `count`.
pub fn augmentation(found: &[(String, Picture)], count: usize, everyone: &str) -> String {
    let mut sheets: Vec<(&Picture, Vec<&str>)> = Vec::new();
    for (name, picture) in found {
        match sheets.iter_mut().find(|(sheet, _)| *sheet == picture) {
            Some((_, names)) => names.push(name),
            None => sheets.push((picture, vec![name.as_str()])),
        }
    }
    if sheets.is_empty() {
        return String::new();
    }
    let alone = count > 1 && sheets.len() == 1 && sheets[0].1.len() == count;
    let figures: String = sheets
        .iter()
        .map(|(picture, names)| {
            let whose = if alone { everyone.to_owned() } else { names.join(", ") };
            let alt =
                format!("Sheet of augmented views of some images, one image a row, for {whose}");
            figure(picture, &whose, &alt)
        })
        .collect();
    format!(
        "<p>One image a row: the original in the first column, then views of it as the recipe draws them.</p>\n\
         <div class=\"pictures\">\n{figures}</div>\n"
    )
}

/// For each name the training images nearest to some test images.
pub fn neighbors(found: &[(String, Picture)]) -> String {
    if found.is_empty() {
        return String::new();
    }
    let figures: String = found
        .iter()
        .map(|(name, picture)| {
            let alt = format!(
                "Test images and the training images nearest to each in the features of {name}"
            );
            figure(picture, name, &alt)
        })
        .collect();
    let columns = if found.len() > 1 { " two" } else { "" };
    format!(
        "<p>One test image a row, in the first column; then its nearest training images by the encoder’s features, the \
         nearest first. Labels play no part.</p>\n<div class=\"pictures{columns}\">\n{figures}</div>\n"
    )
}

fn figure(picture: &Picture, caption: &str, alt: &str) -> String {
    let [width, height] = picture.size;
    let image = format!(
        "<img src=\"{}\" width=\"{width}\" height=\"{height}\" alt=\"{}\">\n",
        picture.uri(),
        escape(alt)
    );
    format!(
        "<figure>\n<figcaption>{}</figcaption>\n{}</figure>\n",
        escape(caption),
        scrolling(alt, &image)
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sheet_that_is_the_same_is_shown_once() {
        let picture = Picture::jpeg(vec![1, 2, 3], [8, 4]);
        let of = |names: &[&str]| -> Vec<(String, Picture)> {
            let names = names.iter();
            names.map(|name| (name.to_string(), picture.clone())).collect()
        };
        let html = augmentation(&of(&["a", "b"]), 3, "all methods");
        assert_eq!(html.matches("<img ").count(), 1);
        assert!(
            html.contains("<figcaption>a, b</figcaption>")
                && html.contains("width=\"8\" height=\"4\"")
        );
        let html = augmentation(&of(&["a", "b", "c"]), 3, "all methods");
        assert!(html.contains("<figcaption>all methods</figcaption>"));
        let mut two = of(&["a", "<b>"]);
        two[1].1 = Picture::jpeg(vec![4], [8, 4]);
        let html = augmentation(&two, 2, "all methods");
        assert_eq!(html.matches("<img ").count(), 2);
        assert!(html.contains("<figcaption>&lt;b&gt;</figcaption>"));
    }
}
