//! How well conditioned a training step is: float64 steps in which everything that float32 would
//! round is perturbed by rounding errors. How far their results spread bounds what float32 may
//! differ by on any processor, whatever the order of its sums.

use std::cell::Cell;
use std::mem;
use std::rc::Rc;

use methods::{AcceptedViews, Method, PatchProjections, Projections};
use models::{Encoder, InputSizes, Mode, ScriptNetwork, Tokens};
use optim::Schedule;
use tch::{Tensor, no_grad};

use crate::*;

/// Roundings by which everything is perturbed: a layer of these tests sums up to 72 products, whose
/// rounding errors add up like a random walk.
const ULPS: f64 = 8.0;

/// Perturbs the tensors that it is given, each otherwise.
#[derive(Clone, Debug)]
pub(crate) struct Perturbation(Rc<Cell<u64>>);

impl Perturbation {
    /// Each `series` perturbs otherwise.
    pub(crate) fn new(series: u64) -> Self {
        Self(Rc::new(Cell::new(series * 100_003)))
    }

    pub(crate) fn apply(&self, x: &Tensor) -> Tensor {
        self.0.set(self.0.get() + 1);
        golden::perturbed(x, ULPS, self.0.get())
    }

    /// A learner whose features and projections are perturbed in every step.
    pub(crate) fn learner(&self, config: &Config, task: LearnerOptions) -> Learner {
        let build: BuildMethod = &|method, context| {
            let inner = method.build(context)?;
            Ok(Box::new(PerturbedMethod { inner, perturbation: self.clone() }))
        };
        let mut learner = Learner::with_method(config, task, build).unwrap();
        let teacher = learner.teacher.as_mut().map(|teacher| &mut teacher.networks);
        for networks in [&mut learner.student].into_iter().chain(teacher) {
            let wrapped = |inner| {
                Box::new(PerturbedEncoder { inner, perturbation: self.clone() }) as Box<dyn Encoder>
            };
            let inner = mem::replace(&mut networks.encoder, wrapped(None));
            networks.encoder = wrapped(Some(inner));
        }
        learner
    }

    /// Perturbs all weights and state but the optimizers'.
    pub(crate) fn weights(&self, learner: &Learner) {
        let named = checkpoint::tensors(learner).into_iter();
        for (_, mut tensor) in named.filter(|(name, _)| !name.starts_with("optimizer.")) {
            no_grad(|| tensor.copy_(&self.apply(&tensor)));
        }
    }
}

/// The largest absolute differences, entry by entry, of `others` from `exact`.
pub(crate) fn spread<'a>(exact: &Tensor, others: impl Iterator<Item = &'a Tensor>) -> Tensor {
    no_grad(|| {
        others.fold(exact.zeros_like(), |spread, other| spread.maximum(&(other - exact).abs()))
    })
}

#[derive(Debug)]
struct PerturbedEncoder {
    inner: Option<Box<dyn Encoder>>,
    perturbation: Perturbation,
}

impl PerturbedEncoder {
    fn inner(&self) -> &dyn Encoder {
        self.inner.as_deref().unwrap()
    }

    fn tokens(&self, of: &Tokens) -> Tokens {
        let apply = |x| self.perturbation.apply(x);
        Tokens { features: apply(&of.features), patches: apply(&of.patches) }
    }
}

impl Encoder for PerturbedEncoder {
    fn forward(&self, images: &Tensor, mode: Mode) -> Tensor {
        self.perturbation.apply(&self.inner().forward(images, mode))
    }

    fn forward_tokens(&self, images: &Tensor, mode: Mode) -> Option<Tokens> {
        self.inner().forward_tokens(images, mode).map(|tokens| self.tokens(&tokens))
    }

    fn forward_masked(&self, images: &Tensor, masks: &Tensor, mode: Mode) -> Option<Tokens> {
        self.inner().forward_masked(images, masks, mode).map(|tokens| self.tokens(&tokens))
    }

    fn patch_size(&self) -> Option<i64> {
        self.inner().patch_size()
    }

    fn feature_size(&self) -> i64 {
        self.inner().feature_size()
    }

    fn input_sizes(&self) -> InputSizes {
        self.inner().input_sizes()
    }

    fn uses_batch_statistics(&self) -> bool {
        self.inner().uses_batch_statistics()
    }
}

/// Gradients that are zero by symmetry get the noise that rounding leaves of them.
#[derive(Debug)]
struct PerturbedMethod {
    inner: Box<dyn Method>,
    perturbation: Perturbation,
}

impl Method for PerturbedMethod {
    fn begin_step(&mut self, count: StepCount, images: i64) {
        self.inner.begin_step(count, images);
    }

    fn loss(&self, views: &Projections) -> Tensor {
        let perturbed =
            |views: &[Tensor]| views.iter().map(|p| self.perturbation.apply(p)).collect();
        self.inner.loss(&Projections {
            student: perturbed(&views.student),
            teacher: perturbed(&views.teacher),
            features: perturbed(&views.features),
            patches: views.patches.as_ref().map(|patches| PatchProjections {
                student: self.perturbation.apply(&patches.student),
                teacher: self.perturbation.apply(&patches.teacher),
                weights: patches.weights.shallow_clone(),
            }),
        })
    }

    fn loss_terms(&self, images: i64) -> i64 {
        self.inner.loss_terms(images)
    }

    fn update_state(&mut self, views: &Projections) {
        self.inner.update_state(views);
    }

    fn teacher_momentum(&self) -> Option<Schedule> {
        self.inner.teacher_momentum()
    }

    fn frozen_teacher(&self) -> Option<&ScriptNetwork> {
        self.inner.frozen_teacher()
    }

    fn accepted_views(&self) -> AcceptedViews {
        self.inner.accepted_views()
    }
}
