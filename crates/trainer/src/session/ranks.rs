//! What the processes of a run tell each other beside the step.
//!
//! Every process holds all that is learned, and decides by the same numbers. Rank 0 alone has a run
//! folder: what it did there is told to the others, so that all go on or all end.

use std::rc::Rc;

use group::Group;
use loader::Shard;
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use super::Trainer;
use crate::session::resume::first_difference;
use crate::session::setup::{share_threads, workers};
use crate::session::step_graphs;
use crate::{ConfigError, Error};

/// Keys of what is compared at the start that may differ between processes.
const MAY_DIFFER: [&str; 5] = [
    "config.$schema",
    "config.train.device",
    "config.train.workers",
    "config.train.log_every",
    "config.method.distill.teacher",
];

/// What a process wants to be done after a step; all do what one of them wants.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Wishes {
    /// Save and end.
    pub stop: bool,
    /// Save and go on.
    pub save: bool,
    /// Bring the numbers of steps to the host.
    pub flush: bool,
}

impl Wishes {
    /// The wishes of all processes.
    pub fn of_all(self, group: &Group) -> Result<Self, Error> {
        if group.is_alone() {
            return Ok(self);
        }
        let any = group.any(&[self.stop, self.save, self.flush])?;
        Ok(Self { stop: any[0], save: any[1], flush: any[2] })
    }
}

/// Does `work` on rank 0; the others wait for it, and have `None`.
///
/// # Errors
/// That of `work`, on the others [`Error::FirstRank`]; [`Error::Group`].
pub(super) fn first_does<T>(
    group: &Group,
    work: impl FnOnce() -> Result<T, Error>,
) -> Result<Option<T>, Error> {
    let done = group.is_first().then(work);
    if group.is_alone() {
        return done.transpose();
    }
    let code = match &done {
        Some(Err(error)) => [1 + u8::from(error.is_usage())],
        _ => [0],
    };
    let told = group.broadcast_bytes(&code);
    match done {
        // It says more than that others can't be told.
        Some(Err(error)) => Err(error),
        done => match told?.as_slice() {
            [0] => Ok(done.and_then(Result::ok)),
            code => Err(Error::FirstRank { usage: code == [2] }),
        },
    }
}

/// What rank 0 has, on all ranks.
pub(super) fn from_first<T: Serialize + DeserializeOwned>(
    group: &Group,
    value: Option<T>,
) -> Result<T, Error> {
    match value {
        Some(value) if group.is_alone() => Ok(value),
        value => {
            let bytes = value.map(|value| serde_json::to_vec(&value).expect("valid JSON"));
            let bytes = group.broadcast_bytes(&bytes.unwrap_or_default())?;
            // Also on rank 0: what is not a number is null, and the same on all.
            Ok(serde_json::from_slice(&bytes).expect("rank 0 has the same program"))
        }
    }
}

impl Trainer {
    /// Trains together with the other processes of `group`, each of which has prepared the same
    /// run: its part of every batch is this process's. Rank 0 alone has a run folder.
    ///
    /// # Errors
    /// [`Error::RankMismatch`] where a process has another program, configuration or data;
    /// [`Error::Config`] where a batch has fewer images than there are processes; [`Error::Group`].
    pub fn join(&mut self, group: Rc<Group>) -> Result<(), Error> {
        if group.is_alone() {
            return Ok(());
        }
        compare(&group, &self.identity())?;
        let (rank, world_size) = (group.rank(), group.size());
        let device = self.learner.student.store.device();
        self.plan.shard = Shard { rank, world_size };
        self.plan.workers = workers(self.record.config.train.workers, device, group.local_size());
        self.plan.validate().map_err(|error| match error {
            loader::Error::Setting { key: "world_size", expected, found } => {
                ConfigError::Range { key: "ranks".to_owned(), expected, found }.into()
            }
            error => Error::LoaderConfig(error),
        })?;
        if device.is_cuda() {
            group.use_nccl()?;
        }
        self.record.threads.workers = self.plan.workers;
        self.record.threads.libtorch = share_threads(device, group.local_size());
        self.learner.join(Rc::clone(&group), self.record.config.train.sync_norm);
        step_graphs::check(&self.record.config, &self.learner)?;
        self.group = group;
        Ok(())
    }

    /// Whether this is the process that has the run folder.
    pub fn is_first(&self) -> bool {
        self.group.is_first()
    }

    /// What all processes of a run have in common.
    fn identity(&self) -> Value {
        let record = &self.record;
        let device = record.device.split(':').next();
        json!({
            "program": format!("{} ({})", record.version, record.revision),
            "libtorch": models::libtorch_version(),
            "device": device,
            "data": { "fingerprint": record.data.fingerprint },
            "init": record.init.as_ref().map(|init| &init.sha256),
            "config": record.config.document(),
        })
    }

    /// Gives every process the state of the run that rank 0 has.
    pub(super) fn share_state(&mut self) -> Result<(), Error> {
        if self.group.is_alone() {
            return Ok(());
        }
        let shared = self.group.is_first().then(|| (self.header.clone(), self.record.initial_knn));
        (self.header, self.record.initial_knn) = from_first(&self.group, shared)?;
        Ok(self.learner.share_state(self.header.optimizer_steps)?)
    }

    /// Checks that all processes have learned the same.
    pub(super) fn check_weights(&self) -> Result<(), Error> {
        if self.group.is_alone() {
            return Ok(());
        }
        let own = self.learner.fingerprint();
        let all = self.group.gather_bytes(own.as_bytes())?;
        match all.iter().position(|found| *found != all[0]) {
            None => Ok(()),
            Some(rank) => Err(Error::RanksDiffer { rank, step: self.header.step }),
        }
    }
}

/// Checks that all processes have the same `identity`.
fn compare(group: &Group, identity: &Value) -> Result<(), Error> {
    let first = from_first(group, group.is_first().then(|| identity.clone()))?;
    let found = first_difference(&first, identity, &MAY_DIFFER);
    let found = found.map_or(Vec::new(), |found| serde_json::to_vec(&found).expect("valid JSON"));
    for (rank, found) in group.gather_bytes(&found)?.iter().enumerate() {
        if let Ok((key, expected, found)) = serde_json::from_slice::<(String, Value, Value)>(found)
        {
            let [expected, found] = [expected, found].map(|value| match value {
                Value::String(text) => text,
                value => value.to_string(),
            });
            return Err(Error::RankMismatch { rank, key, expected, found });
        }
    }
    Ok(())
}
