//! Line figures, drawn once as SVG: as a file, inside the page, and rasterized for the PNG.
//!
//! A method is told apart by three things at once, so that no reader depends on color: one of five
//! color-blind-safe colors, a dash pattern and a marker; and its name stands at the end of its
//! line. Colors go by rank, so that lines that end close together differ most; points on a map
//! take the same looks by class. Each color is also a class, `series-0` to `series-4`, and so are
//! `ink` and `grid`, for a page to adapt to a dark background.

mod axis;
mod labels;
mod line;
mod raster;
mod scale;
pub mod scatter;

pub use line::Style;
pub use raster::png;
pub use scale::Scale;

use axis::Axes;

use crate::markup::escape;
use crate::series::Series;

/// A figure: what it shows and how it is called.
#[derive(Clone, Debug)]
pub struct Figure {
    /// Name of its files, without extension.
    pub name: &'static str,
    /// The heading.
    pub title: &'static str,
    /// What the vertical axis counts.
    pub unit: &'static str,
    /// How its numbers are written.
    pub scale: Scale,
    /// The lines, the one that matters most first.
    pub series: Vec<Series>,
}

/// Sizes of a drawing, in pixels before scaling.
#[derive(Clone, Copy, Debug)]
pub struct Layout {
    width: f64,
    height: f64,
    /// Height of a line of text.
    font: f64,
    /// Distances between ticks of the vertical axis, about.
    ticks: f64,
    /// What stands at the ends of lines.
    ends: Ends,
}

/// What stands at the ends of lines.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Ends {
    /// A name, and the last value.
    Values,
    /// A name.
    Names,
    /// Nothing: a legend is elsewhere.
    Nothing,
}

impl Layout {
    /// For a page, a slide or a laptop.
    pub const WIDE: Self =
        Self { width: 800.0, height: 500.0, font: 13.0, ticks: 8.0, ends: Ends::Values };
    /// For a phone.
    pub const NARROW: Self =
        Self { width: 360.0, height: 430.0, font: 11.5, ticks: 8.0, ends: Ends::Names };
    /// For one of many beside and below each other, at any width of the page.
    pub const SMALL: Self =
        Self { width: 360.0, height: 236.0, font: 12.0, ticks: 4.0, ends: Ends::Nothing };
}

/// The longest name that is written in full.
const NAME_CHARS: usize = 24;
/// Width of a character, as a share of the font's height, on the generous side.
pub const CHAR: f64 = 0.57;

impl Figure {
    /// The drawing: valid as a file of its own and inside HTML.
    pub fn svg(&self, layout: &Layout) -> String {
        let Layout { width, height, font, .. } = *layout;
        let values = layout.ends == Ends::Values;
        let labels: Vec<String> =
            self.series.iter().map(|series| self.label(series, values)).collect();
        let longest = labels.iter().map(|label| label.chars().count()).max();
        let right = match layout.ends {
            Ends::Nothing => 14.0,
            _ => longest.unwrap_or(0) as f64 * CHAR * font + labels::SWATCH + labels::LEADER + 4.0,
        };
        let unit = self.unit_lines(layout);
        let top = font * (3.35 + 1.25 * unit.len() as f64);
        let axes = Axes::new(&self.series, self.scale, layout, top, right);
        // Fonts: the one that the PNG is drawn with, else the reader's own.
        let mut svg = format!(
            "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {width} {height}\" width=\"{width}\" \
             height=\"{height}\" role=\"img\" aria-label=\"{}\" font-family=\"Ubuntu, 'Helvetica Neue', Arial, \
             sans-serif\" font-size=\"{font}\">\n<rect class=\"paper\" width=\"{width}\" height=\"{height}\" \
             fill=\"#ffffff\"/>\n<g class=\"ink\" color=\"#222222\" fill=\"currentColor\">\n\
             <text x=\"14\" y=\"{:.1}\" font-size=\"{:.1}\">{}</text>\n",
            escape(&self.description()),
            font * 1.9,
            font * 1.35,
            escape(self.title),
        );
        // Without names there is room for the last value where it is the only one.
        if let (Ends::Nothing, [one]) = (layout.ends, &self.series[..])
            && let Some((_, last)) = one.points.last()
        {
            svg += &format!(
                "<text x=\"{:.1}\" y=\"{:.1}\" text-anchor=\"end\">{}</text>\n",
                width - 14.0,
                font * 1.9,
                self.scale.written(last.mean)
            );
        }
        for (index, text) in (0..).zip(&unit) {
            let y = font * 3.3 + f64::from(index) * font * 1.25;
            svg +=
                &format!("<text x=\"14\" y=\"{y:.1}\" opacity=\"0.8\">{}</text>\n", escape(text));
        }
        svg += &axes.svg(font);
        if self.series.iter().all(|series| series.points.is_empty()) {
            let (x, y) = axes.center();
            svg += &format!(
                "<text x=\"{x:.1}\" y=\"{y:.1}\" text-anchor=\"middle\">no epoch done yet</text>\n"
            );
        }
        svg += "</g>\n";
        // The first on top: drawn last.
        for (rank, series) in self.series.iter().enumerate().rev() {
            svg += &line::svg(series, Style::of(rank), &axes, rank);
        }
        if layout.ends != Ends::Nothing {
            svg += &labels::svg(&self.series, &labels, &axes, font);
        }
        svg + "</svg>\n"
    }

