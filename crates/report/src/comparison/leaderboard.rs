//! The leaderboard as JSON, CSV and Markdown.

use serde_json::json;

use crate::comparison::column::few;
use crate::comparison::{DEVIATION, SELECTION};
use crate::{COLUMNS, Column, Comparison, Row};

/// All numbers at full precision, with what they mean.
pub fn json(comparison: &Comparison) -> String {
    let document = json!({
        "about": {
            "selection": SELECTION,
            "accuracies": "shares of images, 0 to 1",
            "std": "sample standard deviation over seeds (n - 1); null for one seed",
            "order": "by probe_last.mean, best first",
        },
        "notes": comparison.notes,
        "rows": comparison.rows,
    });
    format!("{document:#}\n")
}

/// One line a method: names as in the JSON, `_mean` and `_std` (empty for one seed) for each
/// number.
pub fn csv(comparison: &Comparison) -> String {
    let mut header: Vec<String> =
        ["method", "seeds", "runs", "finished", "last_epochs", "best_epochs"]
            .map(str::to_owned)
            .to_vec();
    for column in COLUMNS {
        header.extend([format!("{}_mean", column.key), format!("{}_std", column.key)]);
    }
    let rows = comparison.rows.iter().map(|row| {
        let mut fields = vec![
            row.method.clone(),
            joined(&row.seeds),
            row.seeds.len().to_string(),
            row.finished.to_string(),
            joined(&row.last_epochs),
            joined(&row.best_epochs),
        ];
        for column in COLUMNS {
            let spread = (column.value)(row);
            let number =
                |value: Option<f64>| value.map_or(String::new(), |value| value.to_string());
            fields.push(number(spread.map(|spread| spread.mean)));
            fields.push(number(spread.and_then(|spread| spread.std)));
        }
        fields
    });
    let mut writer =
        csv::WriterBuilder::new().terminator(csv::Terminator::CRLF).from_writer(Vec::new());
    for fields in std::iter::once(header).chain(rows) {
        writer.write_record(fields).expect("rows of equal length, written to memory");
    }
    let bytes = writer.into_inner().expect("written to memory");
    String::from_utf8(bytes).expect("fields are UTF-8")
}

fn joined<T: ToString>(values: &[T]) -> String {
    let values: Vec<String> = values.iter().map(ToString::to_string).collect();
    values.join(" ")
}

/// A table to read in a terminal or a repository.
pub fn markdown(comparison: &Comparison) -> String {
    let mut text = String::from("| Method | Seeds |");
    let mut rule = String::from("| :-- | --: |");
    for column in COLUMNS {
        text += &format!(" {} |", column.heading());
        rule += " --: |";
    }
    text += &format!("\n{rule}\n");
    for row in &comparison.rows {
        text += &format!("| {} | {} |", in_cell(&name(row)), row.seeds.len());
        for column in COLUMNS {
            text += &format!(" {} |", cell(row, &column));
        }
        text.push('\n');
    }
    text += &format!("\n{SELECTION} {DEVIATION}\n");
    for note in &comparison.notes {
        text += &format!("\n- {}\n", in_cell(note));
    }
    text
}

/// The method, marked where it is unfinished.
fn name(row: &Row) -> String {
    if row.finished == row.seeds.len() {
        row.method.clone()
    } else {
        format!("{} (unfinished)", row.method)
    }
}

fn cell(row: &Row, column: &Column) -> String {
    let Some(spread) = (column.value)(row) else {
        return "–".to_owned();
    };
    let text = column.unit.write(&spread);
    if column.key == "probe_best" {
        format!("{text} (epoch {})", few(&row.best_epochs))
    } else {
        text
    }
}

/// Text that can't end a table cell or a line.
fn in_cell(text: &str) -> String {
    text.replace('\\', "\\\\").replace('|', "\\|").replace(['\n', '\r'], " ").replace('<', "&lt;")
}

#[cfg(test)]
mod tests;
