//! A confusion matrix as a picture: rows are true classes, columns predicted ones.
//!
//! One hue from light to dark, so that no reader depends on telling colors apart, and numbers
//! wherever a cell has room for them, black or white, whichever contrasts more. A cell shows its
//! share of the images of the true class, so that classes of different sizes can be compared.

use std::path::Path;

use crate::Error;
use crate::figure::{CHAR, cut, png};
use crate::markup::escape;

/// What is drawn.
struct Drawing<'a> {
    title: &'a str,
    class_names: &'a [String],
    counts: &'a [Vec<u64>],
}

/// The ends and the middle of the scale, red, green and blue in 0..=255.
const SCALE: [[f64; 3]; 3] = [[247.0, 251.0, 255.0], [74.0, 144.0, 200.0], [8.0, 40.0, 94.0]];
/// Height of a line of text.
const FONT: f64 = 13.0;
/// From the edge to what is nearest to it.
const MARGIN: f64 = 14.0;
/// Width of the scale beside the matrix, with its labels.
const LEGEND: f64 = 84.0;

/// Draws a matrix with a heading to `path`, as a PNG.
///
/// `counts` are the images of each true class by predicted class, one row a class and as many
/// columns. A class without a name is called by its number.
///
/// # Errors
/// [`Error::Figure`], [`Error::Io`].
pub fn write_confusion(
    path: &Path,
    title: &str,
    class_names: &[String],
    counts: &[Vec<u64>],
) -> Result<(), Error> {
    let drawing = Drawing { title, class_names, counts };
    Ok(files::write(path, &png(path, &drawing.svg())?)?)
}

/// Sizes of one drawing, in pixels before scaling.
struct Layout {
    /// Side of a cell.
    cell: f64,
    /// Height of a name; `None` where there is no room for names.
    names: Option<f64>,
    /// How far the names of columns are turned, in degrees.
    turn: f64,
    /// Where the matrix begins.
    left: f64,
    top: f64,
    width: f64,
    height: f64,
}

impl Drawing<'_> {
    fn name(&self, class: usize) -> String {
        let name = self.class_names.get(class);
        name.map_or_else(|| class.to_string(), |name| cut(name))
    }

    fn lines(&self) -> [String; 3] {
        [
            self.title.to_owned(),
            "row: true class, column: predicted class".to_owned(),
            "% of the images of the true class; below it images, where there is room".to_owned(),
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
            // The scale beside a small matrix is higher than it.
            height: top + matrix.max(6.0 * 1.4 * FONT) + MARGIN,
        }
    }

    fn svg(&self) -> String {
        let layout = self.layout();
        let Layout { width, height, .. } = layout;
        let mut svg = format!(
            "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {width:.1} {height:.1}\" \
             width=\"{width:.1}\" height=\"{height:.1}\" role=\"img\" aria-label=\"{}\" \
             font-family=\"Ubuntu, 'Helvetica Neue', Arial, sans-serif\" font-size=\"{FONT}\">\n\
             <rect width=\"100%\" height=\"100%\" fill=\"#ffffff\"/>\n",
            escape(self.title),
        );
        for (number, line) in (0..).zip(self.lines()) {
            let (size, y) = match number {
                0 => (1.15 * FONT, 1.7 * FONT),
                _ => (FONT, 1.9 * FONT + f64::from(number) * 1.3 * FONT),
            };
            svg += &format!(
                "<text x=\"{MARGIN}\" y=\"{y:.1}\" font-size=\"{size:.1}\">{}</text>\n",
                escape(&line)
            );
        }
        svg += &self.names(&layout);
        for (row, counts) in self.counts.iter().enumerate() {
            let images: u64 = counts.iter().sum();
            for (column, &count) in counts.iter().enumerate().filter(|(_, count)| **count > 0) {
                svg += &cell(&layout, [row, column], count, images);
            }
        }
        let side = layout.cell * self.counts.len() as f64;
        let Layout { left, top, .. } = layout;
        svg += &format!(
            "<rect x=\"{left:.1}\" y=\"{top:.1}\" width=\"{side:.1}\" height=\"{side:.1}\" fill=\"none\" \
             stroke=\"#808080\"/>\n"
        );
        svg + &legend(left + side + 16.0, top) + "</svg>\n"
    }

    /// The names of rows and columns.
    fn names(&self, layout: &Layout) -> String {
        let Some(font) = layout.names else {
            return String::new();
        };
        let mut svg = String::new();
        for class in 0..self.counts.len() {
            let name = escape(&self.name(class));
            let middle = (class as f64 + 0.5) * layout.cell;
            let (x, y) = (layout.left - 6.0, layout.top + middle + 0.35 * font);
            svg += &format!(
                "<text x=\"{x:.1}\" y=\"{y:.1}\" font-size=\"{font:.1}\" text-anchor=\"end\">{name}</text>\n"
            );
            let (x, y) = (layout.left + middle + 0.35 * font, layout.top - 6.0);
            svg += &format!(
                "<text transform=\"translate({x:.1} {y:.1}) rotate(-{})\" font-size=\"{font:.1}\">{name}</text>\n",
                layout.turn
            );
        }
        svg
    }
}

