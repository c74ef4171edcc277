//! What runs measured by epoch, as small figures beside each other.

use crate::Run;
use crate::figure::{Figure, Layout, Style};
use crate::markup::escape;
use crate::panel::{GROUPS, Group, Panel};
use crate::series::Series;

/// The figures of `runs`, a line for each, called by its label.
pub fn html(labels: &[String], runs: &[&Run]) -> String {
    if runs.iter().all(|run| run.history.is_empty()) {
        return "<p>No epoch is done yet.</p>\n".to_owned();
    }
    let groups = GROUPS.iter().map(|group| section(group, labels, runs));
    legend(labels) + &groups.collect::<String>()
}

/// The names of the lines; nothing for a single one.
fn legend(labels: &[String]) -> String {
    if labels.len() < 2 {
        return String::new();
    }
    let items = labels.iter().enumerate().map(|(rank, label)| {
        let key = Style::of(rank).key(true);
        format!("<li>{key} {}</li>\n", escape(label))
    });
    let shared = if labels.len() > Style::COUNT {
        format!("<p>After {} runs the looks of lines begin again.</p>\n", Style::COUNT)
    } else {
        String::new()
    };
    format!(
        "<ul class=\"legend\" aria-label=\"Lines\">\n{}</ul>\n{shared}",
        items.collect::<String>()
    )
}

fn section(group: &Group, labels: &[String], runs: &[&Run]) -> String {
    let figures: String = group
        .panels
        .iter()
        .filter_map(|panel| figure(panel, labels, runs))
        .map(|figure| format!("<figure>\n{}</figure>\n", figure.svg(&Layout::SMALL)))
        .collect();
    if figures.is_empty() {
        return String::new();
    }
    let heading = group.heading;
    format!("<h3>{heading}</h3>\n<div class=\"panels\">\n{figures}</div>\n")
}

/// The figure of a measure, where there is something to see.
fn figure(panel: &Panel, labels: &[String], runs: &[&Run]) -> Option<Figure> {
    let series: Vec<Series> = labels
        .iter()
        .zip(runs)
        .map(|(label, run)| Series::of(label, &[*run], panel.value))
        .collect();
    let changes = |series: &Series| {
        let [first, rest @ ..] = &series.points[..] else {
            return false;
        };
        rest.iter().any(|point| point.1 != first.1)
    };
    let measured = |series: &Series| !series.points.is_empty();
    let shown =
        series.iter().any(|series| if panel.setting { changes(series) } else { measured(series) });
    shown.then_some(Figure {
        name: panel.key,
        title: panel.title,
        unit: panel.unit,
        scale: panel.scale,
        series,
    })
}

/// The panels that [`html`] shows of `runs`.
pub fn panels(runs: &[&Run]) -> Vec<&'static Panel> {
    let labels = vec![String::new(); runs.len()];
    let panels = GROUPS.iter().flat_map(|group| group.panels);
    panels.filter(|panel| figure(panel, &labels, runs).is_some()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sample;

    #[test]
    fn only_what_was_measured_is_drawn_and_a_setting_only_where_it_changes() {
        let folder = tempfile::tempdir().unwrap();
        let path = sample::finished(folder.path(), "simclr", 0, &[0.2, 0.3]);
        let mut run = Run::read(&path).unwrap();
        for epoch in &mut run.history {
            epoch.lr = Some(0.1);
        }
        let html = |run: &Run| html(&["<x>".to_owned()], &[run]);
        let level = html(&run);
        assert!(level.contains(">Loss</text>") && level.contains(">Feature std</text>"));
        assert!(!level.contains("Teacher distance") && !level.contains("Learning rate"));
        assert!(level.contains("&lt;x&gt;") && !level.contains("<x>"));
        assert!(!level.contains("class=\"legend\""));
        run.history[1].lr = Some(0.05);
        assert!(html(&run).contains(">Learning rate</text>"));
        run.history.clear();
        assert_eq!(html(&run), "<p>No epoch is done yet.</p>\n");
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
        let html = html(&labels, &[&runs[0], &runs[1]]);
        assert_eq!(html.matches("<li>").count(), 2);
        assert!(html.contains("a 1.000, b (none)."), "{html}");
        assert!(panels(&[&runs[0]]).len() > 5 && panels(&[&runs[1]]).is_empty());
    }
}
