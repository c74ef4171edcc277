//! How long a run will take, measured before it starts.

use std::time::{Duration, Instant};

use optim::StepCount;
use tch::{Device, Kind, Tensor};

use super::Trainer;
use crate::learner::networks::DTypes;
use crate::learner::{DeviceBatch, Learner, LearnerOptions};
use crate::measures::health::SAMPLE;

/// Measuring ends after this time, give or take a step.
const BUDGET: Duration = Duration::from_millis(2500);
/// Images of the two batches that are timed on a CPU. A step takes a fixed time and one for every
/// image, so that two sizes tell that of any batch.
const IMAGES: [usize; 2] = [8, 24];

/// The time that training takes, estimated from a few small steps.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct TimeEstimate {
    /// Seconds of a step.
    pub step_secs: f64,
    /// Seconds at the end of an epoch in which it is measured.
    pub eval_secs: f64,
}

impl TimeEstimate {
    /// Seconds of `steps` with the ends of `epochs`.
    pub fn secs(self, steps: u64, epochs: u64) -> f64 {
        steps as f64 * self.step_secs + epochs as f64 * self.eval_secs
    }
}

impl Trainer {
    /// Times a few small steps of a learner that is thrown away; training isn't touched. `None` for
    /// a method that another program brings along, and for one of several processes.
    pub fn estimate_time(&self) -> Option<TimeEstimate> {
        if !self.group.is_alone() {
            return None;
        }
        let config = &self.record.config;
        let device = self.learner.student.store.device();
        let compute = config.train.precision.kind(device);
        let options = LearnerOptions {
            classes: self.learner.probe.as_ref().map(|_| self.record.data.class_names.len() as i64),
            device,
            dtypes: DTypes { master: Kind::Float, compute },
        };
        let mut learner = Learner::new(config, options).ok()?;
        let step_secs = self.step_secs(&mut learner, device);
        Some(TimeEstimate { step_secs, eval_secs: self.eval_secs(step_secs) })
    }

    fn step_secs(&self, learner: &mut Learner, device: Device) -> f64 {
        let begun = Instant::now();
        let batch = self.images().ceil() as usize;
        // Small batches leave a GPU idle, so that they say nothing of large ones.
        let [small, large] = match device {
            Device::Cpu => IMAGES.map(|images| images.min(batch)),
            _ => [batch, batch],
        };
        let of_all = |secs: f64| secs * batch as f64 / small as f64;
        let first = self.time_step(learner, small, device);
        if begun.elapsed() >= BUDGET {
            return of_all(first);
        }
        // The first step also makes what later ones have: memory, plans of convolutions.
        let again = self.time_step(learner, small, device);
        let next = Duration::from_secs_f64(again * large as f64 / small as f64);
        if small == large || begun.elapsed() + next >= BUDGET {
            return of_all(again);
        }
        let of_image = (self.time_step(learner, large, device) - again) / (large - small) as f64;
        again + of_image.max(0.0) * (batch - small) as f64
    }

    /// Seconds of one step on `images` of noise.
    fn time_step(&self, learner: &mut Learner, images: usize, device: Device) -> f64 {
        let noise = |images: usize, side: usize| {
            let shape = [images as i64, 3, side as i64, side as i64];
            let values = Tensor::arange(shape.iter().product::<i64>(), (Kind::Float, device));
            values.sin().abs().view(shape)
        };
        let runs = self.plan.views.chunk_by(|a, b| a.size == b.size);
        let [unlabeled, labeled] = self.plan.images_per_batch();
        let labeled = (images * labeled).div_ceil(unlabeled + labeled);
        // Every seventh patch: 0.3 of half of the views.
        let size = self.plan.views[0].size;
        let global = images * self.plan.views.iter().take_while(|view| view.size == size).count();
        let masks = self.plan.mask.map(|mask| {
            let rows: Vec<u8> = (0..global)
                .flat_map(|row| (0..mask.patches()).map(move |at| u8::from((row + at) % 7 == 0)))
                .collect();
            Tensor::from_slice(&rows).view([global as i64, -1])
        });
        let batch = DeviceBatch {
            masks,
            views: runs.map(|run| noise(run.len() * images, run[0].size)).collect(),
            images: images as i64,
            labeled: self.plan.probe.as_ref().map_or(0, |_| labeled as i64),
            probe: self.plan.probe.as_ref().map(|recipe| {
                let labels = Tensor::zeros([labeled as i64], (Kind::Int64, device));
                (noise(labeled, recipe.size), labels)
            }),
        };
        let begun = Instant::now();
        let measured = learner.step(&batch, StepCount { step: 0, total: 1 });
        let measured = measured.expect("a process on its own");
        // Waits for a GPU.
        let _ = measured.loss.double_value(&[]);
        begun.elapsed().as_secs_f64()
    }

    /// Seconds at the end of an epoch, where the splits that only measure and the sample for health
    /// are encoded. A view costs a training step about three times what it costs to encode it.
    fn eval_secs(&self, step_secs: f64) -> f64 {
        let area = |side: usize| (side * side) as f64;
        let whole = area(self.record.config.image_size);
        let views: f64 = self.plan.views.iter().map(|view| area(view.size) / whole).sum();
        let encoding = step_secs / (self.images() * (3.0 * views));
        let sample = 2 * SAMPLE.min(self.plan.unlabeled.len());
        let splits = [&self.validation, &self.test].into_iter().flatten();
        let images = sample + splits.map(|resident| resident.split.len()).sum::<usize>();
        images as f64 * encoding
    }
}
