//! Progress of a long job on images: a bar in a terminal, log lines elsewhere; stops on Ctrl-C.

use std::io::IsTerminal;
use std::ops::ControlFlow;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use dataset::JobProgress;
use indicatif::ProgressBar;

use crate::app::{progress_bars, words};

/// Time between two log lines.
const PAUSE: Duration = Duration::from_secs(10);
/// Time after which a speed means something.
const SETTLED: Duration = Duration::from_secs(1);

/// Shows the progress of jobs, one after the other; threads may share it.
pub struct JobDisplay(Mutex<Jobs>);

struct Jobs {
    current: Option<JobState>,
    /// When the current job began, or the next one does.
    begun: Instant,
}

/// The job under way.
struct JobState {
    task: &'static str,
    bar: Option<ProgressBar>,
    begun: Instant,
    last_line: Instant,
}

impl JobState {
    fn start(progress: &JobProgress, begun: Instant) -> Self {
        let drawn = std::io::stderr().is_terminal() && tracing::enabled!(tracing::Level::INFO);
        let bar = || progress_bars::start(progress.total as u64, progress.task);
        Self { task: progress.task, bar: drawn.then(bar), begun, last_line: Instant::now() }
    }

    fn show(&mut self, progress: &JobProgress) {
        if let Some(bar) = &self.bar {
            let parts = describe(progress, self.begun.elapsed());
            progress_bars::show(bar, progress.done as u64, &parts);
        } else if self.last_line.elapsed() >= PAUSE {
            self.last_line = Instant::now();
            tracing::info!("{}", describe(progress, self.begun.elapsed()).join(" "));
        }
    }
}

impl JobDisplay {
    /// The first job begins now.
    pub fn new() -> Self {
        Self(Mutex::new(Jobs { current: None, begun: Instant::now() }))
    }

    /// Shows how far a job is.
    pub fn show(&self, progress: JobProgress) {
        let mut jobs = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if progress.done >= progress.total {
            // Drops the bar.
            *jobs = Jobs { current: None, begun: Instant::now() };
            return;
        }
        if jobs.current.as_ref().is_none_or(|job| job.task != progress.task) {
            jobs.current = Some(JobState::start(&progress, jobs.begun));
        }
        if let Some(job) = jobs.current.as_mut().filter(|_| progress.done > 0) {
            job.show(&progress);
        }
    }
}

/// How far a job is; its speed once there is one.
fn describe(progress: &JobProgress, elapsed: Duration) -> Vec<String> {
    let JobProgress { task, done, total } = *progress;
    let mut parts = vec![format!("{task} {done}/{total}")];
    if done > 0 && elapsed >= SETTLED {
        let rate = done as f64 / elapsed.as_secs_f64();
        let digits = usize::from(rate < 10.0);
        parts.push(format!("{rate:.digits$} images/s"));
        let left = (total.saturating_sub(done)) as f64 / rate;
        parts.push(format!("ETA {}", words::duration(left)));
    }
    parts
}

/// Shows the progress of a job.
pub struct JobProgressBar {
    task: &'static str,
    stop: Arc<AtomicBool>,
    display: JobDisplay,
    begun: Instant,
}

impl JobProgressBar {
    /// Starts; the job ends once `stop` is set.
    pub fn new(task: &'static str, stop: &Arc<AtomicBool>) -> Self {
        let display = JobDisplay::new();
        Self { task, stop: stop.clone(), display, begun: Instant::now() }
    }

    /// Shows that `done` of `total` images are done. Breaks once the job is to stop.
    pub fn update(&self, done: usize, total: usize) -> ControlFlow<()> {
        if self.stop.load(Ordering::Relaxed) {
            return ControlFlow::Break(());
        }
        self.display.show(JobProgress { task: self.task, done, total });
        ControlFlow::Continue(())
    }

    /// Seconds since the start.
    pub fn secs(&self) -> f64 {
        self.begun.elapsed().as_secs_f64()
    }

    /// Images per second after `done` images.
    pub fn images_per_sec(&self, done: usize) -> f64 {
        done as f64 / self.secs().max(1e-9)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_speed_is_shown_once_there_is_one() {
        let at = |done, secs| {
            let progress = JobProgress { task: "decoding images", done, total: 60 };
            describe(&progress, Duration::from_millis(secs)).join(" ")
        };
        assert_eq!(at(0, 30_000), "decoding images 0/60");
        assert_eq!(at(5, 100), "decoding images 5/60");
        assert_eq!(at(6, 2_000), "decoding images 6/60 3.0 images/s ETA 18 s");
        assert_eq!(at(50, 2_000), "decoding images 50/60 25 images/s ETA 0 s");
    }
}
