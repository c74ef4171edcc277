//! One line of a figure: band, line and markers.

use maud::{Markup, html};

use super::axis::Axes;
use super::series::Series;

/// Colors on white, each with a contrast of 3.4 or more, distinct under the common kinds of color
/// blindness.
const COLORS: [&str; 5] = ["#D55E00", "#2F8FE8", "#03794A", "#6A1B9A", "#222222"];
const DASHES: [Option<&str>; 3] = [None, Some("8 4"), Some("2 3.5")];
/// Markers on one line at most.
const MOST_MARKERS: usize = 10;

/// Color, dash pattern and marker of a line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Style {
    color: usize,
    dash: usize,
}

impl Style {
    /// Number of different styles.
    pub const COUNT: usize = COLORS.len() * DASHES.len();

    /// The style of the line at `rank`: adjacent ranks differ in color, 15 ranks in color or dash
    /// pattern.
    pub fn of(rank: usize) -> Self {
        Self { color: rank % COLORS.len(), dash: rank / COLORS.len() % DASHES.len() }
    }

    /// A group whose `currentColor` is the color of the line.
    pub fn group(self, content: &Markup) -> Markup {
        html! {
            g class={ "series-" (self.color) } color=(COLORS[self.color]) { (content) }
        }
    }

    /// The key of a legend: a piece of the line with its marker.
    pub fn line_key(self) -> Markup {
        self.key(
            34,
            &html! {
                path d="M1 7h32" stroke="currentColor" stroke-width="2.2"
                    stroke-dasharray=[self.dash()] {}
            },
        )
    }

    /// The key of a legend: the marker.
    pub fn marker_key(self) -> Markup {
        self.key(14, &html! {})
    }

    fn key(self, width: u32, line: &Markup) -> Markup {
        html! {
            svg viewBox={ "0 0 " (width) " 14" } width=(width) height="14" aria-hidden="true" {
                (self.group(&html! { (line) (self.marker(f64::from(width) / 2.0, 7.0)) }))
            }
        }
    }

    /// The value of `stroke-dasharray`; `None` for a solid line.
    pub fn dash(self) -> Option<&'static str> {
        DASHES[self.dash]
    }

    /// A marker centered on a point: filled on solid lines, hollow on the others, with different
    /// shapes on lines of one color.
    pub fn marker(self, x: f64, y: f64) -> Markup {
        let shape = match (self.color + self.dash) % 5 {
            0 => format!("M{:.1} {y:.1}a4 4 0 1 0 8 0a4 4 0 1 0 -8 0z", x - 4.0),
            1 => format!("M{:.1} {:.1}h7v7h-7z", x - 3.5, y - 3.5),
            2 => format!("M{x:.1} {:.1}l4.6 8h-9.2z", y - 4.8),
            3 => format!("M{x:.1} {:.1}l4.8 4.8l-4.8 4.8l-4.8 -4.8z", y - 4.8),
            _ => format!("M{x:.1} {:.1}l4.6 -8h-9.2z", y + 4.8),
        };
        html! {
            @if self.dash == 0 {
                path d=(shape) fill="currentColor" {}
            } @else {
                path.paper d=(shape) fill="#ffffff" stroke="currentColor" stroke-width="1.6" {}
            }
        }
    }
}

/// The line of `series`; `rank` shifts its markers, so that lines that coincide show both.
pub fn svg(series: &Series, style: Style, axes: &Axes, rank: usize) -> Markup {
    let points: Vec<(f64, f64)> =
        series.points.iter().map(|(epoch, at)| (axes.x(*epoch), axes.y(at.mean))).collect();
    let every = points.len().div_ceil(MOST_MARKERS).max(1);
    style.group(&html! {
        @if series.has_band() {
            path d={ (band(series, axes)) "Z" } fill="currentColor" fill-opacity="0.13" {}
        }
        @if points.len() > 1 {
            path d=(polyline(points.iter().copied())) fill="none" stroke="currentColor"
                stroke-width="2.2" stroke-linejoin="round" stroke-dasharray=[style.dash()] {}
        }
        @for (x, y) in points.iter().skip(rank % every).step_by(every) { (style.marker(*x, *y)) }
    })
}

/// The outline of the band between the minimum and the maximum over seeds.
fn band(series: &Series, axes: &Axes) -> String {
    let points = series.points.iter();
    let upper = points.clone().map(|(epoch, at)| (axes.x(*epoch), axes.y(at.max)));
    let lower = points.rev().map(|(epoch, at)| (axes.x(*epoch), axes.y(at.min)));
    polyline(upper.chain(lower))
}

/// Path data of straight lines from point to point.
fn polyline(points: impl Iterator<Item = (f64, f64)>) -> String {
    let corners: Vec<String> = points.map(|(x, y)| format!("{x:.1} {y:.1}")).collect();
    format!("M{}", corners.join("L"))
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::super::tests::series;
    use super::super::{Layout, Scale};
    use super::*;
    use crate::MeanStd;

    fn axes(series: &Series) -> Axes {
        let series = std::slice::from_ref(series);
        Axes::new(series, Scale::Percent, &Layout::WIDE, 60.0, 100.0)
    }

    #[test]
    fn fifteen_methods_look_different() {
        let looks: HashSet<String> = (0..15)
            .map(|rank| {
                let style = Style::of(rank);
                style.group(&html! { (style.line_key()) (style.marker(0.0, 0.0)) }).into_string()
            })
            .collect();
        assert_eq!(looks.len(), 15);
    }

    #[test]
    fn a_band_only_where_there_are_seeds() {
        let mut series = series("a", &[0.1, 0.2]);
        let axes = axes(&series);
        assert!(!svg(&series, Style::of(0), &axes, 0).0.contains("fill-opacity"));
        series.points[1].1 = MeanStd::of([Some(0.2), Some(0.4)]).unwrap();
        assert!(svg(&series, Style::of(0), &axes, 0).0.contains("fill-opacity"));
    }

    #[test]
    fn a_long_line_has_few_markers() {
        let series = series("a", &[0.5; 200]);
        let axes = axes(&series);
        let markers = svg(&series, Style::of(0), &axes, 3).0.matches("<path").count() - 1;
        assert_eq!(markers, MOST_MARKERS);
    }
}
