//! What can go wrong between a plan and its batches.

/// Why a loader could not start or cannot go on.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// The set has too few images for a single batch.
    #[error(
        "batch larger than the set: expected at most {images} image{} a batch, found {batch}",
        if *images == 1 { "" } else { "s" }
    )]
    BatchLargerThanSet {
        /// Images that a batch shall hold.
        batch: usize,
        /// Images that the set has.
        images: usize,
    },
    /// A setting of the plan that cannot be used.
    #[error("loader setting `{key}`: expected {expected}, found {found}")]
    Setting {
        /// Name of the setting.
        key: &'static str,
        /// What would have been accepted.
        expected: String,
        /// What was given.
        found: String,
    },
    /// A recipe of the plan cannot be used.
    #[error("{place}: {source}")]
    Recipe {
        /// Which recipe: `views[0]`, `probe`.
        place: String,
        /// What is wrong with it.
        source: augment::Error,
    },
    /// The operating system gave no threads.
    #[error("cannot start {workers} worker threads: {reason}")]
    Threads {
        /// Threads that were asked for.
        workers: usize,
        /// The system's reason.
        reason: String,
    },
    /// The set can't be read any more; no more batches follow.
    #[error("{0}")]
    Set(String),
    /// A worker thread failed; no more batches follow.
    #[error("a loader thread failed: {0}")]
    Worker(String),
    /// The loader has ended after an earlier error.
    #[error("the loader has stopped after an earlier error")]
    Stopped,
}

impl Error {
    pub(crate) fn setting(
        key: &'static str,
        expected: impl ToString,
        found: impl ToString,
    ) -> Self {
        Self::Setting { key, expected: expected.to_string(), found: found.to_string() }
    }
}
