//! What to do with a run once it has ended, as commands.

use std::path::Path;

use trainer::RunRecord;

use crate::app::own_rank;
use crate::app::words::quoted_path;

/// Logs the commands that a finished run in `folder` is for.
pub fn log(record: &RunRecord, folder: &Path) {
    for command in commands(record, folder) {
        tracing::info!("next: {command}");
    }
}

/// The command that resumes the run in `folder` with as many ranks.
pub fn resume(record: &RunRecord, folder: &Path, ranks: usize) -> String {
    let method = record.config.method.name();
    let ranks = match own_rank::is_launched() {
        true => format!(" --ranks {ranks}"),
        false => String::new(),
    };
    format!("twinview pretrain {method} --run {} --resume{ranks}", quoted_path(folder))
}

fn commands(record: &RunRecord, folder: &Path) -> Vec<String> {
    let run = quoted_path(folder);
    let images = record.data.images;
    // Without a test split, folds are scored.
    let first = if images.train > 0 {
        format!("twinview evaluate {run}")
    } else {
        format!("twinview neighbors {run} --outliers 20")
    };
    let name = folder.file_name().unwrap_or_else(|| "run".as_ref());
    let page = quoted_path(format!("{}.html", name.to_string_lossy()).as_ref());
    vec![first, format!("twinview report {run} --out {page}")]
}
