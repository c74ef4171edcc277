//! SimCLR: contrasts two views of an image against all other images of the batch.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use tch::Tensor;

use crate::error::positive;
use crate::similarity::{diagonal_cross_entropy, normalize, nt_xent};
use crate::{GraphCapture, Method, MethodContext, MethodError, Projections, Variant};

/// Hyper-parameters of SimCLR.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SimClrConfig {
    /// Which negatives count: in the seed's form the other view's `B - 1` other images, in the
    /// paper's all `2B - 2` other views.
    pub variant: Variant,
    /// Divides the cosine similarities; the seed's is 0.1.
    pub temperature: f64,
}

/// # Reference
/// Chen et al. 2020, arXiv 2002.05709, equation 1.
///
/// # Differs from the paper
/// In the seed form only: no negatives from the same view.
#[derive(Debug)]
struct SimClr {
    variant: Variant,
    temperature: f64,
}

impl SimClrConfig {
    pub(crate) fn build(&self, _context: &MethodContext) -> Result<Box<dyn Method>, MethodError> {
        Ok(Box::new(SimClr {
            variant: self.variant,
            temperature: positive("simclr.temperature", self.temperature)?,
        }))
    }
}

impl Method for SimClr {
    fn loss(&self, projections: &Projections) -> Tensor {
        let (p1, p2) = projections.pair();
        let (a, b) = (normalize(p1), normalize(p2)); // [B, d]
        match self.variant {
            Variant::Seed => two_way(&a, &b, self.temperature),
            Variant::Paper => nt_xent(&a, &b, self.temperature),
        }
    }

    fn graph_capture(&self) -> GraphCapture {
        GraphCapture::Now
    }
}

/// # Shapes
/// unit rows `a`, `b` `[B, d]` -> scalar
fn two_way(a: &Tensor, b: &Tensor, temperature: f64) -> Tensor {
    let similarity = a.matmul(&b.tr()) / temperature; // [B, B]
    let rows = diagonal_cross_entropy(&similarity);
    let columns = diagonal_cross_entropy(&similarity.tr());
    Tensor::cat(&[rows, columns], 0).mean(a.kind())
}
