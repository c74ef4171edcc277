//! Writes a comparison: leaderboard, figures and page.

use std::path::Path;

use run::{CONTRASTIVE_ACC, Metric, TEST_PROBE_ACC, VAL_KNN_ACC};

use super::{Comparison, Row, by_method, leaderboard};
use crate::figures::series::Series;
use crate::figures::{self, Figure, Layout};
use crate::html::document;
use crate::{Error, Run, page};

/// Writes into `out` what compares `runs`: `leaderboard.json`, `.csv` and `.md`, `probe_accuracy`
/// and `contrastive_accuracy` as `.svg` and `.png`, and `report.html`. Without a labeled test split
/// `knn_accuracy` takes the place of `probe_accuracy`, and without labels there is neither. Each
/// file appears whole or not at all. `command` is the command line that makes the comparison again.
///
/// # Errors
/// [`Error::NoRuns`], [`Error::Content`] where a picture of a run is no PNG, [`Error::Io`].
pub fn write_comparison(out: &Path, runs: &[Run], command: &str) -> Result<Comparison, Error> {
    if runs.is_empty() {
        return Err(Error::NoRuns);
    }
    let comparison = Comparison::of(runs);
    files::write(&out.join("leaderboard.json"), leaderboard::json(&comparison).as_bytes())?;
    files::write(&out.join("leaderboard.csv"), leaderboard::csv(&comparison).as_bytes())?;
    files::write(&out.join("leaderboard.md"), leaderboard::markdown(&comparison).as_bytes())?;
    let figures = figures(&comparison, runs);
    for figure in &figures {
        let svg = document(figure.svg(&Layout::WIDE));
        let path = out.join(format!("{}.png", figure.name));
        files::write(&path, &figures::png(&path, &svg)?)?;
        files::write(&out.join(format!("{}.svg", figure.name)), svg.as_bytes())?;
    }
    let html = page::comparison(&comparison, runs, &figures, command)?;
    files::write(&out.join("report.html"), html.as_bytes())?;
    Ok(comparison)
}

/// An accuracy, where one was measured, and contrastive accuracy; the lines are in the order of the
/// leaderboard.
pub(super) fn figures(comparison: &Comparison, runs: &[Run]) -> Vec<Figure> {
    let methods = by_method(runs);
    let of = |name, metric: &Metric| {
        let rows = comparison.rows.iter();
        let line = |row: &Row| Series::of(&row.method, &methods[row.method.as_str()], metric);
        Figure {
            name,
            title: metric.title.to_owned(),
            unit: metric.unit.to_owned(),
            x: "epoch",
            scale: metric.kind.into(),
            series: rows.map(line).collect(),
        }
    };
    let accuracies = [of("probe_accuracy", &TEST_PROBE_ACC), of("knn_accuracy", &VAL_KNN_ACC)];
    let measured = |figure: &Figure| figure.series.iter().any(|line| !line.points.is_empty());
    let accuracy = accuracies.into_iter().find(measured);
    accuracy.into_iter().chain([of("contrastive_accuracy", &CONTRASTIVE_ACC)]).collect()
}
