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
    let value: serde_json::Value = serde_json::from_str(&json(&comparison(folder.path()))).unwrap();
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
