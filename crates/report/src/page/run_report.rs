//! The page of a report: one or several runs, finished or not.

use maud::{Markup, html};

use super::{
    Page, Section, before_after, configuration, confusion_matrix, curves, evaluation, feature_map,
    header, pictures, score_table, tiles,
};
use crate::comparison::column::shown;
use crate::comparison::{SELECTION, different_data};
use crate::html::definition_list;
use crate::run_report::labels;
use crate::{ContactSheet, Error, Picture, Row, Run, RunReport};

/// The text of a page about `reports`.
///
/// # Errors
/// [`Error::NoRuns`].
pub fn report_page(reports: &[RunReport]) -> Result<String, Error> {
    if reports.is_empty() {
        return Err(Error::NoRuns);
    }
    let runs: Vec<&Run> = reports.iter().map(|report| &report.run).collect();
    let labels = labels(runs.iter().map(|run| &run.folder));
    let pictures_of = |picture: fn(&RunReport) -> &Option<Picture>| -> Vec<(String, Picture)> {
        let found = labels.iter().zip(reports);
        found
            .filter_map(|(label, report)| Some((label.clone(), picture(report).clone()?)))
            .collect()
    };
    let views = pictures_of(|report| &report.augmentation);
    let misclassified = sheets(&labels, reports, |report| report.misclassified.as_ref());
    let maps: Vec<_> = labels
        .iter()
        .zip(reports)
        .filter_map(|(label, report)| Some((label.as_str(), report.map.as_ref()?)))
        .collect();
    let (maps, style) = feature_map::html(&maps).unzip();
    let page = Page {
        title: title(&labels),
        header: run_header(&labels, reports, &runs),
        scripts: scripts(&runs, maps.is_some()),
        style: style.unwrap_or_default(),
        sections: vec![
            Section::new("scores", "Scores", scores(&labels, &runs)),
            Section::new("change", "Before and after", before_after::html(&labels, &runs)),
            Section::new("evaluation", "Evaluation", evaluation::html(&labels, &runs)),
            Section::new("curves", "Curves", curves::html(&labels, &runs)),
            Section::new(
                "augmentation",
                pictures::AUGMENTATION,
                pictures::augmentation(&views, runs.len(), "all runs"),
            ),
            Section::new("neighbors", pictures::NEIGHBORS, neighbors(&labels, reports)),
            Section::new("misclassified", "Misclassified images", misclassified),
            Section::new("confusion", "Confusion matrix", confusion_matrix::html(&labels, &runs)),
            Section::new("map", "Features in 2D", maps),
            Section::new("configuration", "Configuration", configuration::by_run(&labels, &runs)),
            Section::new("definitions", "Definitions", definitions(&runs)),
        ],
    };
    Ok(page.html())
}

fn scripts(runs: &[&Run], map: bool) -> Vec<&'static str> {
    let curves = runs.iter().any(|run| !run.history.is_empty() || !run.steps.is_empty());
    let curves = curves.then_some(curves::SCRIPT);
    curves.into_iter().chain(map.then_some(feature_map::SCRIPT)).collect()
}

/// Images and their neighbors: as markup, or else the picture that is in the run folder.
fn neighbors(labels: &[String], reports: &[RunReport]) -> Option<Markup> {
    let pictures: Vec<(String, Picture)> = labels
        .iter()
        .zip(reports)
        .filter(|(_, report)| report.nearest.is_none())
        .filter_map(|(label, report)| Some((label.clone(), report.neighbors.clone()?)))
        .collect();
    let drawn = pictures::neighbors(&pictures);
    let sheets = sheets(labels, reports, |report| report.nearest.as_ref());
    let all = html! {
        @if let Some(sheets) = &sheets { (sheets) }
        @if let Some(drawn) = &drawn { (drawn) }
    };
    (sheets.is_some() || drawn.is_some()).then_some(all)
}

/// A contact sheet of each run that has one; `None` where none has.
fn sheets<'a>(
    labels: &[String],
    reports: &'a [RunReport],
    sheet: impl Fn(&'a RunReport) -> Option<&'a ContactSheet>,
) -> Option<Markup> {
    let found: Vec<(&String, &ContactSheet)> = labels
        .iter()
        .zip(reports)
        .filter_map(|(label, report)| Some((label, sheet(report)?)))
        .collect();
    let sheets = html! {
        @for (label, sheet) in &found {
            @if labels.len() > 1 { h3 { (label) } }
            (tiles::html(label, sheet))
        }
    };
    (!found.is_empty()).then_some(sheets)
}

fn title(labels: &[String]) -> String {
    match labels {
        [one] => one.clone(),
        [a, b] => format!("{a} and {b}"),
        many => format!("{} runs", many.len()),
    }
}

/// The facts about the runs, and notes.
fn run_header(labels: &[String], reports: &[RunReport], runs: &[&Run]) -> Markup {
    let summary = match runs {
        [one] => format!("{}, seed {}", one.method, one.seed),
        many => format!("{} ({})", many.len(), methods(many)),
    };
    let mut notes: Vec<String> = different_data(runs.iter().copied()).into_iter().collect();
    for (label, report) in labels.iter().zip(reports) {
        let state = (!report.run.finished()).then(|| report.run.state());
        let texts = state.iter().chain(&report.notes);
        notes.extend(texts.map(|note| format!("{label}: {note}.")));
    }
    html! { (header::facts(&summary, runs)) (header::notes(&notes)) }
}

/// The methods of `runs`, each once.
fn methods(runs: &[&Run]) -> String {
    let mut methods: Vec<&str> = Vec::new();
    for run in runs {
        if !methods.contains(&run.method.as_str()) {
            methods.push(&run.method);
        }
    }
    methods.join(", ")
}

/// The metrics of the last epoch and of the evaluation, one row per run.
fn scores(labels: &[String], runs: &[&Run]) -> Markup {
    let line = |(label, run): (&String, &&Run)| score_table::Line {
        name: label.clone(),
        about: vec![format!("{}, seed {}", run.method, run.seed), run.state()],
        row: Row::of(&run.method, &[*run]),
        intervals: score_table::intervals(run),
    };
    let lines: Vec<score_table::Line> = labels.iter().zip(runs).map(line).collect();
    html! {
        p {
            @if score_table::has_probe(&lines) { (SELECTION) }
            @if score_table::has_intervals(&lines) { " " (score_table::INTERVAL) }
            @if lines.len() > 1 { " The best of each score is bold." }
        }
        (score_table::scores("Scores", "Run", &lines))
    }
}

/// The definitions of columns and curves.
fn definitions(runs: &[&Run]) -> Markup {
    let rows: Vec<Row> = runs.iter().map(|run| Row::of(&run.method, &[*run])).collect();
    let columns = shown(rows.iter()).into_iter();
    let columns = columns.map(|column| (column.heading(), column.definition));
    let curves = curves::shown(runs);
    html! {
        @if curves.is_empty() {
            (definition_list(columns))
        } @else {
            h3 { "Scores" }
            (definition_list(columns))
            h3 { "Curves" }
            (definition_list(curves.iter().map(|curve| (curve.title, curve.definition))))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_report_of_nothing_is_an_error() {
        assert!(matches!(report_page(&[]), Err(Error::NoRuns)));
    }
}
