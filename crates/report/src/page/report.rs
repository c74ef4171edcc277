//! The page of a report: one or several runs, a line each, finished or not.

use super::{
    Page, Section, confusion, curves, definitions, map, pictures, settings, summary, table,
};
use crate::comparison::{SELECTION, different_data};
use crate::portrait::labels;
use crate::{COLUMNS, Picture, Portrait, Row, Run};

/// The whole page.
pub fn html(portraits: &[Portrait]) -> String {
    let runs: Vec<&Run> = portraits.iter().map(|portrait| &portrait.run).collect();
    let labels = labels(runs.iter().map(|run| &run.folder));
    let with = |picture: fn(&Portrait) -> &Option<Picture>| -> Vec<(String, Picture)> {
        let found = labels.iter().zip(portraits);
        found
            .filter_map(|(label, portrait)| Some((label.clone(), picture(portrait).clone()?)))
            .collect()
    };
    let views = with(|portrait| &portrait.augmentation);
    let maps: Vec<_> = labels
        .iter()
        .zip(portraits)
        .filter_map(|(label, portrait)| Some((label.as_str(), portrait.map.as_ref()?)))
        .collect();
    let (maps, style) = map::html(&maps);
    let page = Page {
        title: title(&labels),
        header: header(&labels, portraits, &runs),
        script: if maps.is_empty() { "" } else { map::SCRIPT },
        style,
        sections: vec![
            Section::new("scores", "Scores", scores(&labels, &runs)),
            Section::new("curves", "Curves", curves::html(&labels, &runs)),
            Section::new(
                "augmentation",
                pictures::AUGMENTATION,
                pictures::augmentation(&views, runs.len(), "all runs"),
            ),
            Section::new(
                "neighbors",
                pictures::NEIGHBORS,
                pictures::neighbors(&with(|portrait| &portrait.neighbors)),
            ),
            Section::new("confusion", "Confusion", confusion::html(&labels, &runs)),
            Section::new("map", "Map of the features", maps),
            Section::new("settings", "Settings", settings::by_run(&labels, &runs)),
            Section::new("definitions", "What the numbers mean", meanings(&runs)),
        ],
    };
    page.html()
}

fn title(labels: &[String]) -> String {
    match labels {
        [one] => one.clone(),
        [a, b] => format!("{a} and {b}"),
        many => format!("{} runs", many.len()),
    }
}

/// What was run, and what to know before reading on.
fn header(labels: &[String], portraits: &[Portrait], runs: &[&Run]) -> String {
    let head = match runs {
        [one] => format!("{} with seed {}", one.method, one.seed),
        many => summary::count(many.len(), "run"),
    };
    let mut notes: Vec<String> = different_data(runs.iter().copied()).into_iter().collect();
    for (label, portrait) in labels.iter().zip(portraits) {
        let state = (!portrait.run.finished()).then(|| portrait.run.state());
        let said = state.iter().chain(&portrait.notes);
        notes.extend(said.map(|note| format!("{label}: {note}.")));
    }
    summary::lead(&summary::paragraph(&head, runs)) + &summary::notes(&notes)
}

/// The numbers of the last epoch and of evaluation, a line a run.
fn scores(labels: &[String], runs: &[&Run]) -> String {
    let line = |(label, run): (&String, &&Run)| {
        let seed = run.seed;
        table::Line {
            name: label.clone(),
            about: vec![format!("{}, seed {seed}", run.method), run.state()],
            row: Row::of(&run.method, &[*run]),
        }
    };
    let lines: Vec<table::Line> = labels.iter().zip(runs).map(line).collect();
    let bold = if lines.len() > 1 { " The best of each score is bold." } else { "" };
    format!("<p>{SELECTION}{bold}</p>\n{}", table::scores("Scores", "Run", &lines))
}

/// What columns and curves mean.
fn meanings(runs: &[&Run]) -> String {
    let columns = COLUMNS.iter();
    let columns = definitions(columns.map(|column| (column.heading, column.definition)));
    let panels = curves::panels(runs);
    if panels.is_empty() {
        return columns;
    }
    let panels = panels.iter();
    let panels = definitions(panels.map(|panel| (panel.title, panel.definition)));
    format!("<h3>Scores</h3>\n{columns}<h3>Curves</h3>\n{panels}")
}
