//! Progress reports of long jobs.

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

/// Receives reports; must not block for long.
pub(crate) type Report<'a> = &'a (dyn Fn(JobProgress) + Sync);

/// Counts the images of one job and reports them.
pub(crate) struct Job<'a> {
    report: Report<'a>,
    state: JobProgress,
}

impl<'a> Job<'a> {
    /// A job of `total` images; reports that none is done.
    pub fn begin(task: &'static str, total: usize, report: Report<'a>) -> Self {
        let job = Self { report, state: JobProgress { task, done: 0, total } };
        (job.report)(job.state);
        job
    }

    /// Reports `count` more images.
    pub fn advance(&mut self, count: usize) {
        self.state.done += count;
        (self.report)(self.state);
    }
}
