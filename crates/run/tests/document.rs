//! `docs/run-folder.md` is what the code generates.

use std::fs;
use std::path::Path;

#[test]
fn the_page_is_up_to_date() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/run-folder.md");
    let page = fs::read_to_string(&path).unwrap_or_default();
    assert!(
        page == run::document(),
        "docs/run-folder.md is not what the code says: \
         cargo run -p run --example run_folder > docs/run-folder.md"
    );
}

#[test]
fn every_field_is_described() {
    let page = run::document();
    for line in page.lines().filter(|line| line.starts_with("| `")) {
        let cells: Vec<&str> = line.trim_matches('|').split('|').map(str::trim).collect();
        assert!(!cells.last().unwrap().is_empty(), "{line}");
        assert!(!line.contains("[`"), "a link into the code: {line}");
    }
}
