//! Resumes a run from its newest checkpoint.

use std::path::Path;
use std::rc::Rc;
use std::time::SystemTime;

use run::{SegmentRecord, file};

use super::Trainer;
use crate::checkpoint::{self, Header, initial_weights};
use crate::session::environment::{environment, new_run_id};
use crate::session::ranks::first_does;
use crate::session::resume::{check_data, check_resume};
use crate::session::run_folder::{Restored, RunFolder};
use crate::session::run_lock::RunLock;
use crate::{Error, RunRecord};

impl Trainer {
    /// Opens the run in `path`, for this process alone, and goes on from its newest checkpoint that
    /// can be read. A run that was stopped before its first checkpoint begins again with the
    /// weights that it began with. [`RunFolder::warnings`] tells of checkpoints that can't be used
    /// and of another environment. Of several processes rank 0 does this; the others have its
    /// state, and `None`.
    ///
    /// # Errors
    /// Nothing is changed by any of these: [`Error::Damaged`] where there are checkpoints and none
    /// fits, [`Error::NoCheckpoint`] where there were some, [`Error::InUse`], [`Error::Held`],
    /// [`Error::Io`] and [`Error::Run`] where something can't be read.
    pub fn resume(&mut self, path: &Path) -> Result<Option<RunFolder>, Error> {
        let group = Rc::clone(&self.group);
        let folder = first_does(&group, || {
            let lock = RunLock::take(path)?;
            let restored = self.restore(path)?;
            self.begin_segment();
            RunFolder::resume(lock, &self.record, restored)
        })?;
        self.share_state()?;
        Ok(folder)
    }

    fn restore(&mut self, folder: &Path) -> Result<Restored, Error> {
        let before = RunRecord::read(folder)?;
        // It was read before the folder was locked: another process may have begun another run.
        check_resume(
            &before,
            folder,
            self.record.config.method.name(),
            self.record.config.clone(),
        )?;
        check_data(&before, folder, &self.record.data)?;
        let mut restored = Restored::default();
        restored.warnings.extend(self.changed_environment(&before));
        self.record.init = before.init.clone();
        self.record.initial_knn = before.initial_knn;
        self.record.started_at = before.started_at.clone();
        self.record.segments = before.segments.clone();
        self.record.run_id =
            if before.run_id.is_empty() { new_run_id() } else { before.run_id.clone() };
        let checkpoints = folder.join(file::CHECKPOINTS);
        let all = checkpoint::all(&checkpoints)?;
        for (index, path) in all.iter().enumerate().rev() {
            let loaded = checkpoint::load(path, &mut self.learner);
            match loaded.and_then(|header| header.check(path, &before).map(|()| header)) {
                Ok(header) => {
                    let revision = self.record.revision.clone();
                    self.header = Header { revision, ..header };
                    restored.step = self.header.step;
                    restored.healthy = match self.header.collapse_warnings {
                        0 => Some(path.clone()),
                        _ => checkpoint::newest_healthy(&all[..index], &before)?,
                    };
                    restored.checkpoint = Some(path.clone());
                    return Ok(restored);
                }
                // It may be whole: only what was read can be damaged.
                Err(error @ Error::Io { .. }) => return Err(error),
                Err(error) => restored.refused.push((path.clone(), error)),
            }
        }
        if let Some((_, newest)) = restored.refused.into_iter().next() {
            return Err(newest);
        }
        let (_, steps) = run::lines_until(folder, 0)?;
        if before.has_checkpoint || steps > 0 && !files::exists(&checkpoints)? {
            return Err(Error::NoCheckpoint { path: checkpoints, steps });
        }
        if self.record.init.is_some() {
            let encoder = &self.record.config.encoder;
            let file = folder.join(file::INIT_WEIGHTS);
            initial_weights::begin_from(&file, &self.learner, encoder)?;
        }
        Ok(Restored { refused: Vec::new(), ..restored })
    }

    /// Records what this process trains on.
    pub(super) fn begin_segment(&mut self) {
        let started_at = humantime::format_rfc3339_seconds(SystemTime::now()).to_string();
        let environment = environment(&self.record, self.group.size());
        let from_step = self.header.step;
        self.record.segments.push(SegmentRecord { from_step, started_at, environment });
    }

    /// What differs from the environment that the run `before` was trained in, and may change bits.
    fn changed_environment(&self, before: &RunRecord) -> Option<String> {
        let last = before.segments.last()?;
        let changed = last.environment.differences(&environment(&self.record, self.group.size()));
        let changed: Vec<_> =
            changed.iter().map(|(name, was, is)| format!("{name} was {was}, is {is}")).collect();
        (!changed.is_empty()).then(|| {
            format!(
                "the run goes on under other conditions, so that it may not end with the bits of \
                 an uninterrupted one: {}",
                changed.join("; ")
            )
        })
    }
}
