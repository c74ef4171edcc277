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
mod tests {
    use std::path::Path;

    use super::*;
    use crate::Run;
    use crate::tests::sample;

    fn comparison(folder: &Path) -> Comparison {
        let paths = [
            sample::finished(folder, "simclr", 0, &[0.25, 0.5]),
            sample::finished(folder, "simclr", 1, &[0.5, 0.75]),
            sample::unfinished(folder, "a,\"b\"|c", 0, &[]),
        ];
        Comparison::of(&paths.map(|path| Run::read(&path).unwrap()))
    }

    #[test]
    fn a_field_is_quoted_where_it_must_be() {
        let folder = tempfile::tempdir().unwrap();
        let mut comparison = comparison(folder.path());
        for (method, expected) in [
            ("plain text", "plain text,"),
            ("a,b", "\"a,b\","),
            ("a\"b", "\"a\"\"b\","),
            ("a\nb", "\"a\nb\","),
        ] {
            comparison.rows[0].method = method.to_owned();
            let csv = csv(&comparison);
            let (_, rows) = csv.split_once("\r\n").unwrap();
            assert!(rows.starts_with(expected), "{rows}");
        }
    }

    #[test]
    fn csv_has_a_line_a_method_and_nothing_where_there_is_no_number() {
        let folder = tempfile::tempdir().unwrap();
        let csv = csv(&comparison(folder.path()));
        let lines: Vec<&str> = csv.split_terminator("\r\n").collect();
        assert_eq!(lines.len(), 3);
        assert!(lines[0].starts_with(
            "method,seeds,runs,finished,last_epochs,best_epochs,probe_last_mean,probe_last_std,"
        ));
        let start = "simclr,0 1,2,2,2 2,2 2,0.625,0.1767766952966369,";
        assert!(lines[1].starts_with(start), "{}", lines[1]);
        assert_eq!(lines[2], format!("\"a,\"\"b\"\"|c\",0,1,0,0,{}", ",".repeat(28)));
        let fields = |line: &str| line.split(',').count();
        assert_eq!(fields(lines[0]), fields(lines[1]));
    }

    #[test]
    fn json_keeps_full_precision_and_nulls() {
        let folder = tempfile::tempdir().unwrap();
        let value: serde_json::Value =
            serde_json::from_str(&json(&comparison(folder.path()))).unwrap();
        assert_eq!(value["rows"][0]["probe_last"]["mean"], 0.625);
        assert_eq!(value["rows"][0]["probe_last"]["n"], 2);
        assert!(value["rows"][1]["probe_last"].is_null());
        assert_eq!(value["about"]["selection"], SELECTION);
    }

    #[test]
    fn markdown_is_a_table_whatever_a_method_is_called() {
        let folder = tempfile::tempdir().unwrap();
        let text = markdown(&comparison(folder.path()));
        let lines: Vec<&str> = text.lines().collect();
        assert!(
            lines[2].starts_with(
                "| simclr | 2 | 62.5 ± 17.7 | 62.5 ± 17.7 (epoch 2) | 50.0 ± 0.0 | 25.0 ± 0.0 | – | – | 10.0 ± 0.0 |"
            ),
            "{}",
            lines[2]
        );
        assert!(lines[3].starts_with("| a,\"b\"\\|c (unfinished) | 1 | – |"), "{}", lines[3]);
        let bars = |line: &str| line.replace("\\|", "").matches('|').count();
        assert!(lines[..4].iter().all(|line| bars(line) == COLUMNS.len() + 3));
        assert!(text.contains(SELECTION) && text.contains(DEVIATION));
    }
}
