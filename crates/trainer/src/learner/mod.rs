//! Everything that learns, and the step in which it does.

mod checks;
mod forward;
pub(crate) mod networks;
pub(crate) mod probe;
mod ranks;

use std::ops::Range;
use std::rc::Rc;

use group::Group;
use loader::Shard;
use methods::{GraphCapture, Method, MethodConfig, MethodContext, MethodError};
use models::{DropPathKey, FlatParameters, Mode, WeightRng, WeightStream};
use optim::{
    DeviceScalar, Optimizer, Schedule, StepCount, clip_grad_norm, clip_grad_norm_per_network,
};
use tch::{Device, Tensor, no_grad};

use crate::learner::checks::{check_masks, check_split, check_views};
use crate::learner::forward::Forward;
use crate::learner::networks::{DTypes, EncoderAndHead, Teacher};
use crate::learner::probe::{Probe, ProbeScore};
use crate::measures::step_profile::Profiler;
use crate::{Config, ConfigError, Error, GradClipPer, Reduction, TeacherInit};

/// Student, teacher, method, optimizer and probe of a run.
#[derive(Debug)]
pub struct Learner {
    /// The trained networks; the method's tensors are registered here too.
    pub student: EncoderAndHead,
    /// The student's weights and the method's.
    pub parameters: FlatParameters,
    /// The momentum networks, where the method has them or `train.ema` asks for them.
    pub teacher: Option<Teacher>,
    /// The objective.
    pub method: Box<dyn Method>,
    /// Trains [`parameters`](Self::parameters).
    pub optimizer: Optimizer,
    /// The online probe, where there are labels.
    pub probe: Option<Probe>,
    pub(crate) profiler: Profiler,
    seed: u64,
    reduction: Reduction,
    grad_clip: (Option<f64>, GradClipPer),
    /// EMA decay of momentum networks that the method has no part in (`train.ema`).
    ema: Option<Schedule>,
    /// The share of the student in the teacher after this step.
    teacher_share: DeviceScalar,
    /// How the student's passes of this step go.
    student_mode: Mode,
    /// Weights that are frozen at first.
    frozen: Vec<Frozen>,
    /// The encoder's weights, which come first.
    encoder: FlatParameters,
    /// Whether the encoder is trained a few images at a time (`train.micro_batch`).
    split: bool,
    /// The processes that train together.
    group: Rc<Group>,
    /// Whether the encoder normalizes over the images of each of several processes.
    local_norm: bool,
}

/// Weights that stay as they are at first.
#[derive(Debug)]
struct Frozen {
    /// In this fraction of all steps.
    fraction: f64,
    weights: Tensor,
    /// Whether they do in this step.
    now: bool,
}

/// Builds the method of a configuration: [`MethodConfig::build`], or what a program with methods of
/// its own puts in its place.
pub type BuildMethod<'a> =
    &'a dyn Fn(&MethodConfig, &MethodContext) -> Result<Box<dyn Method>, MethodError>;

/// What a learner is made for.
#[derive(Clone, Copy, Debug)]
pub struct LearnerOptions {
    /// Number of classes of the labeled images; `None` where there are none.
    pub classes: Option<i64>,
    /// Where everything is.
    pub device: Device,
    /// The kinds of numbers.
    pub dtypes: DTypes,
}

/// One batch, on the device. Of several processes each has a part of its images, neighbors in the
/// order of ranks ([`Shard`]).
#[derive(Debug)]
pub struct DeviceBatch {
    /// Views of this process's images, those of one size together, one view after the other:
    /// `[views * own images, 3, h, w]`. The global views come first, of one size, two or more.
    pub views: Vec<Tensor>,
    /// Masks of the global views, for a method that masks patches: `[views * own images, patches]`
    /// of `u8`, 1 for a masked patch, else 0, on the host.
    pub masks: Option<Tensor>,
    /// Number of images of the whole batch.
    pub images: i64,
    /// Number of labeled images of the whole batch, which come last.
    pub labeled: i64,
    /// Weak views of this process's labeled images `[n, 3, h, w]` and their classes `[n]`.
    pub probe: Option<(Tensor, Tensor)>,
}

/// What a step measured; all scalars on the device, so that nothing waits for it.
#[derive(Debug)]
pub struct StepMetrics {
    /// Mean loss.
    pub loss: Tensor,
    /// Rows whose other view was the nearest, and their number.
    pub contrastive: (Tensor, i64),
    /// Rows of the cross-correlation whose diagonal was the largest, and their number.
    pub correlation: (Tensor, i64),
    /// The probe's score before its update and the number of images.
    pub probe: Option<(ProbeScore, i64)>,
    /// Length of the gradient, before it was clipped.
    pub gradient_norm: Tensor,
}

