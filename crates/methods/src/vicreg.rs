//! VICReg: variance, invariance and covariance regularization.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use tch::{Reduction, Tensor};

use crate::error::not_negative;
use crate::similarity::centered;
use crate::{GraphCapture, Method, MethodContext, MethodError, Projections};

/// Added to variances before the square root.
const EPSILON: f64 = 1e-4;

/// Hyper-parameters of VICReg.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct VicRegConfig {
    /// Weight of the mean squared distance of the views; the paper's is 25.
    pub invariance: f64,
    /// Weight of the hinge at a standard deviation of 1; the paper's is 25.
    pub variance: f64,
    /// Weight of the squared covariances; the paper's is 1.
    pub covariance: f64,
}

/// # Reference
/// Bardes et al. 2021, arXiv 2105.04906, equation 6. As the authors' code does, the hinge is
/// averaged over the two views.
#[derive(Debug)]
struct VicReg {
    weights: [f64; 3],
}

impl VicRegConfig {
    pub(crate) fn build(&self, _context: &MethodContext) -> Result<Box<dyn Method>, MethodError> {
        Ok(Box::new(VicReg {
            weights: [
                not_negative("vicreg.invariance", self.invariance)?,
                not_negative("vicreg.variance", self.variance)?,
                not_negative("vicreg.covariance", self.covariance)?,
            ],
        }))
    }
}

impl Method for VicReg {
    fn loss(&self, projections: &Projections) -> Tensor {
        let (p1, p2) = projections.pair();
        let [invariance, variance, covariance] = self.weights;
        let ((v1, c1), (v2, c2)) = (spread(p1), spread(p2));
        let distance = p1.mse_loss(p2, Reduction::Mean);
        distance * invariance + (v1 + v2) * (variance / 2.0) + (c1 + c2) * covariance
    }

    fn loss_terms(&self, _images: i64) -> i64 {
        1
    }

    fn graph_capture(&self) -> GraphCapture {
        GraphCapture::Now
    }
}

/// The mean hinge of the standard deviations, and the sum of squared covariances over the
/// dimension.
///
/// # Shapes
/// `[B, d]` -> two scalars
fn spread(p: &Tensor) -> (Tensor, Tensor) {
    let [images, dimension] = p.size()[..] else { panic!("projections are matrices") };
    let (images, dimension) = (images as f64, dimension as f64);
    let kind = p.kind();
    let (centered, variance) = centered(p);
    let unbiased = variance * (images / (images - 1.0));
    let hinge = ((unbiased + EPSILON).sqrt() * -1.0 + 1.0).relu().mean(kind);
    let covariance = centered.tr().matmul(&centered) / (images - 1.0); // [d, d]
    let diagonal = covariance.diagonal(0, 0, 1);
    let rest = covariance.square().sum(kind) - diagonal.square().sum(kind);
    (hinge, rest / dimension)
}
