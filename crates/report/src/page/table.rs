//! Scores as a table: a line a method or a line a run.

use super::scrolling;
use crate::column::few;
use crate::comparison::{DEVIATION, SELECTION};
use crate::markup::escape;
use crate::{COLUMNS, Column, Comparison, Row};

/// A line of a table.
pub struct Line {
    /// What it is about.
    pub name: String,
    /// Remarks below the name.
    pub about: Vec<String>,
    /// The numbers.
    pub row: Row,
}

/// The table of methods, and what must be known to read it.
pub fn leaderboard(comparison: &Comparison) -> String {
    let several = comparison.rows.iter().any(|row| row.seeds.len() > 1);
    let lines: Vec<Line> = comparison
        .rows
        .iter()
        .map(|row| Line {
            name: row.method.clone(),
            about: about(row, comparison),
            row: row.clone(),
        })
        .collect();
    let deviation = if several { DEVIATION } else { "" };
    format!(
        "<p>Ordered by probe accuracy after the last epoch. {SELECTION} The best of each score is bold. {deviation}</p>\n{}",
        scores("Leaderboard", "Method", &lines)
    )
}

fn about(row: &Row, comparison: &Comparison) -> Vec<String> {
    let mut about = Vec::new();
    let seeds = |row: &Row| row.seeds.len();
    let mut others = comparison.rows.iter();
    if others.any(|other| seeds(other) != seeds(row)) {
        let plural = if seeds(row) == 1 { "" } else { "s" };
        about.push(format!("{} seed{plural}", seeds(row)));
    }
    if row.finished < seeds(row) {
        about.push("unfinished".to_owned());
    }
    about
}

/// The table called `label` of `lines`, which are called `head`; the best of each score is bold.
pub fn scores(label: &str, head: &str, lines: &[Line]) -> String {
    let heads: String = COLUMNS
        .iter()
        .map(|column| format!("<th scope=\"col\">{}</th>", escape(column.heading)))
        .collect();
    let rows: String = lines
        .iter()
        .map(|line| {
            let cells = COLUMNS.iter().map(|column| cell(&line.row, column, lines));
            format!(
                "<tr><th scope=\"row\">{}{}</th>{}</tr>\n",
                escape(&line.name),
                small(&line.about),
                cells.collect::<String>()
            )
        })
        .collect();
    let table = format!(
        "<table>\n<thead>\n<tr><th scope=\"col\">{}</th>{heads}</tr>\n</thead>\n<tbody>\n{rows}</tbody>\n</table>\n",
        escape(head)
    );
    scrolling(label, &table)
}

/// A number, bold where it is the best, above its deviation and what else to know about it.
fn cell(row: &Row, column: &Column, lines: &[Line]) -> String {
    let Some(spread) = (column.value)(row) else {
        return "<td>–</td>".to_owned();
    };
    let best = lines
        .iter()
        .filter_map(|line| Some((column.value)(&line.row)?.mean))
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
    remarks.map(|remark| format!(" <small>{}</small>", escape(remark))).collect()
}
