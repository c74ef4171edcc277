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
        "<p>{} {} The best of each score is bold. {deviation}</p>\n{}",
        "Ordered by probe accuracy after the last epoch.",
        SELECTION,
        scrolling("Leaderboard", &table)
    )
}

fn line(row: &Row, comparison: &Comparison) -> String {
    let mut about = Vec::new();
    if row.seeds.len() > 1 {
        about.push(format!("{} seeds", row.seeds.len()));
    }
    if row.finished < row.seeds.len() {
        about.push(format!("unfinished, epoch {}", few(&row.last_epochs)));
    }
    let about = if about.is_empty() {
        String::new()
    } else {
        format!(" <small>{}</small>", escape(&about.join(", ")))
    };
    let cells: String = COLUMNS
        .iter()
        .map(|column| cell(row, column, comparison))
        .collect();
    format!(
        "<tr><th scope=\"row\">{}{about}</th>{cells}</tr>\n",
        escape(&row.method)
    )
}

fn cell(row: &Row, column: &Column, comparison: &Comparison) -> String {
    let Some(spread) = (column.value)(row) else {
        return "<td>–</td>".to_owned();
    };
    let best = comparison
        .rows
        .iter()
        .filter_map(|row| Some((column.value)(row)?.mean))
        .fold(f64::NEG_INFINITY, f64::max);
    let mut text = escape(&column.unit.write(&spread));
    if column.score && spread.mean >= best {
        text = format!("<strong>{text}</strong>");
    }
    if column.key == "probe_best" {
        text += &format!(" <small>epoch {}</small>", few(&row.best_epochs));
    } else if spread.n < row.seeds.len() {
        text += &format!(" <small>of {}</small>", spread.n);
    }
    format!("<td>{text}</td>")
}
