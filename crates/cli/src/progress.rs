//! How a run looks while it trains: a bar in a terminal, plain lines elsewhere.

use std::io::IsTerminal;
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressStyle};
use trainer::{EpochReport, Observer, Progress};

use crate::output::Output;

/// Time between two plain lines.
const PAUSE: Duration = Duration::from_secs(10);

/// Draws a run.
pub struct Display<'a> {
    output: &'a Output,
    bar: Option<ProgressBar>,
    last_line: Instant,
    last_epoch: Option<EpochReport>,
}

impl<'a> Display<'a> {
    /// A display of a run that has done `done` of `steps` steps.
    pub fn new(output: &'a Output, [done, steps]: [u64; 2], quiet: bool) -> Self {
        let bar = (std::io::stderr().is_terminal() && !quiet).then(|| {
            let style = ProgressStyle::with_template("[{bar:24}] {msg}").expect("a valid template");
            ProgressBar::new(steps).with_position(done).with_style(style)
        });
        Self { output, bar, last_line: Instant::now(), last_epoch: None }
    }

    /// Takes the bar away; gives the last epoch that ended.
    pub fn finish(self) -> Option<EpochReport> {
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
        }
        self.last_epoch
    }
}

impl Observer for Display<'_> {
    fn progress(&mut self, progress: &Progress) {
        let line = describe(progress);
        if let Some(bar) = &self.bar {
            bar.set_position(progress.step[0]);
            bar.set_message(line);
        } else if self.last_line.elapsed() >= PAUSE {
            self.last_line = Instant::now();
            tracing::info!("{line}");
        }
    }

    fn epoch(&mut self, epoch: &EpochReport) {
        self.output.json_line(epoch);
        self.last_epoch = Some(epoch.clone());
        let line = summarize(epoch);
        match &self.bar {
            Some(bar) => bar.suspend(|| tracing::info!("{line}")),
            None => tracing::info!("{line}"),
        }
    }

    fn unwell(&mut self, epoch: u32, complaint: &str) {
        let warn = || tracing::warn!("epoch {epoch} looks like collapse: {complaint}");
        match &self.bar {
            Some(bar) => bar.suspend(warn),
            None => warn(),
        }
    }
}

fn describe(progress: &Progress) -> String {
    let probe =
        progress.p_acc.map_or(String::new(), |p_acc| format!(" p_acc {:.1}%", 100.0 * p_acc));
    format!(
        "epoch {}/{} step {}/{} loss {:.4} c_acc {:.1}% r_acc {:.1}%{probe} {:.0} images/s data_wait {:.1}% ETA {}",
        progress.epoch[0],
        progress.epoch[1],
        progress.step[0],
        progress.step[1],
        progress.loss,
        100.0 * progress.c_acc,
        100.0 * progress.r_acc,
        progress.images_per_sec,
        100.0 * progress.data_wait,
        clock(progress.remaining_secs),
    )
}

fn summarize(epoch: &EpochReport) -> String {
    let percent = |name: &str, share: Option<f64>| {
        share.map_or(String::new(), |share| format!(" {name} {:.2}%", 100.0 * share))
    };
    format!(
        "epoch {} done: loss {:.4}{}{}{}{}{} rank {:.1} {:.1} images/s data_wait {:.2}%",
        epoch.epoch,
        epoch.loss,
        percent("c_acc", Some(epoch.c_acc)),
        percent("r_acc", Some(epoch.r_acc)),
        percent("p_acc", epoch.p_acc),
        percent("validation p_acc", epoch.validation_p_acc),
        percent("test p_acc", epoch.test_p_acc),
        epoch.health.effective_rank,
        epoch.images_per_sec,
        100.0 * epoch.data_wait,
    )
}

/// Seconds as h:mm:ss.
fn clock(secs: f64) -> String {
    let secs = secs.round() as u64;
    format!("{}:{:02}:{:02}", secs / 3600, secs / 60 % 60, secs % 60)
}
