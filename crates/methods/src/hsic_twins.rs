//! HSIC-Twins: as Barlow Twins, with a target of -1 for the off-diagonal entries.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use tch::Tensor;

use crate::error::not_negative;
use crate::similarity::{diagonal_and_rest, redundancy, standardize};
use crate::{GraphCapture, Method, MethodContext, MethodError, Projections, Variant};

/// Hyper-parameters of HSIC-Twins.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct HsicTwinsConfig {
    /// Averages over the entries of the matrix (seed) or sums (paper).
    pub variant: Variant,
    /// Weight of the entries off the diagonal; the seed's is 3.
    pub lambda: f64,
}

/// # Reference
/// Tsai et al. 2021, arXiv 2104.13712, equation 4.
///
/// # Differs from the paper
/// In the seed form: averages instead of sums.
#[derive(Debug)]
struct HsicTwins {
    variant: Variant,
    lambda: f64,
}

impl HsicTwinsConfig {
    pub(crate) fn build(&self, _context: &MethodContext) -> Result<Box<dyn Method>, MethodError> {
        let key = "hsic_twins.lambda";
        Ok(Box::new(HsicTwins { variant: self.variant, lambda: not_negative(key, self.lambda)? }))
    }
}

impl Method for HsicTwins {
    fn loss(&self, projections: &Projections) -> Tensor {
        let (p1, p2) = projections.pair();
        let [images, dimension] = p1.size()[..] else { panic!("projections are matrices") };
        let correlation = standardize(p1).tr().matmul(&standardize(p2)) / images as f64; // [d, d]
        let (on, rest) = diagonal_and_rest(&correlation, -1.0);
        redundancy(self.variant, on, rest, self.lambda, dimension)
    }

    fn loss_terms(&self, _images: i64) -> i64 {
        1
    }

    fn graph_capture(&self) -> GraphCapture {
        GraphCapture::Now
    }
}
