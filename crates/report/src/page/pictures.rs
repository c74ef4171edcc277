//! Sheets of images: augmented views and nearest neighbors.

use maud::{Markup, html};

use crate::Picture;
use crate::html::scroll_box;

/// Heading of [`augmentation`].
pub const AUGMENTATION: &str = "Augmented views";
/// Heading of [`neighbors`].
pub const NEIGHBORS: &str = "Nearest neighbors";

/// Sheets of augmented views, each different one once with the names of those that share it;
/// `everyone` stands for all of `count` names. `None` where there is no sheet.
pub fn augmentation(found: &[(String, Picture)], count: usize, everyone: &str) -> Option<Markup> {
    let mut sheets: Vec<(&Picture, Vec<&str>)> = Vec::new();
    for (name, picture) in found {
        match sheets.iter_mut().find(|(sheet, _)| *sheet == picture) {
            Some((_, names)) => names.push(name),
            None => sheets.push((picture, vec![name.as_str()])),
        }
    }
    let shared = count > 1 && sheets.len() == 1 && sheets[0].1.len() == count;
    let figures = html! {
        p { "One image per row: the original in the first column, then augmented views of it." }
        div.pictures {
            @for (picture, names) in &sheets {
                @let whose = if shared { everyone.to_owned() } else { names.join(", ") };
                @let alt = format!("Images and augmented views of {whose}, one image per row");
                (figure(picture, &whose, &alt))
            }
        }
    };
    (!sheets.is_empty()).then_some(figures)
}

/// For each name the training images nearest to some test images; `None` where there are none.
pub fn neighbors(found: &[(String, Picture)]) -> Option<Markup> {
    let figures = html! {
        p {
            "One test image per row, in the first column, then its nearest training images by \
             features, nearest first. Labels are not used."
        }
        div.pictures.two[found.len() > 1] {
            @for (name, picture) in found {
                @let alt = format!("Test images and their nearest training images by {name}");
                (figure(picture, name, &alt))
            }
        }
    };
    (!found.is_empty()).then_some(figures)
}

fn figure(picture: &Picture, caption: &str, alt: &str) -> Markup {
    let [width, height] = picture.size;
    html! {
        figure {
            figcaption { (caption) }
            (scroll_box(alt, &html! {
                img src=(picture.uri()) width=(width) height=(height) alt=(alt)
                    style={ "--twice: " (2 * width) "px" };
            }))
        }
    }
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
        let html = augmentation(&of(&["a", "b"]), 3, "all methods").unwrap().into_string();
        assert_eq!(html.matches("<img ").count(), 1);
        assert!(
            html.contains("<figcaption>a, b</figcaption>")
                && html.contains("width=\"8\" height=\"4\"")
        );
        let html = augmentation(&of(&["a", "b", "c"]), 3, "all methods").unwrap().into_string();
        assert!(html.contains("<figcaption>all methods</figcaption>"));
        let mut two = of(&["a", "<b>"]);
        two[1].1 = Picture::jpeg(vec![4], [8, 4]);
        let html = augmentation(&two, 2, "all methods").unwrap().into_string();
        assert_eq!(html.matches("<img ").count(), 2);
        assert!(html.contains("<figcaption>&lt;b&gt;</figcaption>"));
    }
}
