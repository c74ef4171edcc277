//! A figure of a confusion matrix: rows are true classes, columns predicted classes.
//!
//! The color scale has one hue from light to dark, so that no reader depends on telling colors
//! apart. Numbers are black or white, whichever contrasts more. A cell shows its share of the
//! images of the true class, so that classes of different sizes can be compared.

use std::path::Path;

use maud::{Markup, html};

use super::{CHAR, FONTS, XMLNS, png, truncate};
use crate::Error;
use crate::html::{Px, document};

/// A confusion matrix with its title.
struct ConfusionFigure<'a> {
    title: &'a str,
    class_names: &'a [String],
    counts: &'a [Vec<u64>],
}

/// The ends and the middle of the color scale, RGB in 0..=255.
const SCALE: [[f64; 3]; 3] = [[247.0, 251.0, 255.0], [74.0, 144.0, 200.0], [8.0, 40.0, 94.0]];
/// Height of a line of text.
const FONT: f64 = 13.0;
/// Distance from the edge.
const MARGIN: f64 = 14.0;
/// Width of the color bar with its labels.
const LEGEND: f64 = 84.0;

/// Checks that a figure can be written to `path`, by its name: PNG and SVG can.
///
/// # Errors
/// [`Error::FigureName`].
pub fn check_figure_name(path: &Path) -> Result<(), Error> {
    is_svg(path).map(drop)
}

/// Whether the name of the figure at `path` says SVG; PNG otherwise.
fn is_svg(path: &Path) -> Result<bool, Error> {
    let extension = path.extension().unwrap_or_default().to_ascii_lowercase();
    match extension.to_str() {
        Some("svg") => Ok(true),
        Some("png") => Ok(false),
        _ => Err(Error::FigureName { path: path.to_owned() }),
    }
}

/// Writes a figure of a confusion matrix to `path`, in the format that its name says.
///
/// `counts` is square: images by true class (row) and predicted class (column). A class without a
/// name is labeled with its number.
///
/// # Errors
/// [`Error::FigureName`], [`Error::Figure`], [`Error::Io`].
pub fn write_confusion_matrix(
    path: &Path,
    title: &str,
    class_names: &[String],
    counts: &[Vec<u64>],
) -> Result<(), Error> {
    let figure = ConfusionFigure { title, class_names, counts };
    let svg = figure.svg();
    let bytes = if is_svg(path)? { svg.into_bytes() } else { png(path, &svg)? };
    Ok(files::write(path, &bytes)?)
}

/// Sizes of one drawing, in pixels before scaling.
struct Layout {
    /// Side of a cell.
    cell: f64,
    /// Font size of class names; `None` where there is no room for them.
    names: Option<f64>,
    /// Rotation of column names, in degrees.
    turn: f64,
    /// Top left corner of the matrix.
    left: f64,
    top: f64,
    width: f64,
    height: f64,
}

impl ConfusionFigure<'_> {
    fn name(&self, class: usize) -> String {
        let name = self.class_names.get(class);
        name.map_or_else(|| class.to_string(), |name| truncate(name))
    }

    fn lines(&self) -> [String; 3] {
        [
            self.title.to_owned(),
            "rows: true class, columns: predicted class".to_owned(),
            "% of the images of the true class, number of images below".to_owned(),
        ]
    }

    fn layout(&self) -> Layout {
        let classes = self.counts.len();
        let cell = match classes {
            ..=12 => 46.0,
            13..=20 => 38.0,
            21..=40 => 24.0,
            41..=100 => 14.0,
            _ => (1400.0 / classes as f64).clamp(1.0, 14.0),
        };
        let names = (cell >= 9.0).then(|| FONT.min(0.8 * cell));
        let turn: f64 = if cell >= 24.0 { 45.0 } else { 90.0 };
        let longest = (0..classes).map(|class| self.name(class).chars().count());
        let length = longest.max().unwrap_or(0) as f64 * CHAR * names.unwrap_or(0.0);
        let (up, aside) = (turn.to_radians().sin(), turn.to_radians().cos());
        let left = MARGIN + length + 8.0;
        let top = 5.2 * FONT + length * up + 10.0;
        let matrix = cell * classes as f64;
        let text = self.lines().map(|line| line.chars().count());
        let text = text.into_iter().max().unwrap_or(0) as f64 * CHAR * FONT * 1.15;
        let right = LEGEND.max(length * aside) + MARGIN;
        Layout {
            cell,
            names,
            turn,
            left,
            top,
            width: (left + matrix + right).max(text + 2.0 * MARGIN),
            // The color bar may be higher than a small matrix.
            height: top + matrix.max(6.0 * 1.4 * FONT) + MARGIN,
        }
    }

    fn svg(&self) -> String {
        let layout = self.layout();
        let Layout { width, height, left, top, .. } = layout;
        let side = layout.cell * self.counts.len() as f64;
        document(html! {
            svg xmlns=(XMLNS) viewBox={ "0 0 " (Px(width)) " " (Px(height)) } width=(Px(width))
                height=(Px(height)) role="img" aria-label=(self.title) font-family=(FONTS)
                font-size=(FONT) {
                rect width="100%" height="100%" fill="#ffffff" {}
                @for (number, line) in (0..).zip(self.lines()) { (heading(number, &line)) }
                (self.class_names(&layout))
                @for (row, counts) in self.counts.iter().enumerate() {
                    @for (column, &count) in counts.iter().enumerate() {
                        @if count > 0 {
                            (cell(&layout, [row, column], count, total(counts)))
                        }
                    }
                }
                rect x=(Px(left)) y=(Px(top)) width=(Px(side)) height=(Px(side)) fill="none"
                    stroke="#808080" {}
                (color_bar(left + side + 16.0, top))
            }
        })
    }

    /// The class names of rows and columns.
    fn class_names(&self, layout: &Layout) -> Markup {
        let Layout { cell, left, top, turn, .. } = *layout;
        html! {
            @if let Some(font) = layout.names {
                @for class in 0..self.counts.len() {
                    @let name = self.name(class);
                    @let baseline = (class as f64 + 0.5) * cell + 0.35 * font;
                    @let (x, y) = (left + baseline, top - 6.0);
                    text x=(Px(left - 6.0)) y=(Px(top + baseline)) font-size=(Px(font))
                        text-anchor="end" { (name) }
                    text transform={ "translate(" (Px(x)) " " (Px(y)) ") rotate(-" (turn) ")" }
                        font-size=(Px(font)) { (name) }
                }
            }
        }
    }
}

