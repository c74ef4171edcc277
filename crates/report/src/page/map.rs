//! Maps of images by their features. A script shows the image under the pointer, or the one that the arrow keys
//! reach; what a map shows as a whole needs none.

use super::scrolling;
use crate::figure::{Style, scatter};
use crate::markup::escape;
use crate::{Map, Thumbnails};

/// What reacts to pointer and keyboard.
pub const SCRIPT: &str = include_str!("map.js");

/// Times that a thumbnail is enlarged.
const ENLARGED: usize = 2;

/// The map of each run that has one, called by its label, and the style that holds the thumbnails.
pub fn html(found: &[(&str, &Map)]) -> (String, String) {
    if found.is_empty() {
        return (String::new(), String::new());
    }
    // Runs on one set show the same images: each sheet is there once.
    let mut sheets: Vec<&Thumbnails> = Vec::new();
    let mut maps = String::new();
    for (index, (label, map)) in found.iter().enumerate() {
        let known = sheets.iter().position(|sheet| **sheet == map.thumbnails);
        let sheet = known.unwrap_or_else(|| {
            sheets.push(&map.thumbnails);
            sheets.len() - 1
        });
        maps += &figure(index, sheet, label, map);
    }
    let style = sheets.iter().enumerate().map(|(number, sheet)| {
        let side = ENLARGED * sheet.side;
        format!(
            ".sheet-{number} {{ background-image: url({}); background-size: {}px auto; width: {side}px; height: {side}px; }}\n",
            sheet.sheet.uri(),
            side * sheet.columns
        )
    });
    let about = "<p>Each point is an image, near those that the encoder finds alike. <span class=\"help\" hidden>Point at \
         one to see its image; with the keyboard, go to a map and from image to image by the arrow keys.</span></p>\n\
         <noscript><p>To see the image at a point takes JavaScript.</p></noscript>\n";
    (format!("{about}{maps}"), style.collect())
}

/// The map called `label`, number `index` of the page, its thumbnails on sheet number `sheet`.
fn figure(index: usize, sheet: usize, label: &str, map: &Map) -> String {
    let title = format!("Map of {} {} of {label}", map.points.len(), map.images);
    let Thumbnails { columns, side, .. } = map.thumbnails;
    let side = ENLARGED * side;
    format!(
        "<figure class=\"map\" data-columns=\"{columns}\" data-side=\"{side}\">\n<figcaption>{}</figcaption>\n\
         <div class=\"plot\" role=\"group\" aria-label=\"{}\">\n{}<div class=\"card\" hidden>\
         <div class=\"thumbnail sheet-{sheet}\"></div><span></span></div>\n</div>\n\
         <p class=\"said\" aria-live=\"polite\"></p>\n<p>{}</p>\n{}</figure>\n",
        escape(label),
        escape(&title),
        scatter::svg(map, &format!("map-{index}"), &title),
        escape(&map.about),
        legend(&title, map)
    )
}

/// The looks of the classes; nothing where labels are not known.
fn legend(title: &str, map: &Map) -> String {
    let classes = scatter::classes(map);
    let items: String = classes
        .iter()
        .filter_map(|(class, name)| {
            let key = Style::of((*class)?).key(false);
            Some(format!("<li>{key} {}</li>\n", escape(name)))
        })
        .collect();
    if items.is_empty() {
        return items;
    }
    let shared = if classes.len() > Style::COUNT {
        "<p>Some classes look alike: there are more of them than looks.</p>\n"
    } else {
        ""
    };
    let list = format!("<ul class=\"legend\">\n{items}</ul>\n");
    if classes.len() > 2 * Style::COUNT {
        let all = scrolling(&format!("Classes of the {title}"), &list);
        return format!(
            "{shared}<details>\n<summary>{} classes</summary>\n{all}</details>\n",
            classes.len()
        );
    }
    list + shared
}

#[cfg(test)]
pub mod tests {
    use super::*;
    use crate::{Picture, Point};

    pub fn map(class_names: &[&str], sheet: u8) -> Map {
        let point = |index: usize| Point {
            place: [index as f64, (index * index) as f64],
            image: 3 * index,
            label: (!class_names.is_empty()).then_some((index % class_names.len().max(1)) as u16),
        };
        Map {
            images: "test images".to_owned(),
            about: "By <two> directions.".to_owned(),
            class_names: class_names.iter().map(|name| name.to_string()).collect(),
            points: (0..6).map(point).collect(),
            thumbnails: Thumbnails {
                sheet: Picture::jpeg(vec![sheet], [96, 64]),
                columns: 3,
                side: 32,
            },
        }
    }

    #[test]
    fn names_are_text_and_a_sheet_is_there_once() {
        let (one, other) = (map(&["<i>a</i>", "b"], 7), map(&["c"], 8));
        let (html, style) = html(&[("x<1>", &one), ("y", &one), ("z", &other)]);
        assert!(!html.contains("<i>") && !html.contains("<two>") && !html.contains("x<1>"));
        assert!(html.contains("data-name=\"&lt;i&gt;a&lt;/i&gt;\""));
        assert_eq!(html.matches("<use ").count(), 18);
        assert_eq!(style.matches("background-image").count(), 2);
        assert_eq!(html.matches("thumbnail sheet-0").count(), 2);
        assert!(
            style.contains("background-size: 192px auto; width: 64px"),
            "{style}"
        );
        for id in ["id=\"map-0-0\"", "id=\"map-1-0\"", "id=\"map-2-0\""] {
            assert_eq!(html.matches(id).count(), 1, "{id}");
        }
    }

    #[test]
    fn without_labels_there_is_no_legend() {
        let (html, _) = html(&[("x", &map(&[], 7))]);
        assert!(html.contains("<use ") && !html.contains("class=\"legend\""));
    }

    #[test]
    fn many_classes_are_folded() {
        let names: Vec<String> = (0..40).map(|class| format!("kind {class}")).collect();
        let names: Vec<&str> = names.iter().map(String::as_str).collect();
        let mut many = map(&names, 7);
        many.points = (0..40)
            .map(|class| Point {
                place: [f64::from(class), 0.0],
                image: 0,
                label: Some(class as u16),
            })
            .collect();
        let (html, _) = html(&[("x", &many)]);
        assert!(html.contains("<summary>40 classes</summary>") && html.contains("look alike"));
    }
}
