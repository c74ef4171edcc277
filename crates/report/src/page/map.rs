//! Maps of images by their features, one plane at a time. A script shows the image under the
//! pointer, or the one that the arrow keys reach; what a map shows as a whole, and the choice of a
//! plane, need none.

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
    let planes = map.planes.iter().enumerate().map(|(number, plane)| {
        let title = format!("{title}: {}", plane.name);
        format!(
            "<div class=\"plane\">\n<div class=\"plot\" role=\"group\" aria-label=\"{}\">\n{}\
             <div class=\"card\" hidden><div class=\"thumbnail sheet-{sheet}\"></div><span></span></div>\n</div>\n\
             <p class=\"said\" aria-live=\"polite\"></p>\n<p>{}</p>\n</div>\n",
            escape(&title),
            scatter::svg(map, plane, &format!("map-{index}-{number}"), &title),
            escape(&plane.about)
        )
    });
    let Thumbnails { columns, side, .. } = map.thumbnails;
    let side = ENLARGED * side;
    format!(
        "<figure class=\"map\" data-columns=\"{columns}\" data-side=\"{side}\">\n<figcaption>{}</figcaption>\n\
         {}{}{}</figure>\n",
        escape(label),
        choice(index, map),
        planes.collect::<String>(),
        legend(&title, map)
    )
}

/// What chooses the plane that is shown, where there are several. The style of the page does the
/// rest.
fn choice(index: usize, map: &Map) -> String {
    if map.planes.len() < 2 {
        return String::new();
    }
    let planes = map.planes.iter().enumerate().map(|(number, plane)| {
        let checked = if number == 0 { " checked" } else { "" };
        format!(
            "<label><input type=\"radio\" name=\"map-{index}\"{checked}> {}</label>\n",
            escape(plane.name)
        )
    });
    let planes: String = planes.collect();
    format!("<fieldset class=\"choice\">\n<legend>Placed by</legend>\n{planes}</fieldset>\n")
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
    use crate::{Picture, Plane, Point};

    pub fn map(class_names: &[&str], sheet: u8) -> Map {
        let point = |index: usize| Point {
            image: 3 * index,
            label: (!class_names.is_empty()).then_some((index % class_names.len().max(1)) as u16),
        };
        let plane = |name: &'static str| Plane {
            name,
            about: "By <two> directions.".to_owned(),
            places: (0..6).map(|at| [f64::from(at), f64::from(at * at)]).collect(),
        };
        Map {
            images: "test images".to_owned(),
            class_names: class_names.iter().map(|name| name.to_string()).collect(),
            points: (0..6).map(point).collect(),
            planes: ["one way", "another <way>"].map(plane).to_vec(),
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
        assert!(!html.contains("<way>"));
        assert_eq!(html.matches("<use ").count(), 2 * 18);
        assert_eq!(style.matches("background-image").count(), 2);
        assert_eq!(html.matches("thumbnail sheet-0").count(), 2 * 2);
        assert!(style.contains("background-size: 192px auto; width: 64px"), "{style}");
        for id in ["map-0-0-0", "map-0-1-0", "map-1-0-0", "map-2-0-0"] {
            assert_eq!(html.matches(&format!("id=\"{id}\"")).count(), 1, "{id}");
        }
        for name in ["map-0", "map-1", "map-2"] {
            let choice = format!("<input type=\"radio\" name=\"{name}\"");
            assert_eq!(html.matches(&choice).count(), 2, "{name}");
            assert!(html.contains(&format!("{choice} checked> one way</label>")));
        }
    }

    #[test]
    fn one_plane_leaves_no_choice() {
        let mut only = map(&["a"], 7);
        only.planes.truncate(1);
        let (html, _) = html(&[("x", &only)]);
        assert!(html.contains("<use ") && !html.contains("<input"));
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
        many.points = (0..40).map(|class| Point { image: 0, label: Some(class) }).collect();
        for plane in &mut many.planes {
            plane.places = (0..40).map(|class| [f64::from(class), 0.0]).collect();
        }
        let (html, _) = html(&[("x", &many)]);
        assert!(html.contains("<summary>40 classes</summary>") && html.contains("look alike"));
    }
}
