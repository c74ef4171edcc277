//! What a run tells those who watch it.

use serde::{Deserialize, Serialize};

use crate::{Best, Criterion, Health, StepSecs};

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
    /// The probe's cross-entropy on the labeled images that were held out, where there are such.
    pub validation_p_loss: Option<f64>,
    /// The probe's accuracy there, 0..=1.
    pub validation_p_acc: Option<f64>,
    /// Step size of the last step.
    pub lr: f64,
    /// Share of the teacher that the last step kept.
    pub teacher_momentum: Option<f64>,
    /// Mean length of the gradient over the epoch, before it was clipped.
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
    /// Of [`eval_secs`](Self::eval_secs), what [`health`](Self::health) took.
    pub health_secs: f64,
}

impl EpochReport {
    /// The tags and values of an epoch for TensorBoard.
    pub(crate) fn scalars(&self) -> Vec<(&'static str, f64)> {
        let always = [
            ("train/loss", self.loss),
            ("train/c_acc", self.c_acc),
            ("train/r_acc", self.r_acc),
            ("train/lr", self.lr),
            ("health/feature_std", self.health.feature_std),
            ("health/effective_rank", self.health.effective_rank),
            ("health/projection_std", self.health.projection_std),
            ("health/projection_rank", self.health.projection_rank),
            ("health/alignment", self.health.alignment),
            ("health/uniformity", self.health.uniformity),
            ("health/dead_features", self.health.dead_features),
            ("health/gradient_norm", self.gradient_norm),
            ("speed/images_per_sec", self.images_per_sec),
            ("speed/data_wait", self.data_wait),
        ];
        let sometimes = [
            ("probe/train_loss", self.p_loss),
            ("probe/train_acc", self.p_acc),
            ("probe/validation_loss", self.validation_p_loss),
            ("probe/validation_acc", self.validation_p_acc),
            ("probe/test_loss", self.test_p_loss),
            ("probe/test_acc", self.test_p_acc),
            ("train/teacher_momentum", self.teacher_momentum),
            ("health/teacher_distance", self.health.teacher_distance),
        ];
        always
            .into_iter()
            .chain(sometimes.into_iter().filter_map(|(tag, value)| Some((tag, value?))))
            .collect()
    }
}

/// What the summary of a run says of its epochs.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct History {
    /// The last epoch.
    pub last: Option<EpochReport>,
    /// The best epoch, where one is chosen.
    pub best: Option<Best>,
    /// The epoch with the highest probe accuracy on the test split: reported, never chosen by.
    pub best_test_p_acc: Option<TestBest>,
}

/// An epoch and its accuracy on the test split.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct TestBest {
    /// 1-based.
    pub epoch: u32,
    /// The probe's accuracy on the test split, 0..=1.
    pub test_p_acc: f64,
}

impl History {
    /// Takes in an epoch; whether it is better by `criterion` than all before. The first of equals
    /// stays.
    pub fn add(&mut self, report: &EpochReport, criterion: Option<Criterion>) -> bool {
        self.last = Some(report.clone());
        if let Some(test_p_acc) = report.test_p_acc
            && self.best_test_p_acc.is_none_or(|best| test_p_acc > best.test_p_acc)
        {
            self.best_test_p_acc = Some(TestBest { epoch: report.epoch, test_p_acc });
        }
        let candidate = criterion.and_then(|criterion| criterion.candidate(report));
        let better = candidate.filter(|new| self.best.is_none_or(|best| new.value > best.value));
        self.best = better.or(self.best);
        better.is_some()
    }
}
