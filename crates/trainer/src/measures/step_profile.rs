//! Where the time of a step goes.

use std::time::Instant;

use run::StepSecs;
use tch::{Cuda, Device};

/// Takes the time between the stages of steps.
#[derive(Debug)]
pub(crate) struct Profiler {
    waits_for: Option<i64>,
    last: Instant,
    secs: StepSecs,
    steps: u64,
}

/// A part of [`StepSecs`].
pub(crate) type Stage = fn(&mut StepSecs) -> &mut f64;

impl Profiler {
    /// Waits for the device after every stage where `exact` is set.
    pub fn new(device: Device, exact: bool) -> Self {
        let waits_for = match device {
            Device::Cuda(gpu) if exact => Some(gpu as i64),
            _ => None,
        };
        Self { waits_for, last: Instant::now(), secs: StepSecs::default(), steps: 0 }
    }

    /// Whether the device is waited for after every stage.
    pub fn is_exact(&self) -> bool {
        self.waits_for.is_some()
    }

    /// A step begins.
    pub fn begin(&mut self) {
        self.last = Instant::now();
        self.steps += 1;
    }

    /// What was done since the last lap was `stage`.
    pub fn lap(&mut self, stage: Stage) {
        if let Some(gpu) = self.waits_for {
            Cuda::synchronize(gpu);
        }
        let now = Instant::now();
        *stage(&mut self.secs) += (now - self.last).as_secs_f64();
        self.last = now;
    }

    /// Means over the steps since the last call.
    pub fn take(&mut self) -> StepSecs {
        let StepSecs { wait, copy, forward, backward, optimizer, metrics } =
            std::mem::take(&mut self.secs);
        let steps = std::mem::take(&mut self.steps).max(1) as f64;
        StepSecs {
            wait: wait / steps,
            copy: copy / steps,
            forward: forward / steps,
            backward: backward / steps,
            optimizer: optimizer / steps,
            metrics: metrics / steps,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn laps_are_means_over_steps_and_begin_anew() {
        let mut profiler = Profiler::new(Device::Cpu, true);
        for _ in 0..2 {
            profiler.begin();
            std::thread::sleep(std::time::Duration::from_millis(3));
            profiler.lap(|secs| &mut secs.forward);
            profiler.lap(|secs| &mut secs.backward);
        }
        let secs = profiler.take();
        assert!(secs.forward >= 0.003 && secs.backward < secs.forward, "{secs:?}");
        assert_eq!(secs.wait, 0.0);
        assert_eq!(profiler.take(), StepSecs::default());
    }
}
