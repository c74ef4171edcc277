//! The leaderboard as a table.

use super::scrolling;
use crate::column::few;
use crate::comparison::{DEVIATION, SELECTION};
use crate::markup::escape;
use crate::{COLUMNS, Column, Comparison, Row};

/// The table, and what must be known to read it.
pub fn leaderboard(comparison: &Comparison) -> String {
    let several = comparison.rows.iter().any(|row| row.seeds.len() > 1);
    let heads: String = COLUMNS
        .iter()
        .map(|column| format!("<th scope=\"col\">{}</th>", escape(column.heading)))
        .collect();
    let rows: String = comparison
        .rows
        .iter()
        .map(|row| line(row, comparison))
        .collect();
    let table = format!(
        "<table>\n<thead>\n<tr><th scope=\"col\">Method</th>{heads}</tr>\n</thead>\n<tbody>\n{rows}</tbody>\n</table>\n"
    );
    let deviation = if several { DEVIATION } else { "" };
    format!(
        "<p>Ordered by probe accuracy after the last epoch. {SELECTION} The best of each score is bold. {deviation}</p>\n{}",
        scrolling("Leaderboard", &table)
    )
}

fn line(row: &Row, comparison: &Comparison) -> String {
    let mut about = Vec::new();
    let seeds = |row: &Row| row.seeds.len();
    if comparison
        .rows
        .iter()
        .any(|other| seeds(other) != seeds(row))
    {
        let plural = if seeds(row) == 1 { "" } else { "s" };
        about.push(format!("{} seed{plural}", seeds(row)));
    }
    if row.finished < seeds(row) {
        about.push("unfinished".to_owned());
    }
    let cells: String = COLUMNS
        .iter()
        .map(|column| cell(row, column, comparison))
        .collect();
    format!(
        "<tr><th scope=\"row\">{}{}</th>{cells}</tr>\n",
        escape(&row.method),
        small(&about)
    )
}

/// A number, bold where it is the best, above its deviation and what else to know about it.
fn cell(row: &Row, column: &Column, comparison: &Comparison) -> String {
    let Some(spread) = (column.value)(row) else {
        return "<td>–</td>".to_owned();
    };
    let best = comparison
        .rows
        .iter()
        .filter_map(|row| Some((column.value)(row)?.mean))
        .fold(f64::NEG_INFINITY, f64::max);
    let (mut mean, std) = column.unit.parts(&spread);
    if column.score && spread.mean >= best {
        mean = format!("<strong>{mean}</strong>");
    }
    let mut about: Vec<String> = std.map(|std| format!("± {std}")).into_iter().collect();
    match column.key {
        "probe_best" => about.push(format!("epoch {}", few(&row.best_epochs))),
        "probe_last" if row.finished < row.seeds.len() => {
            about.push(format!("epoch {}", few(&row.last_epochs)));
        }
        _ if spread.n < row.seeds.len() => {
            about.push(format!("{} of {}", spread.n, row.seeds.len()))
        }
        _ => {}
    }
    format!("<td>{mean}{}</td>", small(&about))
}

/// Remarks below a number, each on its line.
fn small(remarks: &[String]) -> String {
    let remarks = remarks.iter();
    remarks
        .map(|remark| format!(" <small>{}</small>", escape(remark)))
        .collect()
}