    /// What a reader who can't see it should know.
    pub fn description(&self) -> String {
        let ends = self.series.iter().map(|series| self.label(series, true));
        let ends: Vec<String> = ends.map(|end| end.replacen("  ", " ", 1)).collect();
        format!("{}: {}. At the last epoch: {}.", self.title, self.unit, ends.join(", "))
    }

    /// The unit, broken where the drawing is too narrow for one line.
    fn unit_lines(&self, layout: &Layout) -> Vec<String> {
        let most = ((layout.width - 28.0) / (CHAR * layout.font)) as usize;
        let mut lines = vec![String::new()];
        for word in self.unit.split(' ') {
            let line = lines.last_mut().expect("never empty");
            if line.is_empty() {
                *line = word.to_owned();
            } else if line.chars().count() + 1 + word.chars().count() <= most {
                *line += &format!(" {word}");
            } else {
                lines.push(word.to_owned());
            }
        }
        lines
    }

    /// A name, cut where it is too long, and the last value.
    fn label(&self, series: &Series, value: bool) -> String {
        let name = cut(&series.name);
        match series.points.last() {
            Some((_, last)) if value => format!("{name}  {}", self.scale.written(last.mean)),
            Some(_) => name,
            None => format!("{name} (none)"),
        }
    }
}

/// A name, its end left out where it is too long.
pub fn cut(name: &str) -> String {
    let mut short: String = name.chars().take(NAME_CHARS).collect();
    if name.chars().count() > NAME_CHARS {
        short.pop();
        short.push('…');
    }
    short
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Spread;

    pub fn series(name: &str, values: &[f64]) -> Series {
        let point = |(epoch, value): (u32, &f64)| (epoch, Spread::of([Some(*value)]).unwrap());
        Series { name: name.to_owned(), points: (1..).zip(values).map(point).collect() }
    }

    fn figure(series: Vec<Series>) -> Figure {
        Figure {
            name: "f",
            title: "Title",
            unit: "% of something that is quite long to say, so that it breaks where there is little room",
            scale: Scale::Percent,
            series,
        }
    }

    #[test]
    fn a_name_is_text_and_every_line_is_there() {
        let figure =
            figure(vec![series("<script>", &[0.1, 0.2]), series("b", &[0.3]), series("c", &[])]);
        for layout in [Layout::WIDE, Layout::NARROW] {
            let svg = figure.svg(&layout);
            assert!(!svg.contains("<script>") && svg.contains("&lt;script&gt;"));
            for class in ["series-0", "series-1", "series-2"] {
                assert!(svg.contains(class), "{class}");
            }
            assert!(!svg.contains("NaN") && !svg.contains("inf"), "{svg}");
        }
        assert!(figure.svg(&Layout::NARROW).len() > figure.svg(&Layout::WIDE).len() - 2000);
        assert_eq!(figure.unit_lines(&Layout::WIDE).len(), 1);
        assert!(figure.unit_lines(&Layout::NARROW).len() > 1);
        assert!(figure.description().ends_with("<script> 20.0 %, b 30.0 %, c (none)."));
    }

    #[test]
    fn a_small_figure_has_no_names_but_tells_them() {
        let mut figure = figure(vec![series("a", &[4.5, 4.25]), series("b", &[4.75])]);
        figure.scale = Scale::Plain;
        let svg = figure.svg(&Layout::SMALL);
        assert_eq!(svg.matches("series-0").count(), 1);
        assert!(!svg.contains(">a<") && svg.contains(">4.2</text>"), "{svg}");
        assert!(svg.contains("a 4.250, b 4.750."), "{svg}");
    }

    #[test]
    fn a_figure_without_epochs_says_so() {
        let svg = figure(vec![series("a", &[])]).svg(&Layout::WIDE);
        assert!(svg.contains("no epoch done yet") && !svg.contains("NaN"));
    }

    #[test]
    fn a_long_name_is_cut() {
        let figure = figure(Vec::new());
        let name = figure.label(&series(&"x".repeat(60), &[0.5]), false);
        assert_eq!(name.chars().count(), NAME_CHARS);
    }
}