impl StepMetrics {
    /// The same tensors.
    pub(crate) fn shallow_clone(&self) -> Self {
        let scalar = |(tensor, count): &(Tensor, i64)| (tensor.shallow_clone(), *count);
        let probe = self.probe.as_ref().map(|(score, images)| (score.shallow_clone(), *images));
        Self {
            loss: self.loss.shallow_clone(),
            contrastive: scalar(&self.contrastive),
            correlation: scalar(&self.correlation),
            probe,
            gradient_norm: self.gradient_norm.shallow_clone(),
        }
    }
}

impl Learner {
    /// Everything at its initial values.
    ///
    /// # Errors
    /// [`Error`] where sizes or hyper-parameters don't fit.
    pub fn new(config: &Config, task: LearnerOptions) -> Result<Self, Error> {
        Self::with_method(config, task, &MethodConfig::build)
    }

    /// The same, with the method that `build` makes of the configuration.
    ///
    /// # Errors
    /// As [`new`](Self::new), and what `build` refuses.
    pub fn with_method(
        config: &Config,
        task: LearnerOptions,
        build: BuildMethod,
    ) -> Result<Self, Error> {
        let LearnerOptions { classes, device, dtypes } = task;
        let side = config.image_size as i64;
        let student = EncoderAndHead::new(config, side, WeightStream::Student, device, dtypes)?;
        let context = MethodContext {
            path: student.store.root() / "method",
            weight_rng: WeightRng { seed: config.seed, stream: WeightStream::Method },
            dimension: config.projection.output(student.encoder.feature_size()),
            image_size: side,
            global_views: config.global_views() as i64,
            compute: dtypes.compute,
        };
        let method = build(&config.method, &context)?;
        check_views(config, student.encoder.input_sizes(), method.accepted_views())?;
        check_masks(config, student.encoder.patch_size())?;
        check_split(config, student.encoder.uses_batch_statistics())?;
        let (ema, momentum) = (config.train.ema, method.teacher_momentum());
        if ema.is_some() && momentum.is_some() {
            let (key, method) = ("train.ema".to_owned(), config.method.name());
            let expected = format!("null for {method}, whose teacher is evaluated");
            return Err(ConfigError::Range { key, expected, found: "a decay".to_owned() }.into());
        }
        let parameters = FlatParameters::flatten(&student.store);
        let optimizer = Optimizer::new(&config.optimizer, &parameters);
        let teacher = match ema.or(momentum) {
            None => None,
            Some(_) => {
                let networks =
                    EncoderAndHead::new(config, side, WeightStream::Teacher, device, dtypes)?;
                let weights = FlatParameters::flatten(&networks.store);
                let mut teacher = Teacher { networks, parameters: weights };
                if ema.is_some() || config.train.teacher_init == TeacherInit::Copy {
                    teacher.copy_from(&student);
                }
                Some(teacher)
            }
        };
        let features = student.encoder.feature_size();
        let probe = classes.map(|classes| {
            Probe::new(&config.probe.optimizer, config.seed, (features, classes), device, dtypes)
        });
        let reduction = config.train.reduction;
        let frozen = frozen(config, &parameters);
        let encoder = parameters.first("encoder.");
        Ok(Self {
            student,
            parameters,
            teacher,
            method,
            optimizer,
            probe,
            profiler: Profiler::new(device, false),
            seed: config.seed,
            reduction,
            grad_clip: (config.train.grad_clip_norm, config.train.grad_clip_per),
            ema,
            teacher_share: DeviceScalar::new(0.0, (dtypes.master, device)),
            student_mode: Mode::Train,
            frozen,
            encoder,
            split: config.train.micro_batch.is_some(),
            group: Rc::new(Group::alone()),
            local_norm: false,
        })
    }

    /// All networks: the student's and, where there are such, the teacher's.
    pub(crate) fn networks(&self) -> Vec<&EncoderAndHead> {
        let teacher = self.teacher.as_ref().map(|teacher| &teacher.networks);
        [&self.student].into_iter().chain(teacher).collect()
    }

    /// The networks that probes and measures read: the teacher's where there are such.
    pub fn eval_networks(&self) -> &EncoderAndHead {
        match &self.teacher {
            Some(teacher) => &teacher.networks,
            None => &self.student,
        }
    }

    /// One training step: [`begin_step`](Self::begin_step), then [`run_step`](Self::run_step).
    ///
    /// # Errors
    /// As [`run_step`](Self::run_step).
    pub fn step(
        &mut self,
        batch: &DeviceBatch,
        count: StepCount,
    ) -> Result<StepMetrics, group::Error> {
        self.begin_step(count, batch.images);
        self.run_step(batch)
    }

