//! DCL: SimCLR's loss with the positive pair taken out of the denominator.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use tch::Tensor;

use crate::error::positive;
use crate::similarity::{normalize, without_diagonal};
use crate::{GraphCapture, Method, MethodContext, MethodError, Projections};

/// Hyper-parameters of DCL.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct DclConfig {
    /// The published forms of the loss.
    pub variant: DclVariant,
    /// Divides the cosine similarities; the seed's is 0.1.
    pub temperature: f64,
}

/// See [`DclConfig::variant`].
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum DclVariant {
    /// One logarithm over the other view's images in both directions.
    Seed,
    /// One logarithm a direction over all `2B - 2` other views: DCL.
    Paper,
    /// The same with positive pairs weighted by how hard they are: DCLW.
    Weighted {
        /// Temperature of the weights; the paper's is 0.5.
        sigma: f64,
    },
}

/// # Reference
/// Yeh et al. 2021, arXiv 2110.06848, equations 3 (DCL) and 6 (DCLW).
///
/// # Differs from the paper
/// In the seed form: negatives of both directions share one logarithm, and none are from the same
/// view.
#[derive(Debug)]
struct Dcl {
    variant: DclVariant,
    temperature: f64,
}

impl DclConfig {
    pub(crate) fn build(&self, _context: &MethodContext) -> Result<Box<dyn Method>, MethodError> {
        if let DclVariant::Weighted { sigma } = self.variant {
            positive("dcl.variant.weighted.sigma", sigma)?;
        }
        Ok(Box::new(Dcl {
            variant: self.variant,
            temperature: positive("dcl.temperature", self.temperature)?,
        }))
    }
}

impl Method for Dcl {
    fn loss(&self, projections: &Projections) -> Tensor {
        let (p1, p2) = projections.pair();
        let (a, b) = (normalize(p1), normalize(p2));
        let kind = a.kind();
        let cross = a.matmul(&b.tr()) / self.temperature; // [B, B]
        let positives = cross.diagonal(0, 0, 1); // [B]
        let (rows, columns) = (without_diagonal(&cross), without_diagonal(&cross.tr()));
        let push = |parts: &[Tensor]| Tensor::cat(parts, 1).logsumexp([1i64].as_slice(), false);
        let weight = match self.variant {
            DclVariant::Seed => return (push(&[rows, columns]) - positives).mean(kind),
            DclVariant::Paper => Tensor::ones_like(&positives),
            DclVariant::Weighted { sigma } => hardness(&positives, self.temperature / sigma),
        };
        let own = |x: &Tensor| without_diagonal(&(x.matmul(&x.tr()) / self.temperature));
        let pull = positives * weight;
        let first = push(&[rows, own(&a)]) - &pull;
        let second = push(&[columns, own(&b)]) - pull;
        (first.mean(kind) + second.mean(kind)) / 2.0
    }

    fn loss_terms(&self, images: i64) -> i64 {
        match self.variant {
            DclVariant::Seed => 1,
            DclVariant::Paper | DclVariant::Weighted { .. } => 2 * images,
        }
    }

    fn graph_capture(&self) -> GraphCapture {
        GraphCapture::Now
    }
}

/// `2 - B * softmax(scale * positives)`, without gradient.
///
/// # Shapes
/// `[B]` -> `[B]`
fn hardness(positives: &Tensor, scale: f64) -> Tensor {
    let images = positives.size()[0] as f64;
    let softmax = (positives.detach() * scale).softmax(0, positives.kind());
    softmax * -images + 2.0
}
