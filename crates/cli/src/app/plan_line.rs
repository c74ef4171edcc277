//! The line that says what a run is about to do and how long it will take, and its correction.

use std::time::Instant;

use run::EpochRecord;
use trainer::{EpochProgress, Observer, StepCount, TimeEstimate, Trainer};

use crate::app::encoders::encoder_name;

/// Steps after which an estimate is compared with what was measured.
const STEPS: u64 = 10;
/// Factor by which a corrected estimate differs.
const DIFFERENCE: f64 = 1.2;

/// What `trainer` will do by settings from `source`.
pub fn plan_line(source: &str, trainer: &Trainer, estimate: Option<TimeEstimate>) -> String {
    let record = trainer.record();
    let config = &record.config;
    let StepCount { step, total } = trainer.steps();
    let per_epoch = u64::from(record.batch.steps_per_epoch);
    let length = match total == per_epoch * u64::from(config.train.epochs) {
        true => {
            format!("{} ({})", count(config.train.epochs.into(), "epoch"), count(total, "step"))
        }
        false => {
            let epochs = total as f64 / per_epoch as f64;
            let epochs = match epochs < 1.0 {
                true => format!("{epochs:.2} of an epoch"),
                false => format!("{epochs:.1} epochs"),
            };
            format!("{} ({epochs})", count(total, "step"))
        }
    };
    let time = estimate.map_or(String::new(), |estimate| {
        let left = total.saturating_sub(step);
        let device = if record.device == "cpu" { "this CPU" } else { "this GPU" };
        let secs = estimate.secs(left, left.div_ceil(per_epoch));
        format!(", {} on {device}", about(secs))
    });
    format!(
        "{source}: {}, {} pixels, batch {}, {length}{time}",
        encoder_name(&config.encoder),
        config.image_size,
        config.train.batch_size,
    )
}

/// Passes on what it sees, and corrects the estimate once steps were measured.
pub struct TimeCheck<'a> {
    inner: &'a mut dyn Observer,
    estimate: Option<TimeEstimate>,
    begun: Instant,
    first: u64,
    last: StepCount,
    /// Seconds until [`last`](Self::last) was done.
    secs: f64,
    epochs_left: u32,
}

impl<'a> TimeCheck<'a> {
    /// Checks `estimate` for a run at `steps`, which `inner` watches.
    pub fn new(
        inner: &'a mut dyn Observer,
        estimate: Option<TimeEstimate>,
        steps: StepCount,
    ) -> Self {
        Self {
            inner,
            estimate,
            begun: Instant::now(),
            first: steps.step,
            last: steps,
            secs: 0.0,
            epochs_left: 0,
        }
    }

    /// Compares once; later calls do nothing.
    fn check(&mut self) {
        let Some(estimate) = self.estimate.take() else {
            return;
        };
        let step_secs = self.secs / (self.last.step - self.first).max(1) as f64;
        let steps = self.last.total.saturating_sub(self.last.step);
        if let Some(line) = correction(estimate, step_secs, steps, self.epochs_left.into()) {
            tracing::info!("{line}");
        }
    }
}

/// What to say where steps take `step_secs` and not what was estimated, with so many left.
fn correction(
    estimate: TimeEstimate,
    step_secs: f64,
    steps_left: u64,
    epochs_left: u64,
) -> Option<String> {
    let ratio = step_secs / estimate.step_secs;
    if steps_left == 0 || (1.0 / DIFFERENCE..=DIFFERENCE).contains(&ratio) {
        return None;
    }
    let pace = if ratio > 1.0 { "slower" } else { "faster" };
    let left = TimeEstimate { step_secs, ..estimate }.secs(steps_left, epochs_left);
    Some(format!("steps are {pace} than estimated: {} left", about(left)))
}

impl Observer for TimeCheck<'_> {
    fn progress(&mut self, progress: &EpochProgress) {
        self.inner.progress(progress);
        self.last = progress.step;
        self.secs = self.begun.elapsed().as_secs_f64();
        self.epochs_left = (progress.epoch.total + 1).saturating_sub(progress.epoch.epoch);
        if self.last.step - self.first >= STEPS {
            self.check();
        }
    }

    fn epoch(&mut self, epoch: &EpochRecord) {
        self.inner.epoch(epoch);
        self.check();
    }

    fn collapse_warning(&mut self, epoch: u32, collapse_reason: &str) {
        self.inner.collapse_warning(epoch, collapse_reason);
    }

    fn regression_warning(&mut self, epoch: u32, reason: &str) {
        self.inner.regression_warning(epoch, reason);
    }

    fn slow_copies(&mut self, reason: &str) {
        self.inner.slow_copies(reason);
    }

    fn wants_checkpoint(&mut self) -> bool {
        self.inner.wants_checkpoint()
    }
}

/// A rough time in words.
fn about(secs: f64) -> String {
    let whole = |number: f64, unit: &str| format!("about {}", count(number.round() as u64, unit));
    match secs {
        ..90.0 => whole(secs.max(1.0), "second"),
        ..5400.0 => whole(secs / 60.0, "minute"),
        ..172_800.0 => format!("about {:.1} hours", secs / 3600.0),
        _ => whole(secs / 86_400.0, "day"),
    }
}

/// A count with its noun: `1 step`, `1,170 steps`.
fn count(number: u64, noun: &str) -> String {
    let digits = number.to_string();
    let mut text = String::new();
    for (index, digit) in digits.char_indices() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    let plural = if number == 1 { "" } else { "s" };
    format!("{text} {noun}{plural}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_estimate_that_was_wrong_is_corrected() {
        let estimate = TimeEstimate { step_secs: 1.0, eval_secs: 10.0 };
        let after = |step_secs| correction(estimate, step_secs, 100, 2);
        assert_eq!(after(1.1), None);
        assert_eq!(after(0.9), None);
        let slower = "steps are slower than estimated: about 4 minutes left";
        assert_eq!(after(2.0).as_deref(), Some(slower));
        let faster = "steps are faster than estimated: about 70 seconds left";
        assert_eq!(after(0.5).as_deref(), Some(faster));
        assert_eq!(correction(estimate, 2.0, 0, 0), None, "nothing is left");
    }

    #[test]
    fn times_and_counts_are_said_in_words() {
        let times = [0.2, 40.0, 2100.0, 12_600.0, 260_000.0].map(about);
        let expected = [
            "about 1 second",
            "about 40 seconds",
            "about 35 minutes",
            "about 3.5 hours",
            "about 3 days",
        ];
        assert_eq!(times, expected);
        let counts = [1, 999, 1_170, 1_234_567].map(|number| count(number, "step"));
        assert_eq!(counts, ["1 step", "999 steps", "1,170 steps", "1,234,567 steps"]);
    }
}
