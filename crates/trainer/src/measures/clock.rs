//! Where the time of a run goes.

use std::time::Instant;

/// Times since training began or resumed.
#[derive(Debug)]
pub struct Clock {
    /// When that was, and after how many steps.
    pub begun: Instant,
    /// See [`begun`](Self::begun).
    pub first_step: u64,
    /// Seconds spent waiting for views.
    pub wait_secs: f64,
    /// [`wait_secs`](Self::wait_secs) when the epoch began.
    pub epoch_wait_secs: f64,
    epoch_begun: Instant,
    epoch_first_step: u64,
    eval_secs: f64,
}

impl Clock {
    /// Starts after `step` steps.
    pub fn start(step: u64) -> Self {
        let now = Instant::now();
        Self {
            begun: now,
            first_step: step,
            wait_secs: 0.0,
            epoch_wait_secs: 0.0,
            epoch_begun: now,
            epoch_first_step: step,
            eval_secs: 0.0,
        }
    }

    /// Seconds spent in steps.
    pub fn trained(&self) -> f64 {
        self.begun.elapsed().as_secs_f64() - self.eval_secs
    }

    /// Seconds since the epoch began.
    pub fn epoch_secs(&self) -> f64 {
        self.epoch_begun.elapsed().as_secs_f64()
    }

    /// Steps of the epoch, of which the last was `step`.
    pub fn epoch_steps(&self, step: u64) -> u64 {
        step - self.epoch_first_step
    }

    /// Begins the next epoch after `step` steps; measuring took `eval_secs`.
    pub fn next_epoch(&mut self, step: u64, eval_secs: f64) {
        self.eval_secs += eval_secs;
        self.epoch_begun = Instant::now();
        self.epoch_first_step = step;
        self.epoch_wait_secs = self.wait_secs;
    }
}
