//! Barlow Twins: drives the cross-correlation of the two views' projections to the identity.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use tch::Tensor;

use crate::error::not_negative;
use crate::similarity::{centered, diagonal_and_rest, redundancy, standardize};
use crate::{GraphCapture, Method, MethodContext, MethodError, Projections, Variant};

/// Hyper-parameters of Barlow Twins.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct BarlowTwinsConfig {
    /// Averages over the entries of the matrix (seed) or sums (paper).
    pub variant: Variant,
    /// Weight of the entries off the diagonal; the seed's is 10, the paper's 0.005.
    pub lambda: f64,
}

/// # Reference
/// Zbontar et al. 2021, arXiv 2103.03230, equation 1.
///
/// # Differs from the paper
/// In the seed form: averages instead of sums; `dimension` times that loss is the paper's for a
/// weight of `lambda / (dimension - 1)`. In the paper form variances are enlarged by
/// 1e-5, as batch normalization does.
#[derive(Debug)]
struct BarlowTwins {
    variant: Variant,
    lambda: f64,
}

impl BarlowTwinsConfig {
    pub(crate) fn build(&self, _context: &MethodContext) -> Result<Box<dyn Method>, MethodError> {
        let key = "barlow_twins.lambda";
        Ok(Box::new(BarlowTwins { variant: self.variant, lambda: not_negative(key, self.lambda)? }))
    }
}

impl Method for BarlowTwins {
    fn loss(&self, projections: &Projections) -> Tensor {
        let (p1, p2) = projections.pair();
        let standardized = |p: &Tensor| match self.variant {
            Variant::Seed => standardize(p),
            Variant::Paper => {
                let (centered, variance) = centered(p);
                centered * (variance + 1e-5).rsqrt()
            }
        };
        let [images, dimension] = p1.size()[..] else { panic!("projections are matrices") };
        let correlation = standardized(p1).tr().matmul(&standardized(p2)) / images as f64; // [d, d]
        let (on, rest) = diagonal_and_rest(&correlation, 0.0);
        redundancy(self.variant, on, rest, self.lambda, dimension)
    }

    fn loss_terms(&self, _images: i64) -> i64 {
        1
    }

    fn graph_capture(&self) -> GraphCapture {
        GraphCapture::Now
    }
}
