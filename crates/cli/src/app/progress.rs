//! Progress of a training run: a bar in a terminal, log lines elsewhere.

use std::io::IsTerminal;
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressStyle};
use run::{
    CONTRASTIVE_ACC, CORRELATION_ACC, EpochRecord, Metric, PROBE_ACC, TEST_PROBE_ACC, VAL_PROBE_ACC,
};
use trainer::{EpochProgress, Observer, StepCount};

use crate::app::output::Output;

/// Time between two log lines.
const PAUSE: Duration = Duration::from_secs(10);

/// Shows the progress of a run.
pub struct TrainingProgress<'a> {
    output: &'a Output,
    bar: Option<ProgressBar>,
    last_line: Instant,
    last_epoch: Option<EpochRecord>,
}

impl<'a> TrainingProgress<'a> {
    /// The progress of a run that has done `steps`.
    pub fn new(output: &'a Output, steps: StepCount, quiet: bool) -> Self {
        let bar = (std::io::stderr().is_terminal() && !quiet).then(|| {
            let style = ProgressStyle::with_template("[{bar:24}] {msg}").expect("a valid template");
            ProgressBar::new(steps.total).with_position(steps.step).with_style(style)
        });
        Self { output, bar, last_line: Instant::now(), last_epoch: None }
    }

    /// Removes the bar; the last finished epoch.
    pub fn finish(self) -> Option<EpochRecord> {
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
        }
        self.last_epoch
    }
}

impl Observer for TrainingProgress<'_> {
    fn progress(&mut self, progress: &EpochProgress) {
        let line = describe(progress);
        if let Some(bar) = &self.bar {
            bar.set_position(progress.step.step);
            bar.set_message(line);
        } else if self.last_line.elapsed() >= PAUSE {
            self.last_line = Instant::now();
            tracing::info!("{line}");
        }
    }

    fn epoch(&mut self, epoch: &EpochRecord) {
        self.output.json_line(epoch);
        self.last_epoch = Some(epoch.clone());
        let line = summarize(epoch);
        match &self.bar {
            Some(bar) => bar.suspend(|| tracing::info!("{line}")),
            None => tracing::info!("{line}"),
        }
    }

    fn collapse_warning(&mut self, epoch: u32, collapse_reason: &str) {
        let warn = || tracing::warn!("epoch {epoch} looks like collapse: {collapse_reason}");
        match &self.bar {
            Some(bar) => bar.suspend(warn),
            None => warn(),
        }
    }
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
        clock(progress.remaining_secs),
    )
}

fn summarize(epoch: &EpochRecord) -> String {
    let accuracies = [CONTRASTIVE_ACC, CORRELATION_ACC, PROBE_ACC, VAL_PROBE_ACC, TEST_PROBE_ACC];
    let accuracies = accuracies.map(|metric| percent(&metric, metric.raw(epoch), 2)).concat();
    format!(
        "epoch {} done: loss {:.4}{accuracies} rank {:.1} {:.1} images/s data_wait {:.2}%",
        epoch.epoch,
        epoch.loss,
        epoch.health.effective_rank,
        epoch.images_per_sec,
        100.0 * epoch.data_wait,
    )
}

/// A space, the key of a metric and its percentage; nothing where it was not measured.
fn percent(metric: &Metric, share: Option<f64>, digits: usize) -> String {
    share.map_or(String::new(), |share| format!(" {} {:.digits$}%", metric.key, 100.0 * share))
}

/// Seconds as h:mm:ss.
fn clock(secs: f64) -> String {
    let secs = secs.round() as u64;
    format!("{}:{:02}:{:02}", secs / 3600, secs / 60 % 60, secs % 60)
}
