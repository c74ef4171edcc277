//! Progress reports of long jobs, and how they are stopped.

use std::ops::ControlFlow;
use std::sync::atomic::{AtomicUsize, Ordering};

use crate::Error;

/// One report of a long job; the reports of a job come in order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct JobProgress {
    /// What is being done, for a progress bar: "decoding images", "writing images", ...
    pub task: &'static str,
    /// Images done so far.
    pub done: usize,
    /// Images to do in all.
    pub total: usize,
}

/// Receives reports, and stops the job by breaking; must not block for long.
pub type Report<'a> = &'a (dyn Fn(JobProgress) -> ControlFlow<()> + Sync);

/// Lets the job go on, and shows nothing.
pub const GO_ON: Report<'static> = &|_| ControlFlow::Continue(());

/// Counts the images of one job and reports them.
pub(crate) struct Job<'a> {
    report: Report<'a>,
    task: &'static str,
    done: AtomicUsize,
    total: usize,
}

impl<'a> Job<'a> {
    /// A job of `total` images; reports that none is done.
    ///
    /// # Errors
    /// [`Error::Interrupted`] where the job is to stop, as for the other functions.
    pub fn begin(task: &'static str, total: usize, report: Report<'a>) -> Result<Self, Error> {
        let job = Self { report, task, done: AtomicUsize::new(0), total };
        job.check().map(|()| job)
    }

    /// Reports `count` more images.
    pub fn advance(&self, count: usize) -> Result<(), Error> {
        self.done.fetch_add(count, Ordering::Relaxed);
        self.check()
    }

    /// Reports again, as the next image may take long. Any thread may ask.
    pub fn check(&self) -> Result<(), Error> {
        let done = self.done.load(Ordering::Relaxed);
        match (self.report)(JobProgress { task: self.task, done, total: self.total }) {
            ControlFlow::Break(()) => Err(Error::Interrupted),
            ControlFlow::Continue(()) => Ok(()),
        }
    }
}
