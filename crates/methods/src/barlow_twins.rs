//! Barlow Twins: the cross-correlation of the two views' projections is to be the identity.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use tch::Tensor;

use crate::error::not_negative;
use crate::similarity::{centered, diagonal_and_rest, standardize};
use crate::{Form, Method, MethodError, Place, Views};

/// Hyper-parameters of Barlow Twins.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct BarlowTwinsConfig {
    /// Averages over the entries of the matrix (seed) or sums (paper).
    pub form: Form,
    /// Weight of the entries off the diagonal; the seed's is 10, the paper's 0.005.
    pub redundancy_weight: f64,
}

/// # Reference
/// Zbontar et al. 2021, arXiv 2103.03230, equation 1.
///
/// # Differs from the paper
/// In the seed form: averages instead of sums; `dimension` times that loss is the paper's for a
/// weight of `redundancy_weight / (dimension - 1)`. In the paper form variances are enlarged by
/// 1e-5, as batch normalization does.
#[derive(Debug)]
struct BarlowTwins {
    form: Form,
    redundancy_weight: f64,
}

impl BarlowTwinsConfig {
    pub(crate) fn build(&self, _place: &Place) -> Result<Box<dyn Method>, MethodError> {
        let key = "barlow_twins.redundancy_weight";
        Ok(Box::new(BarlowTwins {
            form: self.form,
            redundancy_weight: not_negative(key, self.redundancy_weight)?,
        }))
    }
}

impl Method for BarlowTwins {
    fn loss(&self, views: &Views) -> Tensor {
        let (p1, p2) = views.pair();
        let standardized = |p: &Tensor| match self.form {
            Form::Seed => standardize(p),
            Form::Paper => {
                let (centered, variance) = centered(p);
                centered * (variance + 1e-5).rsqrt()
            }
        };
        let [images, dimension] = p1.size()[..] else { panic!("projections are matrices") };
        let correlation = standardized(p1).tr().matmul(&standardized(p2)) / images as f64; // [d, d]
        let (on, rest) = diagonal_and_rest(&correlation, 0.0);
        redundancy(self.form, on, rest, self.redundancy_weight, dimension)
    }

    fn terms(&self, _images: i64) -> i64 {
        1
    }
}

/// The two sums put together, as averages in the seed form.
pub(crate) fn redundancy(
    form: Form,
    on: Tensor,
    rest: Tensor,
    weight: f64,
    dimension: i64,
) -> Tensor {
    let d = dimension as f64;
    match form {
        Form::Seed => on / d + rest * (weight / (d * (d - 1.0).max(1.0))),
        Form::Paper => on + rest * weight,
    }
}
