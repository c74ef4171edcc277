//! Figures as SVG: files of their own, parts of a page, and the source of the PNG files.
//!
//! A line differs from the others in three ways, so that no reader depends on color: one of five
//! colors that are safe for color-blind readers, a dash pattern and a marker; its label is at its
//! end. Colors follow the rank, so that lines that end close together differ most. Points of a
//! scatter plot take the same styles by class. Colors also have a class, `series-0` to `series-4`,
//! as have `ink` and `paper`, so that a page can adapt them to a dark background.

mod axis;
pub mod confusion_matrix;
mod hover;
mod labels;
mod line;
mod png;
mod scale;
pub mod scatter;
pub mod series;

pub use line::Style;
pub use png::{png, rasterize};
pub use scale::Scale;

use maud::{Markup, html};

use axis::Axes;
use series::Series;

use crate::html::Px;

/// The namespace of SVG.
pub const XMLNS: &str = "http://www.w3.org/2000/svg";
/// The font that PNG files are drawn with, else one of the reader's.
pub const FONTS: &str = "Ubuntu, 'Helvetica Neue', Arial, sans-serif";

/// A line figure.
#[derive(Clone, Debug)]
pub struct Figure {
    /// Name of its files, without extension.
    pub name: &'static str,
    /// The heading.
    pub title: String,
    /// The unit of the vertical axis.
    pub unit: String,
    /// What the horizontal axis counts: "epoch" or "step".
    pub x: &'static str,
    /// How its numbers are written.
    pub scale: Scale,
    /// The lines, the most important first.
    pub series: Vec<Series>,
}

/// Sizes of a figure, in pixels before scaling.
#[derive(Clone, Copy, Debug)]
pub struct Layout {
    width: f64,
    height: f64,
    /// Height of a line of text.
    font: f64,
    /// Approximate number of intervals between ticks of the vertical axis.
    ticks: f64,
    /// The labels at the ends of lines.
    ends: Ends,
}

/// The labels at the ends of lines.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Ends {
    /// A name, and the last value.
    Values,
    /// A name.
    Names,
    /// No label; the page has a legend.
    Nothing,
}

impl Layout {
    /// For a page, a slide or a laptop.
    pub const WIDE: Self =
        Self { width: 800.0, height: 500.0, font: 13.0, ticks: 8.0, ends: Ends::Values };
    /// For a phone.
    pub const NARROW: Self =
        Self { width: 360.0, height: 430.0, font: 11.5, ticks: 8.0, ends: Ends::Names };
    /// For a grid of figures.
    pub const SMALL: Self =
        Self { width: 360.0, height: 236.0, font: 12.0, ticks: 4.0, ends: Ends::Nothing };
}

/// The longest name that is not truncated.
const NAME_CHARS: usize = 24;
/// Width of a character, as a share of the font's height, on the generous side.
pub const CHAR: f64 = 0.57;

impl Figure {
    /// The drawing, an `svg` element that is also valid as a file of its own.
    pub fn svg(&self, layout: &Layout) -> Markup {
        let Layout { width, height, font, .. } = *layout;
        let labels = self.labels(layout);
        let unit = self.unit_lines(layout);
        let axes = self.axes(layout);
        let empty = self.series.iter().all(|series| series.points.is_empty());
        html! {
            svg xmlns=(XMLNS) viewBox={ "0 0 " (width) " " (height) } width=(width) height=(height)
                role="img" aria-label=(self.description()) font-family=(FONTS) font-size=(font) {
                rect.paper width=(width) height=(height) fill="#ffffff" {}
                g.ink color="#222222" fill="currentColor" {
                    text x="14" y=(Px(font * 1.9)) font-size=(Px(font * 1.35)) { (self.title) }
                    @if let Some(value) = self.only_value(layout) {
                        text x=(Px(width - 14.0)) y=(Px(font * 1.9)) text-anchor="end" { (value) }
                    }
                    @for (index, text) in (0..).zip(&unit) {
                        text x="14" y=(Px(font * (3.3 + 1.25 * f64::from(index)))) opacity="0.8" {
                            (text)
                        }
                    }
                    (axes.svg(font, self.x))
                    @if empty {
                        @let (x, y) = axes.center();
                        text x=(Px(x)) y=(Px(y)) text-anchor="middle" { "no finished " (self.x) }
                    }
                }
                // The first line is drawn last, on top.
                @for (rank, series) in self.series.iter().enumerate().rev() {
                    (line::svg(series, Style::of(rank), &axes, rank))
                }
                @if layout.ends != Ends::Nothing {
                    (labels::svg(&self.series, &labels, &axes, font))
                }
            }
        }
    }

    /// The points of the lines, in the pixels of [`svg`](Self::svg) and in words, as JSON for the
    /// script of a page.
    pub fn points(&self, layout: &Layout) -> String {
        hover::json(self, &self.axes(layout))
    }

    /// The labels at the ends of the lines.
    fn labels(&self, layout: &Layout) -> Vec<String> {
        let values = layout.ends == Ends::Values;
        self.series.iter().map(|series| self.label(series, values)).collect()
    }

    fn axes(&self, layout: &Layout) -> Axes {
        let font = layout.font;
        let longest = self.labels(layout).iter().map(|label| label.chars().count()).max();
        let right = match layout.ends {
            Ends::Nothing => 14.0,
            _ => longest.unwrap_or(0) as f64 * CHAR * font + labels::SWATCH + labels::LEADER + 4.0,
        };
        let top = font * (3.35 + 1.25 * self.unit_lines(layout).len() as f64);
        Axes::new(&self.series, self.scale, layout, top, right)
    }

    /// The last value of the only line, where there is room for it beside the title because lines
    /// have no labels.
    fn only_value(&self, layout: &Layout) -> Option<String> {
        match (layout.ends, &self.series[..]) {
            (Ends::Nothing, [one]) => one.points.last().map(|(_, at)| self.scale.written(at.mean)),
            _ => None,
        }
    }

    /// A text alternative.
    pub fn description(&self) -> String {
        let ends = self.series.iter().map(|series| self.label(series, true));
        let ends: Vec<String> = ends.map(|end| end.replacen("  ", " ", 1)).collect();
        format!("{}: {}. At the last {}: {}.", self.title, self.unit, self.x, ends.join(", "))
    }

    /// The unit, wrapped to the width of the figure.
    pub fn unit_lines(&self, layout: &Layout) -> Vec<String> {
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

    /// The truncated name, and the last value if `value`.
    fn label(&self, series: &Series, value: bool) -> String {
        let name = truncate(&series.name);
        match series.points.last() {
            Some((_, last)) if value => format!("{name}  {}", self.scale.written(last.mean)),
            Some(_) => name,
            None => format!("{name} (none)"),
        }
    }
}

/// `name`, truncated to 24 characters.
pub fn truncate(name: &str) -> String {
    let mut short: String = name.chars().take(NAME_CHARS).collect();
    if name.chars().count() > NAME_CHARS {
        short.pop();
        short.push('…');
    }
    short
}

#[cfg(test)]
mod tests;