    /// Takes what depends on the step: the values of schedules, what is frozen, random numbers. For
    /// the one [`run_step`](Self::run_step) that follows, on a batch of `images` images.
    pub fn begin_step(&mut self, count: StepCount, images: i64) {
        self.student_mode =
            Mode::DropPath(DropPathKey { seed: self.seed, step: count.step, first: 0 });
        self.optimizer.begin_step(count);
        if let Some(probe) = &mut self.probe {
            probe.optimizer.begin_step(count);
        }
        if let Some(momentum) = self.teacher_momentum() {
            self.teacher_share.set(1.0 - momentum.at(count));
        }
        for frozen in &mut self.frozen {
            frozen.now = (count.step as f64) < frozen.fraction * count.total as f64;
        }
        self.method.begin_step(count, images);
    }

    /// Whether a GPU can repeat [`run_step`](Self::run_step) as a CUDA graph.
    pub(crate) fn graph_capture(&self) -> GraphCapture {
        if !self.group.is_alone() {
            return GraphCapture::Never("several processes exchange numbers in a step");
        }
        if self.student.encoder.drops_paths() {
            return GraphCapture::Never("other paths are dropped in every step");
        }
        match self.method.graph_capture() {
            GraphCapture::Now if self.frozen.iter().any(|frozen| frozen.now) => GraphCapture::Later,
            of_method => of_method,
        }
    }

    /// The computations of a step. They depend on the step by what
    /// [`begin_step`](Self::begin_step) took alone.
    ///
    /// Encode and project all views, with the student and, where there is one, the teacher. Compute
    /// the loss and its gradient; clip it; update the weights. Then train the probe on the updated
    /// encoder, let the method take in the batch (queues, centers), and move the teacher toward the
    /// student (EMA). The accuracies are those of the features from before the update. Running
    /// statistics of batch normalization move where views are encoded, and nowhere else.
    ///
    /// Of several processes each encodes its part of the batch, and gradients are summed. Features
    /// are gathered, and what follows them (heads, loss, state of the method) sees the whole batch
    /// on every process.
    ///
    /// # Errors
    /// [`group::Error`] where another process ended or hangs.
    pub fn run_step(&mut self, batch: &DeviceBatch) -> Result<StepMetrics, group::Error> {
        let forward = self.forward(batch)?;
        let loss = self.method.loss(&forward.projections);
        let objective = self.objective(&loss, batch.images);
        self.profiler.lap(|secs| &mut secs.forward);
        let gradient = self.gradient(&objective, &forward, batch)?;
        self.profiler.lap(|secs| &mut secs.backward);
        let gradient_norm = self.update(gradient);
        self.profiler.lap(|secs| &mut secs.optimizer);
        no_grad(|| {
            self.share_statistics()?;
            let probe = self.probe_step(batch)?;
            self.profiler.lap(|secs| &mut secs.metrics);
            self.method.update_state(&forward.projections);
            self.update_teacher();
            self.profiler.lap(|secs| &mut secs.optimizer);
            let (a, b) = forward.global_features(batch.images);
            let (rows, columns) = (2 * batch.images, 2 * a.size()[1]);
            let metrics = StepMetrics {
                loss: loss.detach(),
                contrastive: (metrics::contrastive_correct(&a, &b), rows),
                correlation: (metrics::correlation_correct(&a, &b), columns),
                probe,
                gradient_norm,
            };
            self.profiler.lap(|secs| &mut secs.metrics);
            self.group.check()?;
            Ok(metrics)
        })
    }

    /// What is differentiated: the mean of the loss's terms, or their sum.
    fn objective(&self, loss: &Tensor, images: i64) -> Tensor {
        match self.reduction {
            Reduction::Mean => loss.shallow_clone(),
            Reduction::Sum => loss * self.method.loss_terms(images),
        }
    }

    /// EMA decay of the teacher, where there is one.
    pub(crate) fn teacher_momentum(&self) -> Option<Schedule> {
        self.ema.or(self.method.teacher_momentum())
    }

    /// Moves the teacher toward the student, where there is one.
    fn update_teacher(&mut self) {
        let Some(teacher) = &mut self.teacher else { return };
        teacher.ema_update(&self.parameters, self.teacher_share.tensor());
        if self.ema.is_some() {
            teacher.ema_statistics(&self.student, self.teacher_share.tensor());
        }
    }

    /// Distance of the teacher's weights from the student's over the length of the student's.
    pub fn teacher_distance(&self) -> Option<f64> {
        let teacher = self.teacher.as_ref()?;
        Some(no_grad(|| {
            let student = teacher.shared(&self.parameters);
            let distance = (teacher.parameters.flat() - &student).norm();
            (distance / student.norm()).double_value(&[])
        }))
    }

