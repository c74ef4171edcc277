//! One line of a figure: band, line and markers.

use super::axis::Axes;
use crate::series::Series;

/// Colors on white, each at a contrast of 3.4 or more, told apart with any of the common color
/// blindnesses.
const COLORS: [&str; 5] = ["#D55E00", "#2F8FE8", "#03794A", "#6A1B9A", "#222222"];
const DASHES: [&str; 3] = ["", "8 4", "2 3.5"];
/// Markers on one line at most.
const MOST_MARKERS: usize = 10;

/// How a line looks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Style {
    color: usize,
    dash: usize,
}

impl Style {
    /// How many looks there are.
    pub const COUNT: usize = COLORS.len() * DASHES.len();

    /// The look of the line at `rank`: neighbors differ in color, and 15 lines in something.
    pub fn of(rank: usize) -> Self {
        Self { color: rank % COLORS.len(), dash: rank / COLORS.len() % DASHES.len() }
    }

    /// Opens a group that paints with the color as `currentColor`.
    pub fn open(self) -> String {
        let Self { color, .. } = self;
        format!("<g class=\"series-{color}\" color=\"{}\">\n", COLORS[color])
    }

    /// A drawing of the line, or of its marker alone, to stand beside a name in a legend.
    pub fn key(self, line: bool) -> String {
        let (width, line) = if line {
            let path = "<path d=\"M1 7h32\" stroke=\"currentColor\" stroke-width=\"2.2\"";
            (34, format!("{path}{}/>\n", self.dash()))
        } else {
            (14, String::new())
        };
        format!(
            "<svg viewBox=\"0 0 {width} 14\" width=\"{width}\" height=\"14\" aria-hidden=\"true\">{}{line}{}</g></svg>",
            self.open(),
            self.marker(f64::from(width) / 2.0, 7.0)
        )
    }

    /// The dash pattern as an attribute.
    pub fn dash(self) -> String {
        match DASHES[self.dash] {
            "" => String::new(),
            pattern => format!(" stroke-dasharray=\"{pattern}\""),
        }
    }

    /// A marker around a point: filled on solid lines, hollow on the others, and of different
    /// shapes on lines of one color.
    pub fn marker(self, x: f64, y: f64) -> String {
        let shape = match (self.color + self.dash) % 5 {
            0 => format!("M{:.1} {y:.1}a4 4 0 1 0 8 0a4 4 0 1 0 -8 0z", x - 4.0),
            1 => format!("M{:.1} {:.1}h7v7h-7z", x - 3.5, y - 3.5),
            2 => format!("M{x:.1} {:.1}l4.6 8h-9.2z", y - 4.8),
            3 => format!("M{x:.1} {:.1}l4.8 4.8l-4.8 4.8l-4.8 -4.8z", y - 4.8),
            _ => format!("M{x:.1} {:.1}l4.6 -8h-9.2z", y + 4.8),
        };
        if self.dash == 0 {
            format!("<path d=\"{shape}\" fill=\"currentColor\"/>\n")
        } else {
            format!(
                "<path class=\"paper\" d=\"{shape}\" fill=\"#ffffff\" stroke=\"currentColor\" stroke-width=\"1.6\"/>\n"
            )
        }
    }
}

/// The line of `series`; `rank` shifts its markers, so that lines that run together show both.
pub fn svg(series: &Series, style: Style, axes: &Axes, rank: usize) -> String {
    let mut svg = style.open();
    if series.has_band() {
        let edge = |value: f64, epoch: u32| format!("{:.1} {:.1}", axes.x(epoch), axes.y(value));
        let upper = series.points.iter().map(|(epoch, at)| edge(at.max, *epoch));
        let lower = series.points.iter().rev().map(|(epoch, at)| edge(at.min, *epoch));
        let edges: Vec<String> = upper.chain(lower).collect();
        svg += &format!(
            "<path d=\"M{}Z\" fill=\"currentColor\" fill-opacity=\"0.13\"/>\n",
            edges.join("L")
        );
    }
    let places: Vec<(f64, f64)> =
        series.points.iter().map(|(epoch, at)| (axes.x(*epoch), axes.y(at.mean))).collect();
    if places.len() > 1 {
        let corners: Vec<String> = places.iter().map(|(x, y)| format!("{x:.1} {y:.1}")).collect();
        svg += &format!(
            "<path d=\"M{}\" fill=\"none\" stroke=\"currentColor\" stroke-width=\"2.2\" stroke-linejoin=\"round\"{}/>\n",
            corners.join("L"),
            style.dash()
        );
    }
    let every = places.len().div_ceil(MOST_MARKERS).max(1);
    for (x, y) in places.iter().skip(rank % every).step_by(every) {
        svg += &style.marker(*x, *y);
    }
    svg + "</g>\n"
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::super::tests::series;
    use super::super::{Layout, Scale};
    use super::*;
    use crate::Spread;

    fn axes(series: &Series) -> Axes {
        let series = std::slice::from_ref(series);
        Axes::new(series, Scale::Percent, &Layout::WIDE, 60.0, 100.0)
    }

    #[test]
    fn twelve_methods_look_different() {
        let looks: HashSet<String> = (0..12)
            .map(|rank| {
                let style = Style::of(rank);
                format!("{}{}{}", style.open(), style.dash(), style.marker(0.0, 0.0))
            })
            .collect();
        assert_eq!(looks.len(), 12);
    }

    #[test]
    fn a_band_only_where_there_are_seeds() {
        let mut series = series("a", &[0.1, 0.2]);
        let axes = axes(&series);
        assert!(!svg(&series, Style::of(0), &axes, 0).contains("fill-opacity"));
        series.points[1].1 = Spread::of([Some(0.2), Some(0.4)]).unwrap();
        assert!(svg(&series, Style::of(0), &axes, 0).contains("fill-opacity"));
    }

    #[test]
    fn a_long_line_has_few_markers() {
        let series = series("a", &[0.5; 200]);
        let axes = axes(&series);
        let markers = svg(&series, Style::of(0), &axes, 3).matches("<path").count() - 1;
        assert_eq!(markers, MOST_MARKERS);
    }
}
