//! The linear probe that is trained alongside: it reads features, and never changes them.

use models::{FlatParameters, Linear, WeightRng, WeightStream};
use optim::{Optimizer, OptimizerConfig};
use tch::nn::VarStore;
use tch::{Device, Kind, Reduction, Tensor, no_grad};

use crate::learner::networks::DTypes;

/// A linear classifier and its optimizer.
#[derive(Debug)]
pub struct Probe {
    /// Weights `probe.weight` `[classes, features]` and `probe.bias` `[classes]`.
    pub store: VarStore,
    linear: Linear,
    /// The same weights, flat.
    pub parameters: FlatParameters,
    /// Trains them.
    pub optimizer: Optimizer,
}

/// What the probe got right on some images; both are scalars on the device.
#[derive(Debug)]
pub struct ProbeScore {
    /// Sum of the cross-entropies.
    pub loss_sum: Tensor,
    /// Number of images whose class had the largest logit, `i64`.
    pub correct: Tensor,
}

impl ProbeScore {
    /// The same tensors.
    pub(super) fn shallow_clone(&self) -> Self {
        Self { loss_sum: self.loss_sum.shallow_clone(), correct: self.correct.shallow_clone() }
    }
}

impl Probe {
    /// An untrained probe.
    pub fn new(
        optimizer: &OptimizerConfig,
        seed: u64,
        (features, classes): (i64, i64),
        device: Device,
        dtypes: DTypes,
    ) -> Self {
        let mut store = VarStore::new(device);
        store.set_kind(dtypes.master);
        let rng = WeightRng { seed, stream: WeightStream::Probe };
        let linear = Linear::new(&(store.root() / "probe"), rng, features, classes, dtypes.master);
        let parameters = FlatParameters::flatten(&store);
        let optimizer = Optimizer::new(optimizer, &parameters);
        Self { store, linear, parameters, optimizer }
    }

    /// An update of its optimizer on `features` `[n, features]` of the classes `labels` `[n]`; the
    /// score is that before it.
    pub fn update(&mut self, features: &Tensor, labels: &Tensor) -> ProbeScore {
        let logits = self.linear.forward(&features.detach());
        let loss = cross_entropy(&logits, labels, Reduction::Mean);
        let gradient = self.parameters.gradient(&loss);
        self.optimizer.update(&self.parameters, &gradient);
        score(&logits.detach(), labels)
    }

    /// The score on `features` of the classes `labels`.
    pub fn score(&self, features: &Tensor, labels: &Tensor) -> ProbeScore {
        no_grad(|| score(&self.linear.forward(features), labels))
    }
}

fn score(logits: &Tensor, labels: &Tensor) -> ProbeScore {
    no_grad(|| ProbeScore {
        loss_sum: cross_entropy(logits, labels, Reduction::Sum),
        correct: logits.argmax(-1, false).eq_tensor(labels).sum(Kind::Int64),
    })
}

fn cross_entropy(logits: &Tensor, labels: &Tensor, reduction: Reduction) -> Tensor {
    logits.cross_entropy_loss(labels, None::<Tensor>, reduction, -100, 0.0)
}