    /// The gradient of `objective` with respect to all weights. Where the encoder's graph is cut,
    /// the loss has seen the whole batch, and the encoder's graph never is that of all of it:
    /// GradCache, cut at the features, so that heads keep the statistics of the batch. The gradient
    /// of heads and method, which every process has, is that of the first.
    fn gradient(
        &self,
        objective: &Tensor,
        forward: &Forward,
        batch: &DeviceBatch,
    ) -> Result<Tensor, group::Error> {
        if !self.is_cut() {
            return Ok(self.parameters.gradient(objective));
        }
        let cut = forward.all.tensors();
        let (mut gradient, upstream) = self.parameters.gradient_with(objective, &cut);
        let (own, _) = self.shares(batch.images);
        let upstream: Vec<Tensor> = upstream.iter().map(|gradient| own.of(gradient)).collect();
        let of_encoder = match self.split {
            true => {
                let (mode, encoder) = (self.student_mode, &self.encoder);
                let input = forward.input(batch);
                self.student.gradient_in_chunks(input, own, &upstream, encoder, mode)
            }
            // The gradient of this sum with respect to what was encoded is `upstream`.
            false => self.encoder.gradient(&forward.own.dot(&upstream)),
        };
        no_grad(|| {
            if !self.group.is_first() {
                let _ = gradient.zero_();
            }
            let mut encoder = gradient.narrow(0, 0, of_encoder.size()[0]);
            encoder += of_encoder;
            self.group.all_reduce(&mut gradient)
        })?;
        Ok(gradient)
    }

    /// Changes the weights along `gradient`, and gives the length that it had.
    fn update(&mut self, gradient: Tensor) -> Tensor {
        let norm = no_grad(|| gradient.norm());
        let gradient = no_grad(|| match self.grad_clip {
            (None, _) => gradient,
            (Some(most), GradClipPer::All) => clip_grad_norm(&gradient, &norm, most),
            (Some(most), GradClipPer::Network) => {
                clip_grad_norm_per_network(&gradient, &self.parameters, most)
            }
        });
        // The learning rate of what is frozen is 0: its moments go on, as in DINOv2.
        let frozen = self.frozen.iter().filter(|frozen| frozen.now).map(|frozen| &frozen.weights);
        let before: Vec<_> =
            frozen.map(|weights| (weights.shallow_clone(), weights.copy())).collect();
        self.optimizer.update(&self.parameters, &gradient);
        for (mut weights, before) in before {
            no_grad(|| weights.copy_(&before));
        }
        norm
    }

    /// Trains the probe on the labeled images of a step, seen by the encoder as it is now.
    fn probe_step(
        &mut self,
        step: &DeviceBatch,
    ) -> Result<Option<(ProbeScore, i64)>, group::Error> {
        let (Some((images, labels)), true) = (&step.probe, self.probe.is_some()) else {
            return Ok(None);
        };
        let unlabeled = (step.images - step.labeled) as usize;
        let labeled = |shard: Shard| shard.split(unlabeled, step.labeled as usize)[1].clone();
        let counts: Vec<usize> = self.ranges(labeled).iter().map(Range::len).collect();
        let networks = self.eval_networks();
        let features = match labels.size()[0] {
            0 => {
                let shape = [0, networks.encoder.feature_size()];
                Tensor::zeros(shape, (networks.store.kind(), images.device()))
            }
            _ => no_grad(|| networks.features(images)),
        };
        let features = self.group.gather_rows(&features, 1, &counts)?;
        let labels = self.group.gather_rows(labels, 1, &counts)?;
        let probe = self.probe.as_mut().expect("looked for above");
        let score = tch::with_grad(|| probe.update(&features, &labels));
        Ok(Some((score, labels.size()[0])))
    }
}

/// The last layers of projection heads: prototypes, and their gains where they are learned.
const LAST_LAYERS: [&str; 4] = [
    "projection.prototypes",
    "projection.gains",
    "patch_projection.prototypes",
    "patch_projection.gains",
];

/// What of `parameters` is frozen at first, each with its fraction of all steps.
fn frozen(config: &Config, parameters: &FlatParameters) -> Vec<Frozen> {
    let frozen = |fraction, weights| Frozen { fraction, weights, now: false };
    let encoder = config
        .train
        .freeze_encoder
        .map(|fraction| frozen(fraction, parameters.first("encoder.").flat().shallow_clone()));
    let last = config.train.freeze_last_layer.into_iter().flat_map(|fraction| {
        let named = parameters.named(parameters.flat()).into_iter();
        let last = named.filter(|(name, _)| LAST_LAYERS.contains(&name.as_str()));
        last.map(move |(_, weights)| frozen(fraction, weights))
    });
    encoder.into_iter().chain(last).collect()
}

#[cfg(test)]
mod tests;
