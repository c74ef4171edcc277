use ::run::METRICS;

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
    // Within the first epoch there are steps to see.
    let step = |step: u64| StepRecord { step, epoch: 1, loss: 5.0 / step as f64, lr: 0.1 };
    run.steps = (1..=3).map(step).collect();
    let begun = html(&run);
    assert!(begun.contains("No epoch has finished yet.") && begun.contains(">Loss</text>"));
    assert!(!begun.contains("Learning rate</text>") && begun.contains(">step</text>"));
    assert!(begun.contains("[3,") && begun.contains("&quot;1.667&quot;"), "{begun}");
}

/// A second line would take its room from the plot.
#[test]
fn subtitles_of_small_figures_have_one_line() {
    let folder = tempfile::tempdir().unwrap();
    let path = sample::finished(folder.path(), "simclr", 0, &[0.2, 0.3]);
    let mut run = Run::read(&path).unwrap();
    let step = |step: u64| StepRecord { step, epoch: 1, loss: 5.0 / step as f64, lr: 0.1 };
    run.steps = (1..=5000).map(step).collect();
    let mut figure = by_step(&["a".to_owned()], &[&run]).remove(0);
    assert!(figure.series[0].has_band());
    assert_eq!(figure.unit_lines(&Layout::SMALL), [figure.unit.clone()]);
    for metric in METRICS {
        figure.unit = metric.unit.to_owned();
        assert_eq!(figure.unit_lines(&Layout::SMALL).len(), 1, "{}", metric.unit);
    }
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
