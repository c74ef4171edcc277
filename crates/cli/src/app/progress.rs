//! Progress of a training run: a bar in a terminal, log lines elsewhere.

use std::io::IsTerminal;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use indicatif::ProgressBar;
use run::{
    CONTRASTIVE_ACC, CORRELATION_ACC, EpochRecord, InitialKnn, Metric, PROBE_ACC, TEST_PROBE_ACC,
    VAL_KNN_ACC, VAL_PROBE_ACC,
};
use trainer::{EpochProgress, Observer, StepCount, Trainer};

use crate::app::output::Output;
use crate::app::words::duration;
use crate::app::{progress_bars, words};

/// Time between two log lines.
const PAUSE: Duration = Duration::from_secs(10);

/// Shows the progress of a run.
pub struct TrainingProgress<'a> {
    output: &'a Output,
    bar: Option<ProgressBar>,
    /// None before the first step.
    last_line: Option<Instant>,
    last_epoch: Option<EpochRecord>,
    /// The newest kNN accuracy; it isn't measured after every epoch.
    knn_acc: Option<f64>,
    /// That of the weights that the run began with, where they are from a file.
    initial_knn: Option<InitialKnn>,
    /// Asks for a checkpoint.
    save: Arc<AtomicBool>,
}

impl<'a> TrainingProgress<'a> {
    /// The progress of the run of `trainer`; a checkpoint is wanted when `save` is set.
    pub fn new(output: &'a Output, trainer: &Trainer, quiet: bool, save: Arc<AtomicBool>) -> Self {
        let steps = trainer.steps();
        let drawn = std::io::stderr().is_terminal() && !quiet && steps.step < steps.total;
        let bar = drawn.then(|| {
            let text = format!("step {}/{}", steps.step + 1, steps.total);
            let bar = progress_bars::start(steps.total, &text);
            bar.set_position(steps.step);
            bar
        });
        let initial_knn = trainer.record().initial_knn;
        Self { output, bar, last_line: None, last_epoch: None, knn_acc: None, initial_knn, save }
    }

    /// Removes the bar; the last finished epoch.
    pub fn finish(self) -> Option<EpochRecord> {
        self.last_epoch
    }
}

impl Observer for TrainingProgress<'_> {
    fn progress(&mut self, progress: &EpochProgress) {
        if let Some(bar) = &self.bar {
            progress_bars::show(bar, progress.step.step, &bar_parts(progress, self.knn_acc));
        }
        match self.last_line {
            None => tracing::info!("{}", first_line(progress)),
            Some(last) if self.bar.is_none() && last.elapsed() >= PAUSE => {
                tracing::info!("{}", describe(progress));
            }
            Some(_) => return,
        }
        self.last_line = Some(Instant::now());
    }

    fn epoch(&mut self, epoch: &EpochRecord) {
        self.output.json_line(epoch);
        self.knn_acc = epoch.val_knn_acc.or(self.knn_acc);
        tracing::info!("{}", summarize(epoch, self.initial_knn));
        self.last_epoch = Some(epoch.clone());
    }

    fn collapse_warning(&mut self, epoch: u32, collapse_reason: &str) {
        tracing::warn!("epoch {epoch} looks like collapse: {collapse_reason}");
    }

    fn regression_warning(&mut self, epoch: u32, reason: &str) {
        tracing::warn!("epoch {epoch} is worse than the start: {reason}");
    }

    fn slow_copies(&mut self, reason: &str) {
        tracing::warn!("batches are copied twice on their way to the GPU: {reason}");
    }

    fn wants_checkpoint(&mut self) -> bool {
        let wanted = self.save.swap(false, Ordering::Relaxed);
        if wanted {
            tracing::info!("saving a checkpoint (SIGUSR1)");
        }
        wanted
    }
}

/// What the first step tells of the rest.
fn first_line(progress: &EpochProgress) -> String {
    let StepCount { step, total } = progress.step;
    let left = match total - step {
        0 => String::new(),
        left => format!(
            ", about {} for the other {}",
            duration(progress.remaining_secs),
            words::count(left, "step")
        ),
    };
    format!("step {step}/{total} done: {:.1} images/s{left}", progress.images_per_sec)
}

