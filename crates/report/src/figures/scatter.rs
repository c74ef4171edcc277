//! Scatter plots of images, with a color and marker for each class.

use maud::{Markup, html};

use super::{Style, XMLNS};
use crate::html::Px;
use crate::{FeatureMap, Plane};

/// Width of a drawing, and the least and the most height.
const WIDTH: f64 = 640.0;
const HEIGHT: [f64; 2] = [320.0, 560.0];
/// Room around the points.
const MARGIN: f64 = 14.0;

/// The mapping from a layout to pixels.
struct Frame {
    low: [f64; 2],
    scale: f64,
    height: f64,
    offset: [f64; 2],
}

impl Frame {
    /// The frame that holds all points, with one scale for both directions.
    fn of(places: &[[f64; 2]]) -> Self {
        let along = |axis: usize| places.iter().map(move |place| place[axis]);
        let low = [0, 1].map(|axis| along(axis).fold(f64::INFINITY, f64::min));
        let high = [0, 1].map(|axis| along(axis).fold(f64::NEG_INFINITY, f64::max));
        let [width, height] = [0, 1].map(|axis| (high[axis] - low[axis]).max(f64::MIN_POSITIVE));
        let room = WIDTH - 2.0 * MARGIN;
        let whole = room * height / width + 2.0 * MARGIN;
        let inner = whole.clamp(HEIGHT[0], HEIGHT[1]) - 2.0 * MARGIN;
        let scale = (room / width).min(inner / height);
        Self {
            low,
            scale,
            height: inner + 2.0 * MARGIN,
            offset: [
                MARGIN + (room - scale * width) / 2.0,
                MARGIN + (inner - scale * height) / 2.0,
            ],
        }
    }

    fn position(&self, [x, y]: [f64; 2]) -> [f64; 2] {
        let right = self.offset[0] + self.scale * (x - self.low[0]);
        let up = self.offset[1] + self.scale * (y - self.low[1]);
        // A layout of no extent has no scale.
        [right, self.height - up].map(|at| if at.is_finite() { at } else { WIDTH / 2.0 })
    }
}

/// The drawing of `plane` of `map`, described by `label`; names inside it begin with `id`. Each
/// point is a `use` element whose `data-i` is its number and whose `data-image` is its name, in a
/// group with the name of its class as `data-name`.
pub fn svg(map: &FeatureMap, plane: &Plane, id: &str, label: &str) -> Markup {
    let frame = Frame::of(&plane.places);
    let height = frame.height.round();
    html! {
        svg xmlns=(XMLNS) viewBox={ "0 0 " (WIDTH) " " (height) } width=(WIDTH) height=(height)
            role="img" aria-label=(label) {
            rect.paper width=(WIDTH) height=(height) fill="#ffffff" {}
            @for (class, name) in classes(map) {
                @let style = Style::of(class.unwrap_or(0));
                @let marker = format!("{id}-{}", class.unwrap_or(0));
                (style.group(&html! {
                    defs { g id=(marker) { (style.marker(0.0, 0.0)) } }
                    g data-name=(name) {
                        @for (index, point) in map.points.iter().enumerate() {
                            @if point.label.map(usize::from) == class {
                                @let [x, y] = frame.position(plane.places[index]).map(Px);
                                use href={ "#" (marker) } x=(x) y=(y) data-i=(index)
                                    data-image=(point.name) {}
                            }
                        }
                    }
                }))
            }
        }
    }
}

/// The classes that have points, in order, with their names; one without a name where labels are
/// not known.
pub fn classes(map: &FeatureMap) -> Vec<(Option<usize>, String)> {
    let mut labels: Vec<Option<usize>> =
        map.points.iter().map(|point| point.label.map(usize::from)).collect();
    labels.sort_unstable();
    labels.dedup();
    let name = |label: Option<usize>| match label {
        None => String::new(),
        Some(label) => match map.class_names.get(label) {
            Some(name) => name.clone(),
            None => format!("class {label}"),
        },
    };
    labels.into_iter().map(|label| (label, name(label))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Picture, Point, Thumbnails};

    fn map(places: &[[f64; 2]]) -> FeatureMap {
        let point =
            |index: usize| Point { name: format!("<{index}>.jpg"), label: Some(index as u16) };
        FeatureMap {
            images: "test images".to_owned(),
            class_names: vec!["<b>".to_owned()],
            points: (0..places.len()).map(point).collect(),
            planes: vec![Plane { name: "any", about: String::new(), places: places.to_vec() }],
            thumbnails: Thumbnails {
                sheet: Picture::jpeg(vec![0], [32, 32]),
                columns: 1,
                side: 32,
            },
        }
    }

    #[test]
    fn points_are_inside_and_up_is_up() {
        let places = [[0.0, 0.0], [2.0, 1.0], [1.0, 0.5]];
        let frame = Frame::of(&places);
        let [low, high, middle] = places.map(|place| frame.position(place));
        assert_eq!((low[0], high[0]), (MARGIN, WIDTH - MARGIN));
        assert!(low[1] > middle[1] && middle[1] > high[1], "{low:?} {high:?}");
        assert!(high[1] >= MARGIN && low[1] <= frame.height - MARGIN);
        // One unit is as long to the right as up.
        let (right, up) = ((high[0] - low[0]) / 2.0, low[1] - high[1]);
        assert!((right - up).abs() < 1e-9);
    }

    #[test]
    fn classes_are_grouped_and_named_as_text() {
        let map = map(&[[0.0, 0.0], [2.0, 1.0]]);
        let svg = svg(&map, &map.planes[0], "m0", "a & b").into_string();
        assert!(svg.contains("data-name=\"&lt;b&gt;\"") && svg.contains("data-name=\"class 1\""));
        assert!(svg.contains("aria-label=\"a &amp; b\""));
        assert_eq!(svg.matches("<use ").count(), 2);
        assert!(svg.contains("data-i=\"1\" data-image=\"&lt;1&gt;.jpg\""));
    }

    #[test]
    fn coincident_points_have_finite_positions() {
        for places in [&[[1.0, 1.0], [1.0, 1.0]][..], &[[3.0, 4.0]], &[]] {
            let map = map(places);
            let svg = svg(&map, &map.planes[0], "m0", "all alike").into_string();
            assert!(!svg.contains("NaN") && !svg.contains("inf"), "{svg}");
        }
    }
}
