//! The axes of a line figure and their ticks.

use maud::{Markup, html};

use super::scale::{Scale, round_up, tick};
use super::series::Series;
use super::{CHAR, Layout};
use crate::html::Px;

/// The plot's rectangle and the ranges of its two axes.
#[derive(Clone, Debug)]
pub struct Axes {
    left: f64,
    right: f64,
    top: f64,
    bottom: f64,
    /// Epochs or steps.
    x: [f64; 2],
    /// As written, at multiples of the step between ticks.
    y: [f64; 2],
    y_step: f64,
    scale: Scale,
}

impl Axes {
    /// Axes that hold every point and band, below `top`, with room for labels of `label_width` at
    /// the right.
    pub fn new(
        series: &[Series],
        scale: Scale,
        layout: &Layout,
        top: f64,
        label_width: f64,
    ) -> Self {
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
        let factor = scale.factor();
        let low = points().map(|(_, at)| factor * at.min);
        let high = points().map(|(_, at)| factor * at.max);
        let (low, high) =
            (low.fold(f64::INFINITY, f64::min), high.fold(f64::NEG_INFINITY, f64::max));
        let (low, high) = if low <= high { (low, high) } else { (0.0, factor) };
        let (y, y_step) = scale.range(low, high, layout.ticks);
        let mut axes = Self {
            left: 0.0,
            right: layout.width - label_width,
            top,
            bottom: layout.height - 3.6 * layout.font,
            x,
            y,
            y_step,
            scale,
        };
        let widest = axes.ticks().map(|(_, text)| text.chars().count()).max();
        axes.left = 22.0 + CHAR * layout.font * widest.unwrap_or(0).max(3) as f64;
        axes
    }

    /// The horizontal position of an epoch or a step.
    pub fn x(&self, epoch: u32) -> f64 {
        let share = (f64::from(epoch) - self.x[0]) / (self.x[1] - self.x[0]);
        self.left + share * (self.right - self.left)
    }

    /// The vertical position of a value.
    pub fn y(&self, value: f64) -> f64 {
        self.y_as_written(self.scale.factor() * value)
    }

    fn y_as_written(&self, value: f64) -> f64 {
        let share = (value - self.y[0]) / (self.y[1] - self.y[0]);
        self.bottom - share * (self.bottom - self.top)
    }

    /// The ticks of the vertical axis: position and text.
    fn ticks(&self) -> impl Iterator<Item = (f64, String)> {
        let count = ((self.y[1] - self.y[0]) / self.y_step).round() as u32;
        let largest = self.y[0].abs().max(self.y[1].abs());
        (0..=count).map(move |index| {
            let value = self.y[0] + f64::from(index) * self.y_step;
            (self.y_as_written(value), tick(value, self.y_step, largest))
        })
    }

    /// The column for labels: left edge, top, bottom.
    pub fn label_column(&self) -> (f64, f64, f64) {
        (self.right, self.top, self.bottom)
    }

    /// The center of the plot.
    pub fn center(&self) -> (f64, f64) {
        ((self.left + self.right) / 2.0, (self.top + self.bottom) / 2.0)
    }

    /// Top and bottom of the plot.
    pub fn span(&self) -> [f64; 2] {
        [self.top, self.bottom]
    }

    /// Grid lines, ticks and the label of the horizontal axis.
    pub fn svg(&self, font: f64, label: &str) -> Markup {
        let Self { left, right, bottom, .. } = *self;
        html! {
            @for (index, (y, text)) in self.ticks().enumerate() {
                path d={ "M" (Px(left)) " " (Px(y)) "H" (Px(right)) } stroke="currentColor"
                    stroke-opacity=(if index == 0 { "0.7" } else { "0.16" }) {}
                text x=(Px(left - 8.0)) y=(Px(y + 0.35 * font)) text-anchor="end" { (text) }
            }
            @for epoch in self.epoch_ticks(font) {
                @let x = Px(self.x(epoch));
                path d={ "M" (x) " " (Px(bottom)) "v5" } stroke="currentColor"
                    stroke-opacity="0.7" {}
                text x=(x) y=(Px(bottom + 6.0 + font)) text-anchor="middle" { (epoch) }
            }
            text x=(Px((left + right) / 2.0)) y=(Px(bottom + 8.0 + 2.2 * font))
                text-anchor="middle" { (label) }
        }
    }

    /// Whole epochs or steps at round distances, as many as can be read.
    fn epoch_ticks(&self, font: f64) -> Vec<u32> {
        let widest = (self.x[1].log10().max(0.0) + 3.2) * 0.6;
        let room = ((self.right - self.left) / (widest.max(3.2) * font)).max(1.0);
        let every = round_up((self.x[1] - self.x[0]) / room).max(1.0) as u32;
        let (first, last) = (self.x[0].ceil() as u32, self.x[1].floor() as u32);
        (first..=last)
            .filter(|epoch| {
                epoch % every == 0
                    || (every > 1 && *epoch == first && every - epoch % every >= every / 2)
            })
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::series;
    use super::*;

    fn axes(series: Series, scale: Scale) -> Axes {
        Axes::new(&[series], scale, &Layout::WIDE, 60.0, 100.0)
    }

    #[test]
    fn axes_hold_the_values() {
        let axes = axes(series("a", &[0.123, 0.487]), Scale::Percent);
        assert_eq!((axes.x, axes.y), ([1.0, 2.0], [10.0, 50.0]));
        assert_eq!((axes.x(1), axes.x(2)), (axes.left, axes.right));
        assert!((axes.y(0.5) - axes.top).abs() < 1e-9 && (axes.y(0.1) - axes.bottom).abs() < 1e-9);
        assert_eq!(axes.epoch_ticks(13.0), [1, 2]);
    }

    #[test]
    fn one_value_has_room_around_it() {
        let axes = axes(series("a", &[0.5]), Scale::Percent);
        assert_eq!(axes.epoch_ticks(13.0), [1]);
        assert!(axes.x(1) > axes.left && axes.x(1) < axes.right);
        assert!(axes.y[0] <= 50.0 && axes.y[1] > axes.y[0]);
    }

    #[test]
    fn many_epochs_get_few_ticks() {
        let axes = axes(series("a", &vec![0.5; 200]), Scale::Percent);
        let ticks = axes.epoch_ticks(13.0);
        assert!(ticks.len() < 20 && ticks.contains(&20) && ticks.contains(&200), "{ticks:?}");
    }

    #[test]
    fn small_and_negative_numbers_have_ticks_too() {
        let axes = axes(series("a", &[-0.0023, -0.0011]), Scale::Plain);
        let ticks: Vec<String> = axes.ticks().map(|(_, text)| text).collect();
        assert_eq!((&ticks[0][..], &ticks[1][..]), ("-0.0024", "-0.0022"));
        assert!((axes.y(-0.0024) - axes.bottom).abs() < 1e-6);
    }
}
