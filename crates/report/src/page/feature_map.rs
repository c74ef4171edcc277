//! Scatter plots of images by their features, one layout at a time. A script shows the image at a
//! point; the plots, and the choice of a layout, need none.

use maud::{Markup, html};

use crate::figures::{Style, scatter};
use crate::html::{legend, scroll_box};
use crate::{FeatureMap, Plane, Thumbnails};

/// Shows the image at the pointer, or at the point that the arrow keys reach.
pub const SCRIPT: &str = include_str!("feature_map.js");

/// Side of a thumbnail as it is shown, in pixels.
const SHOWN_SIDE: usize = 160;

/// The map of each run that has one, called by its label, and the CSS rules of their thumbnails;
/// `None` where there is no map.
pub fn html(found: &[(&str, &FeatureMap)]) -> Option<(Markup, String)> {
    // Runs on one data set show the same images: each sheet is embedded once.
    let mut sheets: Vec<&Thumbnails> = Vec::new();
    let numbers: Vec<usize> = found
        .iter()
        .map(|(_, map)| {
            let known = sheets.iter().position(|sheet| **sheet == map.thumbnails);
            known.unwrap_or_else(|| {
                sheets.push(&map.thumbnails);
                sheets.len() - 1
            })
        })
        .collect();
    let maps = html! {
        p {
            "Each point is an image; images with similar features are close together. "
            span.help hidden {
                "Point at an image or tap it to see it. With the keyboard, focus a map and go from image to \
                 image with the arrow keys."
            }
        }
        noscript { p { "Showing the image at a point requires JavaScript." } }
        @for (index, ((label, map), sheet)) in found.iter().zip(numbers).enumerate() {
            (figure(index, sheet, label, map))
        }
    };
    let rules = sheets.iter().enumerate().map(|(number, sheet)| rule(number, sheet));
    (!found.is_empty()).then(|| (maps, rules.collect()))
}

/// The CSS rule of the thumbnails on sheet `number`.
fn rule(number: usize, Thumbnails { sheet, columns, .. }: &Thumbnails) -> String {
    format!(
        ".sheet-{number} {{ background-image: url({}); background-size: {}px auto; \
         width: {SHOWN_SIDE}px; height: {SHOWN_SIDE}px; }}\n",
        sheet.uri(),
        SHOWN_SIDE * columns
    )
}

/// The map of the run called `label`, number `index` of the page, its thumbnails on sheet number
/// `sheet`.
fn figure(index: usize, sheet: usize, label: &str, map: &FeatureMap) -> Markup {
    let title = format!("Map of {} {} of {label}", map.points.len(), map.images);
    let columns = map.thumbnails.columns;
    html! {
        figure.map data-columns=(columns) data-side=(SHOWN_SIDE) {
            figcaption { (label) }
            @if map.planes.len() > 1 { (layout_choice(index, &map.planes)) }
            @for (number, plane) in map.planes.iter().enumerate() {
                @let title = format!("{title}: {}", plane.name);
                @let id = format!("map-{index}-{number}");
                div.plane {
                    div.plot role="group" aria-label=(title) {
                        (scatter::svg(map, plane, &id, &title))
                        div.card hidden {
                            div class={ "thumbnail sheet-" (sheet) } {}
                            b {}
                            span {}
                        }
                    }
                    p.said aria-live="polite" {}
                    div.about { p { (plane.about) } (classes(&title, map)) }
                }
            }
        }
    }
}

/// Radio buttons; the style of the page shows the checked layout.
fn layout_choice(index: usize, planes: &[Plane]) -> Markup {
    html! {
        fieldset.choice {
            legend { "Layout" }
            @for (number, plane) in planes.iter().enumerate() {
                label {
                    input type="radio" name={ "map-" (index) } checked[number == 0];
                    " " (plane.name)
                }
            }
        }
    }
}

/// The legend of the classes; empty where labels are not known.
fn classes(title: &str, map: &FeatureMap) -> Markup {
    let classes = scatter::classes(map);
    let entries: Vec<_> = classes
        .iter()
        .filter_map(|(class, name)| Some((Style::of((*class)?).marker_key(), name.as_str())))
        .collect();
    let named = !entries.is_empty();
    let label = format!("Classes of the {title}");
    let list = legend(&label, entries);
    html! {
        @if named {
            @if classes.len() > Style::COUNT {
                p { "Markers repeat after " (Style::COUNT) " classes." }
            }
            @if classes.len() > 2 * Style::COUNT {
                details {
                    summary { (classes.len()) " classes" }
                    (scroll_box(&label, &list))
                }
            } @else {
                (list)
            }
        }
    }
}

#[cfg(test)]
pub mod tests {
    use super::*;
    use crate::{Picture, Plane, Point};

    pub fn map(class_names: &[&str], sheet: u8) -> FeatureMap {
        let point = |index: usize| Point {
            name: format!("cat/<{index}>.jpg"),
            label: (!class_names.is_empty()).then_some((index % class_names.len().max(1)) as u16),
        };
        let plane = |name: &'static str| Plane {
            name,
            about: "By <two> directions.".to_owned(),
            places: (0..6).map(|at| [f64::from(at), f64::from(at * at)]).collect(),
        };
        FeatureMap {
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

    fn text(found: &[(&str, &FeatureMap)]) -> (String, String) {
        let (maps, rules) = html(found).unwrap();
        (maps.into_string(), rules)
    }

    #[test]
    fn names_are_text_and_a_sheet_is_there_once() {
        let (one, other) = (map(&["<i>a</i>", "b"], 7), map(&["c"], 8));
        let (html, style) = text(&[("x<1>", &one), ("y", &one), ("z", &other)]);
        assert!(!html.contains("<i>") && !html.contains("<two>") && !html.contains("x<1>"));
        assert!(html.contains("data-name=\"&lt;i&gt;a&lt;/i&gt;\""));
        assert!(html.contains("data-image=\"cat/&lt;3&gt;.jpg\""));
        assert!(!html.contains("<way>"));
        assert_eq!(html.matches("<use ").count(), 2 * 18);
        assert_eq!(style.matches("background-image").count(), 2);
        assert_eq!(html.matches("thumbnail sheet-0").count(), 2 * 2);
        assert!(style.contains("background-size: 480px auto; width: 160px"), "{style}");
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
        let (html, _) = text(&[("x", &only)]);
        assert!(html.contains("<use ") && !html.contains("<input"));
    }

    #[test]
    fn without_labels_there_is_no_legend() {
        let (html, _) = text(&[("x", &map(&[], 7))]);
        assert!(html.contains("<use ") && !html.contains("class=\"legend\""));
    }

    #[test]
    fn many_classes_are_folded() {
        let names: Vec<String> = (0..40).map(|class| format!("kind {class}")).collect();
        let names: Vec<&str> = names.iter().map(String::as_str).collect();
        let mut many = map(&names, 7);
        many.points =
            (0..40).map(|class| Point { name: String::new(), label: Some(class) }).collect();
        for plane in &mut many.planes {
            plane.places = (0..40).map(|class| [f64::from(class), 0.0]).collect();
        }
        let (html, _) = text(&[("x", &many)]);
        assert!(html.contains("<summary>40 classes</summary>") && html.contains("Markers repeat"));
    }
}
