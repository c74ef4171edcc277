//! The metrics of runs by step and by epoch, as a grid of small figures. A script shows the values
//! at a point; the figures need none.

use maud::{Markup, html};
use run::{Group, Kind, Metric, StepRecord};

use crate::Run;
use crate::figures::series::Series;
use crate::figures::{Figure, Layout, Style};
use crate::html::legend;

/// Shows the values at the pointer, or at the point that the arrow keys reach.
pub const SCRIPT: &str = include_str!("curves.js");

/// The figures of `runs`, with a line for each.
pub fn html(labels: &[String], runs: &[&Run]) -> Markup {
    let begun = runs.iter().any(|run| !run.history.is_empty());
    let stepped = runs.iter().any(|run| !run.steps.is_empty());
    html! {
        @if !begun { p { "No epoch has finished yet." } }
        @if begun || stepped {
            p {
                "Loss and learning rate by step, and every metric by epoch. "
                span.help hidden { "Point at a figure to see its values." }
            }
            @if labels.len() > 1 { (lines(labels)) }
            @for group in Group::ALL { (section(group, labels, runs)) }
        }
    }
}

/// The legend of the lines.
fn lines(labels: &[String]) -> Markup {
    let entries = labels.iter().enumerate();
    let entries = entries.map(|(rank, label)| (Style::of(rank).line_key(), label.as_str()));
    html! {
        (legend("Lines", entries))
        @if labels.len() > Style::COUNT {
            p { "Line styles repeat after " (Style::COUNT) " runs." }
        }
    }
}

fn section(group: Group, labels: &[String], runs: &[&Run]) -> Markup {
    let metrics = group.metrics();
    let by_epoch = metrics.filter_map(|metric| figure(metric, labels, runs));
    let by_step = if group == Group::Train { by_step(labels, runs) } else { Vec::new() };
    let figures: Vec<Figure> = by_step.into_iter().chain(by_epoch).collect();
    html! {
        @if !figures.is_empty() {
            h3 { (group.title()) }
            div.panels {
                @for figure in figures { figure { (curve(&figure, &Layout::SMALL)) } }
            }
        }
    }
}

/// A figure with its points for the script.
pub fn curve(figure: &Figure, layout: &Layout) -> Markup {
    html! {
        div.curve data-points=(figure.points(layout)) { (figure.svg(layout)) }
    }
}

/// The numbers of each step; none where no step is known.
fn by_step(labels: &[String], runs: &[&Run]) -> Vec<Figure> {
    if runs.iter().all(|run| run.steps.is_empty()) {
        return Vec::new();
    }
    let mut figures = vec![steps_figure("Loss", labels, runs, |step| step.loss)];
    let rate = steps_figure("Learning rate", labels, runs, |step| step.lr);
    if rate.series.iter().any(changes) {
        figures.push(rate);
    }
    figures
}

/// The figure of a number of each step of `runs`.
pub fn steps_figure(
    title: &str,
    labels: &[String],
    runs: &[&Run],
    value: fn(&StepRecord) -> f64,
) -> Figure {
    let lines = labels.iter().zip(runs);
    let series: Vec<Series> =
        lines.map(|(label, run)| Series::of_steps(label, &run.steps, value)).collect();
    let unit = match series.iter().any(Series::has_band) {
        true => "by step: mean, min and max of steps in a row",
        false => "by step",
    };
    Figure {
        name: "step",
        title: title.to_owned(),
        unit: unit.to_owned(),
        x: "step",
        scale: Kind::Number.into(),
        series,
    }
}

/// Whether a line is not level.
fn changes(series: &Series) -> bool {
    let [first, rest @ ..] = &series.points[..] else {
        return false;
    };
    rest.iter().any(|point| point.1 != first.1)
}

/// The figure of a metric; `None` where it was not measured, or a setting does not change.
fn figure(metric: &Metric, labels: &[String], runs: &[&Run]) -> Option<Figure> {
    let series: Vec<Series> =
        labels.iter().zip(runs).map(|(label, run)| Series::of(label, &[*run], metric)).collect();
    let measured = |series: &Series| !series.points.is_empty();
    let setting = metric.kind == Kind::Setting;
    let shown =
        series.iter().any(|series| if setting { changes(series) } else { measured(series) });
    shown.then_some(Figure {
        name: metric.key,
        title: metric.title.to_owned(),
        unit: metric.unit.to_owned(),
        x: "epoch",
        scale: metric.kind.into(),
        series,
    })
}

/// The metrics that [`html`] shows of `runs`.
pub fn shown(runs: &[&Run]) -> Vec<&'static Metric> {
    let labels = vec![String::new(); runs.len()];
    let metrics = Group::ALL.into_iter().flat_map(Group::metrics);
    metrics.filter(|metric| figure(metric, &labels, runs).is_some()).collect()
}

#[cfg(test)]
mod tests;
