//! What a run reports while it trains.

use optim::StepCount;
use run::EpochRecord;

/// Watches a run. Libraries never print; the command line draws a progress bar from this.
pub trait Observer {
    /// Called after the steps up to [`EpochProgress::step`] are done and logged.
    fn progress(&mut self, progress: &EpochProgress);
    /// Called after each epoch.
    fn epoch(&mut self, epoch: &EpochRecord);
    /// Called where the health metrics of an epoch look collapsed, with the reason.
    fn collapse_warning(&mut self, epoch: u32, collapse_reason: &str);
    /// Called where the kNN accuracy of an epoch is worse than that of the weights that the run
    /// began with, by more than its interval, with both in words. Does nothing, unless implemented.
    fn regression_warning(&mut self, _epoch: u32, _reason: &str) {}
    /// Called where a GPU can't read the loader's memory, with the reason: the processor copies
    /// each batch once more. Does nothing, unless implemented.
    fn slow_copies(&mut self, _reason: &str) {}
    /// Asked after each step: whether to save a checkpoint now and go on. Never, unless
    /// implemented.
    fn wants_checkpoint(&mut self) -> bool {
        false
    }
}

/// The state of the epoch under way.
#[derive(Clone, Debug)]
pub struct EpochProgress {
    /// The epoch under way.
    pub epoch: EpochCount,
    /// Steps done.
    pub step: StepCount,
    /// Mean loss of the epoch so far.
    pub loss: f64,
    /// Contrastive accuracy of the epoch so far, 0 to 1.
    pub contrastive_acc: f64,
    /// Correlation accuracy of the epoch so far, 0 to 1.
    pub correlation_acc: f64,
    /// The probe's accuracy on training images of the epoch so far, 0 to 1.
    pub probe_acc: Option<f64>,
    /// Images per second since training began or resumed.
    pub images_per_sec: f64,
    /// Share of the time spent waiting for views, 0 to 1.
    pub data_wait: f64,
    /// Seconds to the end at this speed.
    pub remaining_secs: f64,
}

/// An epoch of all epochs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct EpochCount {
    /// Counted from 1.
    pub epoch: u32,
    /// Number of epochs.
    pub total: u32,
}
