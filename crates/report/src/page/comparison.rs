//! The page of a comparison: one row a method.

use super::{Page, Section, definitions, pictures, settings, summary, table};
use crate::comparison::by_method;
use crate::figure::{Figure, Layout};
use crate::{COLUMNS, Comparison, Error, Picture, Run};

/// The whole page.
///
/// # Errors
/// [`Error::Content`] where a picture of a run is no PNG, [`Error::Io`].
pub fn html(comparison: &Comparison, runs: &[Run], figures: &[Figure]) -> Result<String, Error> {
    let columns = COLUMNS.iter();
    let columns = columns.map(|column| (column.heading, column.definition));
    let methods = comparison.rows.len();
    let views = of_each(comparison, runs, "augmentation.png")?;
    let neighbors = of_each(comparison, runs, "neighbors.png")?;
    let page = Page {
        title: summary::title(comparison),
        header: summary::html(comparison, runs),
        sections: vec![
            Section::new("leaderboard", "Leaderboard", table::leaderboard(comparison)),
            Section::new("curves", "Curves", curves(figures, runs)),
            Section::new("settings", "Settings", settings::by_method(comparison, runs)),
            Section::new(
                "augmentation",
                pictures::AUGMENTATION,
                pictures::augmentation(&views, methods, "all methods"),
            ),
            Section::new("neighbors", pictures::NEIGHBORS, pictures::neighbors(&neighbors)),
            Section::new("definitions", "What the columns mean", definitions(columns)),
        ],
        style: String::new(),
        script: "",
    };
    Ok(page.html())
}

/// The picture called `name` of the first run of each method that has one, best method first.
fn of_each(
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

/// Each figure twice: drawn for a laptop and for a phone, of which the style shows one.
fn curves(figures: &[Figure], runs: &[Run]) -> String {
    let mut seeds: Vec<u64> = runs.iter().map(|run| run.seed).collect();
    seeds.sort_unstable();
    seeds.dedup();
    let how = if seeds.len() > 1 {
        "Lines are means over the seeds that reached an epoch, bands go from the lowest to the highest."
    } else {
        "One seed a method."
    };
    let figures: String = figures
        .iter()
        .map(|figure| {
            format!(
                "<figure>\n<div class=\"wide\">{}</div>\n<div class=\"narrow\">{}</div>\n</figure>\n",
                figure.svg(&Layout::WIDE),
                figure.svg(&Layout::NARROW)
            )
        })
        .collect();
    format!("<p>{how}</p>\n<div class=\"figures\">\n{figures}</div>\n")
}
