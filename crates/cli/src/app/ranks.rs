//! The processes of a command: who they are, and what they have in common.

use std::rc::Rc;
use std::time::Duration;

use dataset::Dataset;
use eval::EncodingGroup;
use group::{Group, Launch};
use models::DeviceChoice;
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::app::failure::Failure;
use crate::app::launcher;
use crate::args::RankArguments;

/// How long ranks wait for those that decode images for all.
const DECODING: Duration = Duration::from_secs(24 * 60 * 60);

/// The processes that train or encode images together.
pub struct Ranks {
    group: Rc<Group>,
    encoding: Rc<EncodingGroup>,
}

impl Ranks {
    /// One process on its own.
    fn alone() -> Self {
        Self::of(Group::alone(), Duration::ZERO)
    }

    fn of(group: Group, timeout: Duration) -> Self {
        let group = Rc::new(group);
        let encoding = Rc::new(EncodingGroup::new(Rc::clone(&group), timeout));
        Self { group, encoding }
    }

    /// Meets the other processes of `launch`, which were all started with the same program and
    /// `arguments`, as far as it matters for what they do together.
    pub fn join(
        launch: Option<&Launch>,
        waiting: &RankArguments,
        arguments: &str,
    ) -> Result<Self, Failure> {
        let Some(launch) = launch.filter(|launch| launch.size > 1) else {
            return Ok(Self::alone());
        };
        launcher::follow()?;
        let timeout = Duration::from_secs(waiting.rank_timeout);
        let ranks = Self::of(Group::join(launch, timeout)?, timeout);
        trainer::share_cores(launch.local_size);
        let program = format!("{} ({})", env!("CARGO_PKG_VERSION"), env!("TWINVIEW_REVISION"));
        ranks.compare("program", &program)?;
        ranks.compare("arguments", arguments)?;
        Ok(ranks)
    }

    /// The group.
    pub fn group(&self) -> Rc<Group> {
        Rc::clone(&self.group)
    }

    /// The group, as it encodes images; none for one process.
    pub fn encoding(&self) -> Option<&Rc<EncodingGroup>> {
        (!self.group.is_alone()).then_some(&self.encoding)
    }

    /// Number of processes.
    pub fn count(&self) -> usize {
        self.group.size()
    }

    /// Whether this process speaks and writes.
    pub fn is_first(&self) -> bool {
        self.group.is_first()
    }

    /// Checks that all have the same `value` of `what`.
    pub fn compare(&self, what: &str, value: &str) -> Result<(), Failure> {
        let all = self.group.gather_bytes(value.as_bytes())?;
        let Some(rank) = all.iter().position(|found| *found != all[0]) else { return Ok(()) };
        let [expected, found] = [0, rank].map(|rank| String::from_utf8_lossy(&all[rank]));
        Err(Failure::usage(format!(
            "rank {rank}: {what}: expected {expected} as on rank 0, found {found}"
        ))
        .shared())
    }

    /// `result`, where all ranks have one; else the first failure of a rank, which rank 0 prints.
    pub fn agree<T>(&self, result: Result<T, Failure>) -> Result<T, Failure> {
        if self.group.is_alone() {
            return result;
        }
        let told = result.as_ref().err().map_or(String::new(), Failure::encode);
        let all = match self.group.gather_bytes(told.as_bytes()) {
            Ok(all) => all,
            // What happened before says more.
            Err(lost) => return result.and(Err(lost.into())),
        };
        let mut told = all.iter().enumerate();
        let failure = told.find_map(|(rank, told)| Failure::decode(told, rank));
        failure.map_or(result, Err)
    }

    /// What `work` gives, on rank 0 alone.
    pub fn first<T>(
        &self,
        work: impl FnOnce() -> Result<T, Failure>,
    ) -> Result<Option<T>, Failure> {
        self.agree(self.is_first().then(work).transpose())
    }

    /// What `work` gives, on rank 0 alone. Meanwhile the other ranks encode images of `sets` for
    /// it.
    pub fn lead<T>(
        &self,
        sets: &[Dataset],
        device: DeviceChoice,
        work: impl FnOnce() -> Result<T, Failure>,
    ) -> Result<Option<T>, Failure> {
        let Some(encoding) = self.encoding() else { return work().map(Some) };
        if !self.is_first() {
            let said = encoding.serve(sets, device)?;
            return Failure::decode(said.as_bytes(), 0).map_or(Ok(None), Err);
        }
        let done = work();
        match &done {
            // Nobody would hear it.
            Err(failure) if failure.is_lost() => {}
            Err(failure) => drop(encoding.end(&failure.encode())),
            Ok(_) => encoding.end("")?,
        }
        done.map(Some)
    }

    /// What `work` gives on rank 0, on all ranks.
    pub fn of_first<T: Serialize + DeserializeOwned>(
        &self,
        work: impl FnOnce() -> Result<T, Failure>,
    ) -> Result<T, Failure> {
        if self.group.is_alone() {
            return work();
        }
        let found = self.first(work)?;
        let text = found
            .map_or(Vec::new(), |found| serde_json::to_vec(&found).expect("values are valid JSON"));
        let text = self.group.broadcast_bytes(&text)?;
        serde_json::from_slice(&text).map_err(|error| Failure::failed(format!("rank 0: {error}")))
    }

    /// What `open` gives on every rank. Where it takes `long` on one of them, one process of each
    /// machine goes first, and leaves the others a cache.
    pub fn open<T>(
        &self,
        long: bool,
        open: impl FnOnce() -> Result<T, Failure>,
    ) -> Result<T, Failure> {
        if self.group.is_alone() {
            return open();
        }
        if !self.group.any(&[long])?[0] {
            return self.agree(open());
        }
        let opened = match self.group.local_rank() {
            0 => {
                let opened = open();
                self.group.barrier(DECODING)?;
                opened
            }
            _ => {
                self.group.barrier(DECODING)?;
                open()
            }
        };
        self.agree(opened)
    }

    /// The device of this process where `choice` was asked for.
    pub fn device(&self, choice: DeviceChoice) -> Result<DeviceChoice, Failure> {
        match self.group.is_alone() {
            true => Ok(choice),
            false => choice.of_rank(self.group.local_rank()).map_err(Failure::usage),
        }
    }
}