/// The text beside the bar, the most important parts first.
fn bar_parts(progress: &EpochProgress, knn_acc: Option<f64>) -> Vec<String> {
    let StepCount { step, total } = progress.step;
    let knn = knn_acc.map_or(String::new(), |share| format!("kNN {:.1}%", 100.0 * share));
    vec![
        format!("step {step}/{total}"),
        format!("ETA {}", duration(progress.remaining_secs)),
        format!("{:.0} images/s", progress.images_per_sec),
        knn,
        format!("loss {:.4}", progress.loss),
        format!("epoch {}/{}", progress.epoch.epoch, progress.epoch.total),
    ]
}

fn describe(progress: &EpochProgress) -> String {
    let accuracies = [
        (CONTRASTIVE_ACC, Some(progress.contrastive_acc)),
        (CORRELATION_ACC, Some(progress.correlation_acc)),
        (PROBE_ACC, progress.probe_acc),
    ];
    let accuracies = accuracies.map(|(metric, share)| percent(&metric, share, 1)).concat();
    let (epoch, step) = (progress.epoch, progress.step);
    format!(
        "epoch {}/{} step {}/{} loss {:.4}{accuracies} {:.0} images/s data_wait {:.1}% ETA {}",
        epoch.epoch,
        epoch.total,
        step.step,
        step.total,
        progress.loss,
        progress.images_per_sec,
        100.0 * progress.data_wait,
        duration(progress.remaining_secs),
    )
}

/// The headline first: how good the features are.
fn summarize(epoch: &EpochRecord, initial_knn: Option<InitialKnn>) -> String {
    let shares = |metrics: &[Metric]| -> String {
        metrics.iter().map(|metric| percent(metric, metric.raw(epoch), 2)).collect()
    };
    let before = initial_knn.map_or(String::new(), |initial| {
        format!(" (initial weights {:.2}%)", 100.0 * initial.accuracy)
    });
    let memory = epoch
        .peak_gpu_memory_bytes
        .map_or(String::new(), |bytes| format!(" GPU memory {:.2} GB", bytes as f64 / 1e9));
    format!(
        "epoch {} done:{}{before}{} loss {:.4}{} rank {:.1} {:.1} images/s data_wait {:.2}%{memory}",
        epoch.epoch,
        shares(&[VAL_KNN_ACC]),
        shares(&[VAL_PROBE_ACC, TEST_PROBE_ACC]),
        epoch.loss,
        shares(&[CONTRASTIVE_ACC, CORRELATION_ACC, PROBE_ACC]),
        epoch.health.effective_rank,
        epoch.images_per_sec,
        100.0 * epoch.data_wait,
    )
}

/// A space, the key of a metric and its percentage; nothing where it was not measured.
fn percent(metric: &Metric, share: Option<f64>, digits: usize) -> String {
    share.map_or(String::new(), |share| format!(" {} {:.digits$}%", metric.key, 100.0 * share))
}

#[cfg(test)]
mod tests {
    use trainer::EpochCount;

    use super::*;

    fn progress(step: u64, total: u64) -> EpochProgress {
        EpochProgress {
            epoch: EpochCount { epoch: 1, total: 2 },
            step: StepCount { step, total },
            loss: 4.25,
            contrastive_acc: 0.5,
            correlation_acc: 0.25,
            probe_acc: None,
            images_per_sec: 9.16,
            data_wait: 0.0,
            remaining_secs: 12_345.0,
        }
    }

    #[test]
    fn the_first_step_says_how_long_the_rest_takes() {
        let said = first_line(&progress(1, 4_000));
        assert_eq!(
            said,
            "step 1/4000 done: 9.2 images/s, about 3 h 25 min for the other 3999 steps"
        );
        assert_eq!(first_line(&progress(1, 1)), "step 1/1 done: 9.2 images/s");
    }

    #[test]
    fn the_headline_is_in_the_bar_once_it_is_known() {
        let parts = |knn_acc| bar_parts(&progress(3, 16), knn_acc).join(" ");
        let rest = "loss 4.2500 epoch 1/2";
        assert_eq!(parts(None), format!("step 3/16 ETA 3 h 25 min 9 images/s  {rest}"));
        let known = format!("step 3/16 ETA 3 h 25 min 9 images/s kNN 45.6% {rest}");
        assert_eq!(parts(Some(0.456)), known);
    }
}
