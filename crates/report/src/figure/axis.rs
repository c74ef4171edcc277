//! Where values stand in a drawing, and the ticks that say so.

use super::Layout;
use crate::series::Series;

/// The plot's rectangle and the ranges of its two axes.
#[derive(Clone, Debug)]
pub struct Axes {
    left: f64,
    right: f64,
    top: f64,
    bottom: f64,
    /// Epochs.
    x: [f64; 2],
    /// Percent, at multiples of the step between ticks.
    y: [f64; 2],
    y_step: f64,
}

impl Axes {
    /// Axes that hold every point and band, with room for labels of `label_width` at the right.
    pub fn new(series: &[Series], layout: &Layout, label_width: f64) -> Self {
        let points = || series.iter().flat_map(|series| &series.points);
        let epochs = points().map(|(epoch, _)| f64::from(*epoch));
        let first = epochs.clone().fold(f64::INFINITY, f64::min);
        let last = epochs.fold(f64::NEG_INFINITY, f64::max);
        let x = if last > first {
            [first, last]
        } else if last == first {
            [first - 0.5, first + 0.5]
        } else {
            [0.5, 1.5]
        };
        let low = points()
            .map(|(_, at)| 100.0 * at.min)
            .fold(f64::INFINITY, f64::min);
        let high = points()
            .map(|(_, at)| 100.0 * at.max)
            .fold(f64::NEG_INFINITY, f64::max);
        let (low, high) = if low <= high {
            (low, high)
        } else {
            (0.0, 100.0)
        };
        let y_step = step((high - low).max(1.0) / 8.0);
        let y_low = (low / y_step).floor() * y_step;
        let y_high = ((high / y_step).ceil() * y_step).max(y_low + y_step);
        let font = layout.font;
        Self {
            left: 14.0 + 3.0 * font,
            right: layout.width - label_width,
            // Room for a title and two lines of explanation where the drawing is narrow.
            top: font * if layout.values { 4.6 } else { 5.8 },
            bottom: layout.height - 3.6 * font,
            x,
            y: [y_low, y_high],
            y_step,
        }
    }

    /// The horizontal place of an epoch.
    pub fn x(&self, epoch: u32) -> f64 {
        let share = (f64::from(epoch) - self.x[0]) / (self.x[1] - self.x[0]);
        self.left + share * (self.right - self.left)
    }

    /// The vertical place of a share 0..=1.
    pub fn y(&self, share: f64) -> f64 {
        self.y_of_percent(100.0 * share)
    }

    fn y_of_percent(&self, percent: f64) -> f64 {
        let share = (percent - self.y[0]) / (self.y[1] - self.y[0]);
        self.bottom - share * (self.bottom - self.top)
    }

    /// Where labels may stand: left end, top, bottom.
    pub fn label_column(&self) -> (f64, f64, f64) {
        (self.right, self.top, self.bottom)
    }

    /// The middle of the plot.
    pub fn centre(&self) -> (f64, f64) {
        (
            (self.left + self.right) / 2.0,
            (self.top + self.bottom) / 2.0,
        )
    }

    /// Grid, ticks and the name of the horizontal axis.
    pub fn svg(&self, font: f64) -> String {
        let mut svg = String::new();
        let (left, right) = (self.left, self.right);
        let ticks = ((self.y[1] - self.y[0]) / self.y_step).round() as u32;
        for tick in 0..=ticks {
            let percent = self.y[0] + f64::from(tick) * self.y_step;
            let y = self.y_of_percent(percent);
            let strength = if tick == 0 { "0.7" } else { "0.16" };
            svg += &format!(
                "<path d=\"M{left:.1} {y:.1}H{right:.1}\" stroke=\"currentColor\" stroke-opacity=\"{strength}\"/>\n\
                 <text x=\"{:.1}\" y=\"{:.1}\" text-anchor=\"end\">{percent:.0}</text>\n",
                left - 8.0,
                y + 0.35 * font,
            );
        }
        let bottom = self.bottom;
        for epoch in self.epoch_ticks(font) {
            let x = self.x(epoch);
            svg += &format!(
                "<path d=\"M{x:.1} {bottom:.1}v5\" stroke=\"currentColor\" stroke-opacity=\"0.7\"/>\n\
                 <text x=\"{x:.1}\" y=\"{:.1}\" text-anchor=\"middle\">{epoch}</text>\n",
                bottom + 6.0 + font,
            );
        }
        svg += &format!(
            "<text x=\"{:.1}\" y=\"{:.1}\" text-anchor=\"middle\">epoch</text>\n",
            (left + right) / 2.0,
            bottom + 8.0 + 2.2 * font,
        );
        svg
    }

    /// Whole epochs at round distances, as many as can be read.
    fn epoch_ticks(&self, font: f64) -> Vec<u32> {
        let room = ((self.right - self.left) / (3.2 * font)).max(1.0);
        let every = step((self.x[1] - self.x[0]) / room).max(1.0) as u32;
        let (first, last) = (self.x[0].ceil() as u32, self.x[1].floor() as u32);
        (first..=last)
            .filter(|epoch| {
                epoch % every == 0
                    || (every > 1 && *epoch == first && every - epoch % every >= every / 2)
            })
            .collect()
    }
}

/// The next of 1, 2, 5, 10, 20, 50, ... that is at least `least`.
fn step(least: f64) -> f64 {
    let ten = 10f64.powf(least.log10().floor());
    let factor = [1.0, 2.0, 5.0]
        .into_iter()
        .find(|factor| factor * ten >= least);
    (factor.unwrap_or(10.0) * ten).max(1.0)
}

#[cfg(test)]
mod tests {
    use super::super::tests::series;
    use super::*;

    #[test]
    fn steps_are_round() {
        for (least, expected) in [
            (0.3, 1.0),
            (1.0, 1.0),
            (1.1, 2.0),
            (4.0, 5.0),
            (6.0, 10.0),
            (40.0, 50.0),
        ] {
            assert_eq!(step(least), expected);
        }
    }

    #[test]
    fn axes_hold_the_values() {
        let axes = Axes::new(&[series("a", &[0.123, 0.487])], &Layout::WIDE, 100.0);
        assert_eq!((axes.x, axes.y), ([1.0, 2.0], [10.0, 50.0]));
        assert_eq!((axes.x(1), axes.x(2)), (axes.left, axes.right));
        assert!((axes.y(0.5) - axes.top).abs() < 1e-9 && (axes.y(0.1) - axes.bottom).abs() < 1e-9);
        assert_eq!(axes.epoch_ticks(13.0), [1, 2]);
    }

    #[test]
    fn one_value_has_room_around_it() {
        let axes = Axes::new(&[series("a", &[0.5])], &Layout::WIDE, 100.0);
        assert_eq!(axes.epoch_ticks(13.0), [1]);
        assert!(axes.x(1) > axes.left && axes.x(1) < axes.right);
        assert!(axes.y[0] <= 50.0 && axes.y[1] > axes.y[0]);
    }

    #[test]
    fn many_epochs_get_few_ticks() {
        let axes = Axes::new(&[series("a", &vec![0.5; 200])], &Layout::WIDE, 100.0);
        let ticks = axes.epoch_ticks(13.0);
        assert!(
            ticks.len() < 20 && ticks.contains(&20) && ticks.contains(&200),
            "{ticks:?}"
        );
    }
}
