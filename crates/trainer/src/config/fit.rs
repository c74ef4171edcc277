//! Settings that fit a set of images: no batch and no queue that is larger than it.

use methods::MethodConfig;
use optim::{OptimizerConfig, Schedule};

use super::Config;

/// A queue holds at most this part of the images: with more of them an image would often be
/// compared with its own earlier projection.
const QUEUE_DIVISOR: usize = 4;

/// A number of images before and after it was made to fit a set.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Fitted {
    /// What was set.
    pub asked: usize,
    /// What fits.
    pub fits: usize,
}

impl Config {
    /// Makes the batch no larger than the `images` to train on. What changed, if it did.
    pub fn fit_batch(&mut self, images: usize) -> Option<Fitted> {
        let asked = self.train.batch_size;
        // A set of less than two images is refused where its batches are planned.
        let fits = if images < 2 { asked } else { asked.min(images) };
        self.train.batch_size = fits;
        (fits < asked).then_some(Fitted { asked, fits })
    }

    /// Makes the method's queue no longer than a quarter of the `images` to train on. What changed,
    /// if it did.
    pub fn fit_queue(&mut self, images: usize) -> Option<Fitted> {
        let queue = match &mut self.method {
            MethodConfig::NnClr(config) => &mut config.queue_size,
            MethodConfig::MoCo(config) => &mut config.queue_size,
            MethodConfig::Swav(config) => &mut config.queue_size,
            MethodConfig::Distill(config) => &mut config.queue_size,
            _ => return None,
        };
        let asked = usize::try_from(*queue).ok()?;
        let fits = asked.min((images / QUEUE_DIVISOR).max(1));
        *queue = fits as i64;
        (fits < asked).then_some(Fitted { asked, fits })
    }

    /// Multiplies the learning rate by `factor`, at all times.
    pub fn scale_lr(&mut self, factor: f64) {
        let lr = self.lr_mut();
        *lr = match *lr {
            Schedule::Constant(value) => Schedule::Constant(value * factor),
            Schedule::Cosine { start, end } => {
                Schedule::Cosine { start: start * factor, end: end * factor }
            }
            Schedule::Warmup { start, end, warmup_fraction } => {
                Schedule::Warmup { start: start * factor, end: end * factor, warmup_fraction }
            }
            Schedule::WarmupCosine { start, peak, end, warmup_fraction } => {
                Schedule::WarmupCosine {
                    start: start * factor,
                    peak: peak * factor,
                    end: end * factor,
                    warmup_fraction,
                }
            }
        };
    }

    /// Sets the learning rate: where it is constant or falls, that at the start, after a warm-up
    /// its peak.
    pub fn set_lr(&mut self, value: f64) {
        match self.lr_mut() {
            Schedule::Constant(lr)
            | Schedule::Cosine { start: lr, .. }
            | Schedule::Warmup { end: lr, .. }
            | Schedule::WarmupCosine { peak: lr, .. } => *lr = value,
        }
    }

    /// Schedule of the learning rate.
    fn lr_mut(&mut self) -> &mut Schedule {
        match &mut self.optimizer {
            OptimizerConfig::Adam(config) => &mut config.lr,
            OptimizerConfig::AdamW(config) => &mut config.lr,
            OptimizerConfig::Sgd(config) => &mut config.lr,
            OptimizerConfig::Lars(config) => &mut config.lr,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tests::tiny_config;

    #[test]
    fn batch_and_queue_fit_the_set() {
        let mut config = tiny_config("moco");
        config = config.with("method.moco.queue_size=100").unwrap();
        config.train.batch_size = 64;
        assert_eq!(config.fit_batch(64), None);
        assert_eq!(config.fit_batch(40), Some(Fitted { asked: 64, fits: 40 }));
        assert_eq!(config.train.batch_size, 40);
        assert_eq!(config.fit_queue(400), None);
        assert_eq!(config.fit_queue(40), Some(Fitted { asked: 100, fits: 10 }));
        assert_eq!(config.document()["method"]["moco"]["queue_size"], 10);
        assert_eq!(tiny_config("simclr").fit_queue(4), None);
    }

    #[test]
    fn the_learning_rate_is_set_and_scaled_in_every_schedule() {
        for (schedule, set, scaled) in [
            (r#"{"constant":0.5}"#, r#"{"constant":0.25}"#, r#"{"constant":1.0}"#),
            (
                r#"{"cosine":{"start":0.5,"end":0.125}}"#,
                r#"{"cosine":{"start":0.25,"end":0.125}}"#,
                r#"{"cosine":{"start":1.0,"end":0.25}}"#,
            ),
            (
                r#"{"warmup":{"start":0.0,"end":0.5,"warmup_fraction":0.5}}"#,
                r#"{"warmup":{"start":0.0,"end":0.25,"warmup_fraction":0.5}}"#,
                r#"{"warmup":{"start":0.0,"end":1.0,"warmup_fraction":0.5}}"#,
            ),
            (
                r#"{"warmup_cosine":{"start":0.0,"peak":0.5,"end":0.0,"warmup_fraction":0.5}}"#,
                r#"{"warmup_cosine":{"start":0.0,"peak":0.25,"end":0.0,"warmup_fraction":0.5}}"#,
                r#"{"warmup_cosine":{"start":0.0,"peak":1.0,"end":0.0,"warmup_fraction":0.5}}"#,
            ),
        ] {
            let config = tiny_config("simclr").with(&format!("optimizer.adam.lr={schedule}"));
            let config = config.unwrap();
            let lr = |config: &Config| config.document()["optimizer"]["adam"]["lr"].to_string();
            let (mut a, mut b) = (config.clone(), config);
            a.set_lr(0.25);
            b.scale_lr(2.0);
            assert_eq!((lr(&a), lr(&b)), (set.to_owned(), scaled.to_owned()));
        }
    }
}