/// A cell of `count` out of the `images` of its row, with numbers where there is room.
fn cell(layout: &Layout, [row, column]: [usize; 2], count: u64, images: u64) -> String {
    let Layout { cell, left, top, .. } = *layout;
    let share = count as f64 / images as f64;
    let (x, y) = (left + column as f64 * cell, top + row as f64 * cell);
    let mut svg = format!(
        "<rect x=\"{x:.2}\" y=\"{y:.2}\" width=\"{cell:.2}\" height=\"{cell:.2}\" fill=\"{}\"/>\n",
        hex(color(share))
    );
    let ink = ink(color(share));
    let middle = x + 0.5 * cell;
    let mut number = |y: f64, size: f64, text: &str| {
        svg += &format!(
            "<text x=\"{middle:.1}\" y=\"{y:.1}\" font-size=\"{size}\" text-anchor=\"middle\" \
             fill=\"{ink}\">{text}</text>\n"
        );
    };
    if cell >= 24.0 {
        number(
            y + if cell >= 40.0 { 0.45 } else { 0.62 } * cell,
            (0.45 * cell).min(12.0),
            &percent(share),
        );
    }
    let count = count.to_string();
    if cell >= 40.0 && count.len() <= 6 {
        number(y + 0.8 * cell, 9.5, &count);
    }
    svg
}

/// Whole percent, and no 0 or 100 for what isn't.
fn percent(share: f64) -> String {
    match (100.0 * share).round() {
        0.0 => "&lt;1".to_owned(),
        100.0 if share < 1.0 => "&gt;99".to_owned(),
        whole => whole.to_string(),
    }
}

/// What the colors mean.
fn legend(x: f64, y: f64) -> String {
    let steps = [100, 75, 50, 25, 0].map(f64::from);
    let line = |(index, percent): (u32, f64)| {
        let y = y + f64::from(index) * 1.4 * FONT;
        format!(
            "<rect x=\"{x:.1}\" y=\"{y:.1}\" width=\"18\" height=\"{:.1}\" fill=\"{}\" stroke=\"#808080\" \
             stroke-width=\"0.5\"/>\n<text x=\"{:.1}\" y=\"{:.1}\">{percent} %</text>\n",
            1.4 * FONT,
            hex(color(percent / 100.0)),
            x + 25.0,
            y + 1.05 * FONT,
        )
    };
    (0..).zip(steps).map(line).collect()
}

/// The color of a share in 0..=1.
fn color(share: f64) -> [u8; 3] {
    let place = 2.0 * share.clamp(0.0, 1.0);
    let (from, part) = if place < 1.0 { (0, place) } else { (1, place - 1.0) };
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

#[cfg(test)]
mod tests {
    use super::*;

    fn drawing(counts: &[Vec<u64>], names: &[&str]) -> String {
        let class_names: Vec<String> = names.iter().map(|&name| name.to_owned()).collect();
        let drawing = Drawing { title: "a <title>", class_names: &class_names, counts };
        drawing.svg()
    }

    #[test]
    fn cells_say_their_share_of_the_true_class_and_their_images() {
        let svg =
            drawing(&[vec![3, 1], vec![0, 1000]], &["<cat>", "a name of more than 24 characters"]);
        for text in [">75<", ">3<", ">25<", ">1<", ">100<", ">1000<"] {
            assert!(svg.contains(text), "{text}: {svg}");
        }
        assert!(!svg.contains(">0<"), "an empty cell stays empty");
        assert_eq!(svg.matches("&lt;cat&gt;").count(), 2, "a row and a column");
        assert!(svg.contains("a &lt;title&gt;") && svg.contains("a name of more than 24 …"));
        assert!(!svg.contains("NaN") && !svg.contains("inf"));
    }

    #[test]
    fn small_shares_are_not_none_and_large_ones_not_all() {
        assert_eq!([0.004, 0.006, 0.5].map(percent), ["&lt;1", "1", "50"]);
        assert_eq!([0.996, 1.0].map(percent), ["&gt;99", "100"]);
    }

    #[test]
    fn any_number_of_classes_is_drawn() {
        for classes in [0, 1, 15, 30, 80, 150, 256] {
            let counts: Vec<Vec<u64>> = (0..classes)
                .map(|row| (0..classes).map(|column| u64::from(row == column)).collect())
                .collect();
            let svg = drawing(&counts, &["one"; 3]);
            let cells = svg.matches("<rect").count();
            assert_eq!(cells, classes + 7, "a cell a class, the paper, the frame, the scale");
            let bytes = png(Path::new("x.png"), &svg).unwrap();
            assert!(bytes.starts_with(b"\x89PNG"), "{classes}");
            let named = classes <= 150;
            assert_eq!(svg.contains(">one<"), named && classes > 0, "{classes}");
        }
    }

    #[test]
    fn the_scale_only_gets_darker_and_numbers_are_legible() {
        let mut before = f64::INFINITY;
        for percent in 0..=100 {
            let color = color(f64::from(percent) / 100.0);
            let light = luminance(color);
            assert!(light < before, "{percent}");
            before = light;
            let ink = if ink(color) == "#ffffff" { 1.0 } else { 0.0 };
            let contrast = (light.max(ink) + 0.05) / (light.min(ink) + 0.05);
            assert!(contrast >= 4.5, "{percent}: {contrast}");
        }
    }
}
