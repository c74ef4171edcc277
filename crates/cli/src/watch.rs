//! A long job on images: a bar in a terminal, plain lines elsewhere, and an end on Ctrl-C.

use std::cell::Cell;
use std::io::IsTerminal;
use std::ops::ControlFlow;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use dataset::JobProgress;

use crate::data;

/// Time between two plain lines.
const PAUSE: Duration = Duration::from_secs(10);

/// Watches one job.
pub struct Watch {
    task: &'static str,
    stop: Arc<AtomicBool>,
    bar: Option<Box<dyn Fn(JobProgress)>>,
    begun: Instant,
    last_line: Cell<Instant>,
}

impl Watch {
    /// Begins; `stop` is set when the job shall end.
    pub fn new(task: &'static str, stop: &Arc<AtomicBool>) -> Self {
        let drawn = std::io::stderr().is_terminal() && tracing::enabled!(tracing::Level::INFO);
        let now = Instant::now();
        Self {
            task,
            stop: stop.clone(),
            bar: drawn.then(|| -> Box<dyn Fn(JobProgress)> { Box::new(data::bar()) }),
            begun: now,
            last_line: Cell::new(now),
        }
    }

    /// Shows that `done` of `total` images are done. Breaks where the job shall end.
    pub fn at(&self, done: usize, total: usize) -> ControlFlow<()> {
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

    /// Seconds since the job began.
    pub fn secs(&self) -> f64 {
        self.begun.elapsed().as_secs_f64()
    }

    /// Images a second, where `done` are done.
    pub fn images_per_sec(&self, done: usize) -> f64 {
        done as f64 / self.secs().max(1e-9)
    }
}
