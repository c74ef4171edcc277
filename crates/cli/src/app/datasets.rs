//! Opens data sets with a progress bar; the default data set.

use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use dataset::{Dataset, JobProgress, OpenOptions, SyntheticSpec};
use trainer::RunRecord;

use crate::app::failure::Failure;
use crate::app::job_progress::JobDisplay;

/// The default data set.
const DEFAULT: &str = "data/stl10_binary";

/// The built-in synthetic set.
const BUILT_IN: SyntheticSpec =
    SyntheticSpec { unlabeled: 8_000, train: 2_000, test: 2_000, size: 96, seed: 0 };

/// Shows the progress of opening or writing a set.
pub fn bar() -> impl Fn(JobProgress) + Sync {
    let display = JobDisplay::new();
    move |progress: JobProgress| display.show(progress)
}

/// Opens the set in `dir`.
pub fn open(dir: &Path, image_size: usize) -> Result<Dataset, Failure> {
    open_by(dir, image_size, None)
}

/// Opens the set in `dir` without its unreadable images; a line for each of these.
pub fn open_skipping_bad(dir: &Path, image_size: usize) -> Result<(Dataset, Vec<String>), Failure> {
    let left_out = Mutex::new(Vec::new());
    let note = |line: &str| {
        tracing::warn!("skipped {line}");
        let mut left_out = left_out.lock().unwrap_or_else(PoisonError::into_inner);
        left_out.push(line.to_owned());
    };
    let set = open_by(dir, image_size, Some(&note))?;
    Ok((set, left_out.into_inner().unwrap_or_else(PoisonError::into_inner)))
}

fn open_by(
    dir: &Path,
    image_size: usize,
    left_out: Option<&(dyn Fn(&str) + Sync)>,
) -> Result<Dataset, Failure> {
    let progress = bar();
    let options =
        OpenOptions { image_size, progress: &progress, left_out, ..OpenOptions::default() };
    Ok(dataset::open(dir, &options)?)
}

/// Opens the set in `dir`, or else the default one; with its path, `None` for the built-in set.
pub fn open_or_default(
    dir: Option<&Path>,
    image_size: usize,
) -> Result<(Dataset, Option<PathBuf>), Failure> {
    if let Some(dir) = dir {
        return Ok((open(dir, image_size)?, Some(dir.to_owned())));
    }
    let default = Path::new(DEFAULT);
    if default.exists() {
        return Ok((open(default, image_size)?, Some(default.to_owned())));
    }
    tracing::warn!(
        "{DEFAULT} not found (`cargo xtask download-stl10` fetches STL-10): using the built-in synthetic set"
    );
    Ok((built_in()?, None))
}

/// The built-in synthetic set, for the run in `folder`, which names no folder. A run of another
/// program may have been trained on images that only that program has.
pub fn built_in_of(folder: &Path, record: &RunRecord) -> Result<Dataset, Failure> {
    let set = built_in()?;
    if set.fingerprint() == record.data.fingerprint {
        return Ok(set);
    }
    Err(Failure::usage(format!(
        "{}: expected a run on the built-in set, found one on {} without a folder (--data sets one)",
        folder.display(),
        record.data.kind
    )))
}

/// The built-in synthetic set.
pub fn built_in() -> Result<Dataset, Failure> {
    Ok(dataset::synthetic(&BUILT_IN)?)
}
