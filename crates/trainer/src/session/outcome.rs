//! How training ends.

use run::{Best, Criterion};

/// How a run ended.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Outcome {
    /// All steps are done.
    Finished,
    /// `train.patience` epochs brought nothing better; the rest of the steps isn't wanted.
    StoppedEarly(EarlyStop),
    /// It was asked to stop; a checkpoint has everything.
    Interrupted,
}

/// See [`Outcome::StoppedEarly`].
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct EarlyStop {
    /// Finished epochs.
    pub epochs: u32,
    /// What the epochs were judged by.
    pub criterion: Criterion,
    /// The best of them; none where none could be judged.
    pub best: Option<Best>,
}
