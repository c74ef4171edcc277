//! Progress of a long job on images: a bar in a terminal, log lines elsewhere; stops on Ctrl-C.

use std::cell::Cell;
use std::io::IsTerminal;
use std::ops::ControlFlow;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use dataset::JobProgress;

use crate::app::datasets;

/// Time between two log lines.
const PAUSE: Duration = Duration::from_secs(10);

/// Shows the progress of a job.
pub struct JobProgressBar {
    task: &'static str,
    stop: Arc<AtomicBool>,
    bar: Option<Box<dyn Fn(JobProgress)>>,
    begun: Instant,
    last_line: Cell<Instant>,
}

impl JobProgressBar {
    /// Starts; the job ends once `stop` is set.
    pub fn new(task: &'static str, stop: &Arc<AtomicBool>) -> Self {
        let drawn = std::io::stderr().is_terminal() && tracing::enabled!(tracing::Level::INFO);
        let now = Instant::now();
        Self {
            task,
            stop: stop.clone(),
            bar: drawn.then(|| -> Box<dyn Fn(JobProgress)> { Box::new(datasets::bar()) }),
            begun: now,
            last_line: Cell::new(now),
        }
    }

    /// Shows that `done` of `total` images are done. Breaks once the job is to stop.
    pub fn update(&self, done: usize, total: usize) -> ControlFlow<()> {
        if self.stop.load(Ordering::Relaxed) {
            return ControlFlow::Break(());
        }
        let task = self.task;
        if let Some(bar) = &self.bar {
            bar(JobProgress { task, done, total });
        } else if self.last_line.get().elapsed() >= PAUSE {
            self.last_line.set(Instant::now());
            let rate = self.images_per_sec(done);
            tracing::info!("{task}: {done} of {total}, {rate:.0} images/s");
        }
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
