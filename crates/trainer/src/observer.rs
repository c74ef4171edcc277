//! What a run tells those who watch it.

use serde::{Deserialize, Serialize};

use crate::{Health, StepSecs};

/// Watches a run. Libraries never print; the command line draws a progress bar from this.
pub trait Observer {
    /// Called after the steps of `Progress::step` are done and logged.
    fn progress(&mut self, progress: &Progress);
    /// Called after each epoch.
    fn epoch(&mut self, epoch: &EpochReport);
    /// Called where an epoch's measures look like collapse, with what is wrong.
    fn unwell(&mut self, epoch: u32, complaint: &str);
}

/// The state of the epoch under way.
#[derive(Clone, Debug)]
pub struct Progress {
    /// 1-based epoch, and the number of epochs.
    pub epoch: [u32; 2],
    /// Steps done in all, and the number of steps.
    pub step: [u64; 2],
    /// Means over the epoch so far.
    pub loss: f64,
    /// Contrastive accuracy, 0..=1.
    pub c_acc: f64,
    /// Correlation accuracy, 0..=1.
    pub r_acc: f64,
    /// The probe's accuracy on training images, 0..=1.
    pub p_acc: Option<f64>,
    /// Images a second since training (or resuming) began.
    pub images_per_sec: f64,
    /// Share of the time that training waited for views, 0..=1.
    pub data_wait: f64,
    /// Seconds to the end at this speed.
    pub remaining_secs: f64,
}

/// One epoch: the line of `metrics.jsonl`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct EpochReport {
    /// Always "epoch".
    pub kind: String,
    /// 1-based.
    pub epoch: u32,
    /// Steps done in all.
    pub step: u64,
    /// Mean loss of the epoch.
    pub loss: f64,
    /// Contrastive accuracy on the views of the epoch, 0..=1.
    pub c_acc: f64,
    /// Correlation accuracy, 0..=1.
    pub r_acc: f64,
    /// The probe's cross-entropy on weak views of training images.
    pub p_loss: Option<f64>,
    /// The probe's accuracy there, 0..=1.
    pub p_acc: Option<f64>,
    /// The probe's cross-entropy on the test split.
    pub test_p_loss: Option<f64>,
    /// The probe's accuracy on the test split, 0..=1.
    pub test_p_acc: Option<f64>,
    /// Step size.
    pub lr: f64,
    /// Share of the teacher that a step kept.
    pub teacher_momentum: Option<f64>,
    /// Mean length of the gradient over the epoch.
    pub gradient_norm: f64,
    /// Measures on a fixed sample.
    #[serde(flatten)]
    pub health: Health,
    /// Images a second over the epoch's steps.
    pub images_per_sec: f64,
    /// Share of the epoch's steps that was spent waiting for views, 0..=1.
    pub data_wait: f64,
    /// Mean seconds of a step, by what they were spent on.
    pub step_secs: StepSecs,
    /// Seconds of the epoch's steps, and of measuring after it.
    pub train_secs: f64,
    /// See [`train_secs`](Self::train_secs).
    pub eval_secs: f64,
}

/// What the summary of a run says of its epochs.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct History {
    /// The last epoch.
    pub last: Option<EpochReport>,
    /// The epoch with the highest probe accuracy on the test split: reported, never chosen by.
    pub best_test_p_acc: Option<Best>,
}

/// An epoch and its accuracy.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Best {
    /// 1-based.
    pub epoch: u32,
    /// The probe's accuracy on the test split, 0..=1.
    pub test_p_acc: f64,
}

impl History {
    /// Takes in an epoch.
    pub fn add(&mut self, report: &EpochReport) {
        self.last = Some(report.clone());
        if let Some(test_p_acc) = report.test_p_acc
            && self
                .best_test_p_acc
                .is_none_or(|best| test_p_acc > best.test_p_acc)
        {
            self.best_test_p_acc = Some(Best {
                epoch: report.epoch,
                test_p_acc,
            });
        }
    }
}
