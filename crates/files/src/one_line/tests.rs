use std::path::Path;

use super::*;

#[test]
fn a_message_takes_one_line() {
    assert_eq!(OneLine("a\nb\r\t\u{1b}[0m é").to_string(), "a\\nb\\r\\t\\u{1b}[0m é");
    assert_eq!(OneLine(&String::from("a\nb")).to_string(), "a\\nb");
}

#[test]
fn a_path_takes_one_line() {
    assert_eq!(OneLine(Path::new("a\nb/c")).to_string(), "a\\nb/c");
}

#[cfg(unix)]
#[test]
fn bytes_that_are_not_utf_8_are_replaced() {
    use std::os::unix::ffi::OsStrExt;
    assert_eq!(OneLine(OsStr::from_bytes(b"a\xff\n")).to_string(), "a\u{fffd}\\n");
}

#[test]
fn a_name_takes_one_line() {
    let name = |text: &'static str| replace_control(text.into());
    assert_eq!(name("a\nb/c\u{7}é"), "a\u{fffd}b/c\u{fffd}é");
    assert!(matches!(name("a b/é"), Cow::Borrowed("a b/é")));
}

#[test]
fn a_spreadsheet_runs_no_cell() {
    assert_eq!(spreadsheet_cell("=HYPERLINK(\"x\").png"), "'=HYPERLINK(\"x\").png");
    assert!(["-1", "+1", "@a", "\tb"].iter().all(|text| spreadsheet_cell(text).starts_with('\'')));
    assert_eq!(spreadsheet_cell("a=b.png"), "a=b.png");
}
