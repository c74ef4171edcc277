//! What holds of every run folder, whatever its bytes; a fuzz target asks for it too.

use std::path::Path;
use std::{fs, slice};

use report::RunReport;

/// The files of an input, in order.
pub const NAMES: [&str; 4] = ["config.json", "metrics.jsonl", "evaluation.json", "summary.json"];

/// The run in `folder` is refused by a line that names it, or shown on a page of its own and
/// compared with itself.
pub fn run_folder(folder: &Path) {
    let report = match RunReport::read(folder) {
        Ok(report) => report,
        Err(error) => {
            let message = error.to_string();
            assert!(!message.contains('\n'), "{message:?}");
            assert!(message.contains(&*folder.to_string_lossy()), "{message}");
            return;
        }
    };
    let (out, page) = (folder.join("out"), folder.join("page.html"));
    let text = report::report_page(slice::from_ref(&report)).expect("a page");
    fs::write(&page, text).expect("a file");
    assert_page(&page);
    fs::create_dir_all(&out).expect("a folder");
    report::write_comparison(&out, &[report.run], "twinview compare").expect("a comparison");
    assert_page(&out.join("report.html"));
}

/// A page ends as pages do, and no text of a run begins a script.
fn assert_page(path: &Path) {
    let page = fs::read_to_string(path).expect("text");
    assert!(page.trim_end().ends_with("</html>"));
    let [scripts, ours] = ["<script", "<script>"].map(|tag| page.matches(tag).count());
    assert!(scripts == ours && ours <= 1, "{scripts} scripts, {ours} of the page");
}
