//! The metrics of runs by epoch, as a grid of small figures.

use maud::{Markup, html};
use run::{Group, Kind, Metric};

use crate::Run;
use crate::figures::series::Series;
use crate::figures::{Figure, Layout, Style};
use crate::html::legend;

/// The figures of `runs`, with a line for each.
pub fn html(labels: &[String], runs: &[&Run]) -> Markup {
    html! {
        @if runs.iter().all(|run| run.history.is_empty()) {
            p { "No epoch has finished yet." }
        } @else {
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
    let figures: Vec<Figure> = metrics.filter_map(|metric| figure(metric, labels, runs)).collect();
    html! {
        @if !figures.is_empty() {
            h3 { (group.title()) }
            div.panels {
                @for figure in figures { figure { (figure.svg(&Layout::SMALL)) } }
            }
        }
    }
}

/// The figure of a metric; `None` where it was not measured, or a setting does not change.
fn figure(metric: &Metric, labels: &[String], runs: &[&Run]) -> Option<Figure> {
    let series: Vec<Series> =
        labels.iter().zip(runs).map(|(label, run)| Series::of(label, &[*run], metric)).collect();
    let changes = |series: &Series| {
        let [first, rest @ ..] = &series.points[..] else {
            return false;
        };
        rest.iter().any(|point| point.1 != first.1)
    };
    let measured = |series: &Series| !series.points.is_empty();
    let setting = metric.kind == Kind::Setting;
    let shown =
        series.iter().any(|series| if setting { changes(series) } else { measured(series) });
    shown.then_some(Figure {
        name: metric.key,
        title: metric.title,
        unit: metric.unit,
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
mod tests {
    use super::*;
    use crate::tests::sample;

    #[test]
    fn only_what_was_measured_is_drawn_and_a_setting_only_where_it_changes() {
        let folder = tempfile::tempdir().unwrap();
        let path = sample::finished(folder.path(), "simclr", 0, &[0.2, 0.3]);
        let mut run = Run::read(&path).unwrap();
        for epoch in &mut run.history {
            epoch.lr = 0.1;
        }
        let html = |run: &Run| html(&["<x>".to_owned()], &[run]).into_string();
        let level = html(&run);
        assert!(level.contains(">Loss</text>") && level.contains(">Feature std</text>"));
        assert!(!level.contains("Teacher distance") && !level.contains("Learning rate"));
        assert!(level.contains("&lt;x&gt;") && !level.contains("<x>"));
        assert!(!level.contains("class=\"legend\""));
        run.history[1].lr = 0.05;
        assert!(html(&run).contains(">Learning rate</text>"));
        run.history.clear();
        assert_eq!(html(&run), "<p>No epoch has finished yet.</p>");
    }

    #[test]
    fn several_runs_have_a_legend_and_lines_as_far_as_they_go() {
        let folder = tempfile::tempdir().unwrap();
        let runs = [
            sample::finished(folder.path(), "simclr", 0, &[0.2, 0.3]),
            sample::unfinished(folder.path(), "dino", 0, &[]),
        ]
        .map(|path| Run::read(&path).unwrap());
        let labels = ["a", "b"].map(str::to_owned);
        let html = html(&labels, &[&runs[0], &runs[1]]).into_string();
        assert_eq!(html.matches("<li>").count(), 2);
        assert!(html.contains("a 1.000, b (none)."), "{html}");
        assert!(shown(&[&runs[0]]).len() > 5 && shown(&[&runs[1]]).is_empty());
    }
}
