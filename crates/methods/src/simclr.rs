//! SimCLR: the other view of an image is to be told from those of all other images.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use tch::Tensor;

use crate::error::positive;
use crate::similarity::{diagonal_cross_entropy, normalize, nt_xent};
use crate::{Form, Method, MethodError, Place, Views};

/// Hyper-parameters of SimCLR.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SimClrConfig {
    /// Which negatives count: in the seed's form the other view's `B - 1` other images, in the
    /// paper's all `2B - 2` other views.
    pub form: Form,
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
    form: Form,
    temperature: f64,
}

impl SimClrConfig {
    pub(crate) fn build(&self, _place: &Place) -> Result<Box<dyn Method>, MethodError> {
        Ok(Box::new(SimClr {
            form: self.form,
            temperature: positive("simclr.temperature", self.temperature)?,
        }))
    }
}

impl Method for SimClr {
    fn loss(&self, views: &Views) -> Tensor {
        let (p1, p2) = views.pair();
        let (a, b) = (normalize(p1), normalize(p2)); // [B, d]
        match self.form {
            Form::Seed => two_way(&a, &b, self.temperature),
            Form::Paper => nt_xent(&a, &b, self.temperature),
        }
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
