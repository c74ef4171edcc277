//! Normalization layers of residual networks: batch, group or none.

use std::rc::Rc;

use group::Group;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use tch::nn::Path;
use tch::{Kind, Tensor, no_grad};

use crate::Mode;

/// Added to the variance.
const EPSILON: f64 = 1e-5;

/// What normalizes the maps of a residual network.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum ResNetNorm {
    /// Each channel over the images and positions of a batch; in evaluation by running statistics.
    ///
    /// # Reference
    /// Ioffe and Szegedy 2015, arXiv 1502.03167, algorithms 1 and 2.
    Batch,
    /// Each of 32 groups of neighboring channels over its positions, every image on its own.
    ///
    /// # Reference
    /// Wu and He 2018, arXiv 1803.08494, equation 7.
    Group,
    /// Nothing. Convolutions then have biases, and the branch of every block a learned factor that
    /// starts at 0, so that the network starts as its shortcuts and trains at depth.
    ///
    /// # Reference
    /// De and Smith 2020, arXiv 2002.10444, section 4 (SkipInit).
    None,
}

/// What follows a convolution.
#[derive(Debug)]
pub(super) enum MapNorm {
    Batch(BatchNorm2d),
    Group(GroupNorm),
    None,
}

impl MapNorm {
    /// Registers what normalizes maps of `channels` channels under `path`.
    pub fn new(norm: ResNetNorm, path: &Path, channels: i64) -> Self {
        match norm {
            ResNetNorm::Batch => Self::Batch(BatchNorm2d::new(path, channels)),
            ResNetNorm::Group => Self::Group(GroupNorm::new(path, channels)),
            ResNetNorm::None => Self::None,
        }
    }

    /// # Shapes
    /// `x` `[n, channels, h, w]` -> the same, in its kind.
    pub fn forward(&self, x: Tensor, mode: Mode) -> Tensor {
        match self {
            Self::Batch(norm) => norm.forward(&x, mode),
            Self::Group(norm) => norm.forward(&x),
            Self::None => x,
        }
    }
}

/// Batch normalization with running statistics.
#[derive(Debug)]
pub(super) struct BatchNorm2d {
    weight: Tensor,
    bias: Tensor,
    mean: Tensor,
    variance: Tensor,
    batches: Tensor,
    /// The ranks over whose images it normalizes; `None` for those of this process.
    pub group: Option<Rc<Group>>,
}

impl BatchNorm2d {
    /// Share of the running statistics that a batch replaces.
    const MOMENTUM: f64 = 0.1;

    fn new(path: &Path, channels: i64) -> Self {
        let (weight, bias) = scale_and_shift(path, channels);
        let options = (path.kind(), path.device());
        let none = Tensor::zeros([0i64; 0], (Kind::Int64, path.device()));
        Self {
            weight,
            bias,
            mean: path.add("running_mean", Tensor::zeros([channels], options), false),
            variance: path.add("running_var", Tensor::ones([channels], options), false),
            batches: path.add("num_batches_tracked", none, false),
            group: None,
        }
    }

    /// In training the running statistics move, those of the variance by its unbiased estimate.
    /// Whatever kind `x` is of, statistics are in that of the master weights.
    fn forward(&self, x: &Tensor, mode: Mode) -> Tensor {
        let training = mode != Mode::Eval;
        if training {
            let _ = self.batches.shallow_clone().g_add_scalar_(1);
            if let Some(y) = self.forward_over_ranks(x) {
                return y;
            }
        }
        x.batch_norm(
            Some(&self.weight),
            Some(&self.bias),
            Some(&self.mean),
            Some(&self.variance),
            training,
            Self::MOMENTUM,
            EPSILON,
            true,
        )
    }
}

impl BatchNorm2d {
    /// The same over the images of all ranks; `None` for one process.
    fn forward_over_ranks(&self, x: &Tensor) -> Option<Tensor> {
        let group = self.group.as_ref()?;
        let (y, batch) = group.sync_batch_norm(x, &self.weight, &self.bias, EPSILON)?;
        no_grad(|| {
            let unbiased = batch.variance * (&batch.count / (&batch.count - 1.0));
            let running = [(&self.mean, batch.mean), (&self.variance, unbiased)];
            for (running, of_batch) in running {
                let _ = running.shallow_clone().lerp_(&of_batch, Self::MOMENTUM);
            }
        });
        Some(y)
    }
}

/// Group normalization. All widths of residual networks are multiples of its number of groups.
#[derive(Debug)]
pub(super) struct GroupNorm {
    weight: Tensor,
    bias: Tensor,
}

impl GroupNorm {
    const GROUPS: i64 = 32;

    fn new(path: &Path, channels: i64) -> Self {
        let (weight, bias) = scale_and_shift(path, channels);
        Self { weight, bias }
    }

    /// Computes in the kind of the master weights: libtorch's GPU kernel takes no two kinds, and
    /// rounds statistics to that of `x`.
    fn forward(&self, x: &Tensor) -> Tensor {
        let (weight, bias) = (Some(&self.weight), Some(&self.bias));
        let master = x.to_kind(self.weight.kind());
        let y = master.group_norm(Self::GROUPS, weight, bias, EPSILON, true);
        y.to_kind(x.kind())
    }
}

/// Registers a scale `weight` `[channels]`, all 1, and a shift `bias` `[channels]`, all 0.
fn scale_and_shift(path: &Path, channels: i64) -> (Tensor, Tensor) {
    let options = (path.kind(), path.device());
    (
        path.add("weight", Tensor::ones([channels], options), true),
        path.add("bias", Tensor::zeros([channels], options), true),
    )
}
