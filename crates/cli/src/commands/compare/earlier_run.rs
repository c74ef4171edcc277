//! What an earlier call of `compare` left of a run.

use std::path::Path;

use run::{Summary, file};
use trainer::{RunRecord, Trainer};

use crate::app::failure::Failure;

/// See the module.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EarlierRun {
    /// No run.
    None,
    /// A run to go on with: it was interrupted, or shall be longer now.
    Unfinished,
    /// All that is asked for.
    Finished,
}

impl EarlierRun {
    /// Compares the run in `folder`, which `record` describes, with the one that `trainer` would
    /// train.
    ///
    /// # Errors
    /// A usage error if it has more steps than are asked for now.
    pub fn of(folder: &Path, record: &RunRecord, trainer: &Trainer) -> Result<Self, Failure> {
        let summary = Summary::read(folder)?;
        let done = match &summary {
            Some(summary) => summary.steps,
            None => run::read_epochs(folder)?.last().map_or(0, |epoch| epoch.step),
        };
        let wanted = trainer.steps().total;
        // Where a run is trained, and what of it is kept, is no reason to go on.
        let changed: Vec<_> = record
            .config
            .differences(&trainer.record().config)
            .into_iter()
            .filter(|(key, ..)| LENGTH.contains(&key.as_str()))
            .collect();
        let stopped_early = summary.as_ref().is_some_and(|summary| summary.stopped_early);
        if done > wanted && !changed.is_empty() {
            let (key, before, after) = &changed[0];
            return Err(Failure::usage(format!(
                "{}: {key} was {before}, is {after}: expected at least {done} steps, which are \
                 done, found {wanted} (another --out starts anew)",
                folder.join(file::CONFIG).display(),
            )));
        }
        for (key, before, after) in &changed {
            tracing::info!("{}: {key} was {before}, is {after}", folder.display());
        }
        if summary.is_some() && (done >= wanted || (stopped_early && changed.is_empty())) {
            return Ok(Self::Finished);
        }
        if done > 0 && !changed.is_empty() && has_schedules(record) {
            tracing::warn!(
                "{}: goes on, though its schedules were planned for another length: a comparison \
                 with a new --out is fairer",
                folder.display()
            );
        }
        Ok(Self::Unfinished)
    }
}

/// The keys that say how long a run is.
const LENGTH: [&str; 3] = ["train.epochs", "train.max_steps", "train.patience"];

/// Whether a setting changes over the planned steps.
fn has_schedules(record: &RunRecord) -> bool {
    let text = record.config.document().to_string();
    ["\"cosine\":", "\"warmup\":", "\"warmup_cosine\":"].iter().any(|key| text.contains(key))
}
