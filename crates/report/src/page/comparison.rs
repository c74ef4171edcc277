//! The page of a comparison, with one row per method.

use maud::{Markup, html};
use run::file;

use super::{Page, Section, configuration, curves, header, pictures, score_table};
use crate::comparison::by_method;
use crate::comparison::column::shown;
use crate::figures::{Figure, Layout};
use crate::html::definition_list;
use crate::{Comparison, Error, Picture, Row, Run};

/// The text of the page; `command` makes the comparison again.
///
/// # Errors
/// [`Error::Content`] where a picture of a run is no PNG, [`Error::Io`].
pub fn html(
    comparison: &Comparison,
    runs: &[Run],
    figures: &[Figure],
    command: &str,
) -> Result<String, Error> {
    let columns = shown(comparison.rows.iter()).into_iter();
    let columns = columns.map(|column| (column.heading(), column.definition));
    let methods = comparison.rows.len();
    let views = pictures_of_methods(comparison, runs, file::AUGMENTATION)?;
    let neighbors = pictures_of_methods(comparison, runs, file::NEIGHBORS)?;
    let page = Page {
        title: header::title(comparison),
        header: header::html(comparison, runs, command),
        sections: vec![
            Section::new("leaderboard", "Leaderboard", score_table::leaderboard(comparison, runs)),
            Section::new("curves", "Curves", curves_section(figures, comparison, runs)),
            Section::new(
                "configuration",
                "Configuration",
                configuration::by_method(comparison, runs),
            ),
            Section::new(
                "augmentation",
                pictures::AUGMENTATION,
                pictures::augmentation(&views, methods, "all methods"),
            ),
            Section::new("neighbors", pictures::NEIGHBORS, pictures::neighbors(&neighbors)),
            Section::new("definitions", "Definitions", definition_list(columns)),
        ],
        style: String::new(),
        scripts: vec![curves::SCRIPT],
    };
    Ok(page.html())
}

/// The picture called `name` of the first run of each method that has one, best method first.
fn pictures_of_methods(
    comparison: &Comparison,
    runs: &[Run],
    name: &str,
) -> Result<Vec<(String, Picture)>, Error> {
    let methods = by_method(runs);
    let mut found = Vec::new();
    for row in &comparison.rows {
        for run in &methods[row.method.as_str()] {
            if let Some(picture) = Picture::read(&run.folder.join(name))? {
                found.push((row.method.clone(), picture));
                break;
            }
        }
    }
    Ok(found)
}

/// Each figure in two layouts, wide and narrow; the style shows one of them. Then the loss of each
/// method by step.
fn curves_section(figures: &[Figure], comparison: &Comparison, runs: &[Run]) -> Markup {
    let mut seeds: Vec<u64> = runs.iter().map(|run| run.seed).collect();
    seeds.sort_unstable();
    seeds.dedup();
    let bands = if seeds.len() > 1 {
        "Lines are means over the seeds that reached an epoch, bands show minimum and maximum."
    } else {
        "One seed per method."
    };
    html! {
        p { (bands) }
        div.figures {
            @for figure in figures {
                figure {
                    div.wide { (curves::curve(figure, &Layout::WIDE)) }
                    div.narrow { (curves::curve(figure, &Layout::NARROW)) }
                }
            }
        }
        @if runs.iter().any(|run| !run.steps.is_empty()) {
            h3 { "Loss by step" }
            p { "Losses of different methods are different things: each has its own axis." }
            div.panels {
                @for figure in losses(comparison, runs) {
                    figure { (curves::curve(&figure, &Layout::SMALL)) }
                }
            }
        }
    }
}

/// The loss of each method by step, with a line for each seed.
fn losses(comparison: &Comparison, runs: &[Run]) -> Vec<Figure> {
    let methods = by_method(runs);
    let figure = |row: &Row| {
        let runs = &methods[row.method.as_str()];
        let labels: Vec<String> = runs.iter().map(|run| format!("seed {}", run.seed)).collect();
        curves::steps_figure(&row.method, &labels, runs, |step| step.loss)
    };
    comparison.rows.iter().map(figure).collect()
}
