//! The points of a figure as the script of a page reads them.

use serde_json::{Value, json};

use super::axis::Axes;
use super::series::Series;
use super::{Figure, Scale};
use crate::MeanStd;

/// JSON of the unit of the horizontal axis, the top and the bottom of the plot, and for each line
/// its points: position, place in pixels, and value in words.
pub fn json(figure: &Figure, axes: &Axes) -> String {
    let [top, bottom] = axes.span().map(pixels);
    let lines: Vec<Value> =
        figure.series.iter().map(|series| line(series, figure.scale, axes)).collect();
    json!({"x": figure.x, "top": top, "bottom": bottom, "lines": lines}).to_string()
}

fn line(series: &Series, scale: Scale, axes: &Axes) -> Value {
    let point = |(x, at): &(u32, MeanStd)| {
        json!([x, pixels(axes.x(*x)), pixels(axes.y(at.mean)), words(at, scale)])
    };
    let points: Vec<Value> = series.points.iter().map(point).collect();
    json!({"name": series.name, "points": points})
}

/// With the range of several values.
fn words(at: &MeanStd, scale: Scale) -> String {
    let mean = scale.written(at.mean);
    if at.n == 1 {
        return mean;
    }
    format!("{mean} ({} to {})", scale.written(at.min), scale.written(at.max))
}

/// With one decimal, as in the drawing.
fn pixels(at: f64) -> f64 {
    (10.0 * at).round() / 10.0
}

#[cfg(test)]
mod tests {
    use super::super::Layout;
    use super::super::tests::series;
    use super::*;

    #[test]
    fn a_point_has_its_place_and_its_value() {
        let mut lines = vec![series("a", &[0.25, 0.5]), series("<b>", &[0.75])];
        lines[1].points[0].1 = MeanStd::of([Some(0.5), Some(1.0)]).unwrap();
        let figure = Figure {
            name: "f",
            title: String::new(),
            unit: String::new(),
            x: "epoch",
            scale: Scale::Percent,
            series: lines,
        };
        let found: Value = serde_json::from_str(&figure.points(&Layout::SMALL)).unwrap();
        assert_eq!((&found["x"], &found["lines"][1]["name"]), (&json!("epoch"), &json!("<b>")));
        let points = found["lines"][0]["points"].as_array().unwrap();
        assert_eq!((&points[0][0], &points[1][3]), (&json!(1), &json!("50.0 %")));
        let (top, bottom) = (found["top"].as_f64().unwrap(), found["bottom"].as_f64().unwrap());
        let y = points[0][2].as_f64().unwrap();
        assert!(top <= y && y <= bottom, "{found}");
        // As drawn.
        let svg = figure.svg(&Layout::SMALL).into_string();
        assert!(svg.contains(&format!("{:.1} {y:.1}L", points[0][1].as_f64().unwrap())), "{svg}");
        assert_eq!(found["lines"][1]["points"][0][3], "75.0 % (50.0 % to 100.0 %)");
    }
}
