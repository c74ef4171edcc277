//! Points on a plane, told apart by class.

use super::Style;
use crate::markup::escape;
use crate::{Map, Plane};

/// Width of a drawing, and the least and the most height.
const WIDTH: f64 = 640.0;
const HEIGHT: [f64; 2] = [320.0, 560.0];
/// Room around the points.
const MARGIN: f64 = 14.0;

/// Places in a drawing.
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

    fn place(&self, [x, y]: [f64; 2]) -> [f64; 2] {
        let right = self.offset[0] + self.scale * (x - self.low[0]);
        let up = self.offset[1] + self.scale * (y - self.low[1]);
        // A plane of no extent has no scale.
        [right, self.height - up].map(|at| if at.is_finite() { at } else { WIDTH / 2.0 })
    }
}

/// The drawing of `plane` of `map`, described by `label`; names inside it begin with `id`. Each
/// point is a `use` element whose `data-i` is its number, in a group with the name of its class as
/// `data-name`.
pub fn svg(map: &Map, plane: &Plane, id: &str, label: &str) -> String {
    let frame = Frame::of(&plane.places);
    let height = frame.height;
    let mut svg = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {WIDTH} {height:.0}\" width=\"{WIDTH}\" \
         height=\"{height:.0}\" role=\"img\" aria-label=\"{}\">\n\
         <rect class=\"paper\" width=\"{WIDTH}\" height=\"{height:.0}\" fill=\"#ffffff\"/>\n",
        escape(label)
    );
    for (class, name) in classes(map) {
        let style = Style::of(class.unwrap_or(0));
        let look = format!("{id}-{}", class.unwrap_or(0));
        svg += &style.open();
        svg += &format!(
            "<defs><g id=\"{look}\">{}</g></defs>\n<g data-name=\"{}\">\n",
            style.marker(0.0, 0.0),
            escape(&name)
        );
        let points = map.points.iter().enumerate();
        for (index, point) in points.filter(|(_, point)| point.label.map(usize::from) == class) {
            let [x, y] = frame.place(plane.places[index]);
            svg += &format!(
                "<use href=\"#{look}\" x=\"{x:.1}\" y=\"{y:.1}\" data-i=\"{index}\" data-image=\"{}\"/>\n",
                point.image
            );
        }
        svg += "</g>\n</g>\n";
    }
    svg + "</svg>\n"
}

/// The classes that have points, in order, with their names; one without a name where labels are
/// not known.
pub fn classes(map: &Map) -> Vec<(Option<usize>, String)> {
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

    fn map(places: &[[f64; 2]]) -> Map {
        let point = |index: usize| Point { image: 10 * index, label: Some(index as u16) };
        Map {
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
    fn points_stand_inside_and_up_is_up() {
        let places = [[0.0, 0.0], [2.0, 1.0], [1.0, 0.5]];
        let frame = Frame::of(&places);
        let [low, high, middle] = places.map(|place| frame.place(place));
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
        let svg = svg(&map, &map.planes[0], "m0", "a & b");
        assert!(svg.contains("data-name=\"&lt;b&gt;\"") && svg.contains("data-name=\"class 1\""));
        assert!(svg.contains("aria-label=\"a &amp; b\""));
        assert_eq!(svg.matches("<use ").count(), 2);
        assert!(svg.contains("data-i=\"1\" data-image=\"10\""));
    }

    #[test]
    fn points_in_one_place_have_a_place() {
        for places in [&[[1.0, 1.0], [1.0, 1.0]][..], &[[3.0, 4.0]], &[]] {
            let map = map(places);
            let svg = svg(&map, &map.planes[0], "m0", "all alike");
            assert!(!svg.contains("NaN") && !svg.contains("inf"), "{svg}");
        }
    }
}