/// A line of the heading; the first, number 0, is the title.
fn heading(number: u32, line: &str) -> Markup {
    let (size, y) = match number {
        0 => (1.15 * FONT, 1.7 * FONT),
        _ => (FONT, 1.9 * FONT + f64::from(number) * 1.3 * FONT),
    };
    html! {
        text x=(MARGIN) y=(Px(y)) font-size=(Px(size)) { (line) }
    }
}

/// A cell of `count` of the `total` images of its row, with the numbers that it has room for.
fn cell(layout: &Layout, [row, column]: [usize; 2], count: u64, total: u64) -> Markup {
    let Layout { cell, left, top, .. } = *layout;
    let share = count as f64 / total as f64;
    let (x, y) = (left + column as f64 * cell, top + row as f64 * cell);
    let two_lines = cell >= 40.0;
    let text = |y: f64, size: f64, text: &str| {
        html! {
            text x=(Px(x + 0.5 * cell)) y=(Px(y)) font-size=(size) text-anchor="middle"
                fill=(ink(color(share))) { (text) }
        }
    };
    let digits = count.to_string();
    html! {
        rect x=(format_args!("{x:.2}")) y=(format_args!("{y:.2}"))
            width=(format_args!("{cell:.2}")) height=(format_args!("{cell:.2}"))
            fill=(hex(color(share))) {}
        @if cell >= 24.0 {
            @let down = if two_lines { 0.45 } else { 0.62 };
            (text(y + down * cell, (0.45 * cell).min(12.0), &percent(share)))
        }
        @if two_lines && digits.len() <= 6 { (text(y + 0.8 * cell, 9.5, &digits)) }
    }
}

/// Whole percent; `<1` and `>99` where rounding would give 0 or 100 but the share is neither.
fn percent(share: f64) -> String {
    match (100.0 * share).round() {
        0.0 => "<1".to_owned(),
        100.0 if share < 1.0 => ">99".to_owned(),
        whole => whole.to_string(),
    }
}

/// The color bar, 100 % at its top.
fn color_bar(x: f64, top: f64) -> Markup {
    let height = 1.4 * FONT;
    html! {
        @for (index, percent) in (0..).zip([100, 75, 50, 25, 0]) {
            @let y = top + f64::from(index) * height;
            rect x=(Px(x)) y=(Px(y)) width="18" height=(Px(height))
                fill=(hex(color(f64::from(percent) / 100.0))) stroke="#808080"
                stroke-width="0.5" {}
            text x=(Px(x + 25.0)) y=(Px(y + 1.05 * FONT)) { (percent) " %" }
        }
    }
}

/// The color of a share in 0..=1.
fn color(share: f64) -> [u8; 3] {
    let position = 2.0 * share.clamp(0.0, 1.0);
    let (from, part) = if position < 1.0 { (0, position) } else { (1, position - 1.0) };
    [0, 1, 2].map(|channel| {
        let (a, b) = (SCALE[from][channel], SCALE[from + 1][channel]);
        (a + part * (b - a)).round() as u8
    })
}

fn hex(color: [u8; 3]) -> String {
    color.iter().fold("#".to_owned(), |text, channel| format!("{text}{channel:02x}"))
}

/// Relative luminance in 0..=1, as the Web Content Accessibility Guidelines 2.1 define it.
fn luminance(color: [u8; 3]) -> f64 {
    let linear = color.map(|channel| match f64::from(channel) / 255.0 {
        value if value <= 0.04045 => value / 12.92,
        value => ((value + 0.055) / 1.055).powf(2.4),
    });
    0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]
}

/// Black or white, whichever contrasts more with `color`: always 4.5 or more.
fn ink(color: [u8; 3]) -> &'static str {
    if luminance(color) < 0.179 { "#ffffff" } else { "#000000" }
}

/// Images of a row, whatever an edited file says of them.
fn total(counts: &[u64]) -> u64 {
    counts.iter().fold(0, |total, &count| total.saturating_add(count))
}

#[cfg(test)]
mod tests;
