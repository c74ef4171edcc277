//! How far a long job has come.

/// One report of a long job; reports of one job arrive in order, from one thread at a time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Progress {
    /// What is being done, for a progress bar: "decoding images", "writing images", ...
    pub task: &'static str,
    /// Images done so far.
    pub done: usize,
    /// Images to do in all.
    pub total: usize,
}

/// Receives reports; must not block for long.
pub(crate) type Report<'a> = &'a (dyn Fn(Progress) + Sync);
