//! TWIST: consistent, confident and balanced class distributions for the two views.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use tch::Tensor;

use crate::similarity::{clipped_cross_entropy, standardize};
use crate::{GraphCapture, Method, MethodContext, MethodError, Projections, Variant};

/// TWIST has no hyper-parameters but its form.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct TwistConfig {
    /// The seed's form weighs evenness twice as much as the paper's and clips probabilities.
    pub variant: Variant,
}

/// # Reference
/// Wang et al. 2021, arXiv 2110.07402, equation 3, on standardized projections.
///
/// # Differs from the paper
/// In the seed form: the two entropies of the mean distributions are added, not averaged, and
/// `2 log 2` is taken off; probabilities inside logarithms are clipped to `[1e-7, 1 - 1e-7]`. In
/// both forms the gradient flows through the target of the cross-entropies too.
#[derive(Debug)]
struct Twist {
    variant: Variant,
}

impl TwistConfig {
    pub(crate) fn build(&self, _context: &MethodContext) -> Result<Box<dyn Method>, MethodError> {
        Ok(Box::new(Twist { variant: self.variant }))
    }
}

impl Method for Twist {
    fn loss(&self, projections: &Projections) -> Tensor {
        let (p1, p2) = projections.pair();
        let (z1, z2) = (standardize(p1), standardize(p2));
        match self.variant {
            Variant::Seed => seed(&z1, &z2),
            Variant::Paper => paper(&z1, &z2),
        }
    }

    fn graph_capture(&self) -> GraphCapture {
        GraphCapture::Now
    }
}

/// # Shapes
/// standardized projections `[B, d]` -> scalar
fn seed(z1: &Tensor, z2: &Tensor) -> Tensor {
    let kind = z1.kind();
    let (q1, q2) = (z1.softmax(-1, kind), z2.softmax(-1, kind));
    let sharp = Tensor::cat(&[clipped_cross_entropy(&q1, &q2), clipped_cross_entropy(&q2, &q1)], 0);
    let mean = |q: &Tensor| q.mean_dim([0i64].as_slice(), true, kind); // [1, d]
    // One row of length 2d that adds up to 2: its clipped cross-entropy with itself halves it,
    // which is where the constant comes from.
    let means = Tensor::cat(&[mean(&q1), mean(&q2)], 1);
    sharp.mean(kind) - clipped_cross_entropy(&means, &means).mean(kind)
}

/// # Shapes
/// standardized projections `[B, d]` -> scalar
fn paper(z1: &Tensor, z2: &Tensor) -> Tensor {
    let kind = z1.kind();
    let (l1, l2) = (z1.log_softmax(-1, kind), z2.log_softmax(-1, kind));
    let (q1, q2) = (l1.exp(), l2.exp());
    let row = [-1i64].as_slice();
    let cross = |q: &Tensor, l: &Tensor| -(q * l).sum_dim_intlist(row, false, kind).mean(kind);
    let entropy = |q: &Tensor| {
        let mean = q.mean_dim([0i64].as_slice(), false, kind);
        let log = mean.clamp_min(f64::from(f32::MIN_POSITIVE)).log();
        -(mean * log).sum(kind)
    };
    (cross(&q1, &l2) + cross(&q2, &l1)) / 2.0 - (entropy(&q1) + entropy(&q2)) / 2.0
}
