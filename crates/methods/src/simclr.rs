//! SimCLR: the other view of an image is to be told from those of all other images.

use serde::{Deserialize, Serialize};
use tch::Tensor;

use crate::similarity::{diagonal_cross_entropy, normalize};
use crate::{Method, MethodError, Views, positive};

/// Hyper-parameters of SimCLR.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SimClrConfig {
    /// Which negatives count.
    pub form: Form,
    /// Divides the cosine similarities; the seed's is 0.1.
    pub temperature: f64,
}

/// The published forms of the loss.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Form {
    /// Negatives are the other view's `B - 1` other images: a two-way cross-entropy.
    Seed,
    /// NT-Xent: negatives are all `2B - 2` other views.
    Paper,
}

/// # Reference
/// Chen et al. 2020, arXiv 2002.05709, equation 1.
///
/// # Differs from the paper
/// In the seed form only: no negatives from the same view.
#[derive(Debug)]
pub(crate) struct SimClr {
    form: Form,
    temperature: f64,
}

impl SimClr {
    pub(crate) fn new(config: &SimClrConfig) -> Result<Self, MethodError> {
        let temperature = positive("simclr.temperature", config.temperature)?;
        Ok(Self {
            form: config.form,
            temperature,
        })
    }
}

impl Method for SimClr {
    fn loss(&self, views: &Views) -> Tensor {
        let (p1, p2) = views.pair();
        let (a, b) = (normalize(p1), normalize(p2));
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

/// # Shapes
/// unit rows `a`, `b` `[B, d]` -> scalar
fn nt_xent(a: &Tensor, b: &Tensor, temperature: f64) -> Tensor {
    let images = a.size()[0];
    let cross = a.matmul(&b.tr()) / temperature;
    let without_self = |x: &Tensor| {
        let own = Tensor::eye(images, (tch::Kind::Bool, x.device()));
        (x.matmul(&x.tr()) / temperature).masked_fill(&own, f64::NEG_INFINITY)
    };
    // A row is [the other view's images | the same view's, self left out]; the positive is at i.
    let rows = Tensor::cat(&[cross.shallow_clone(), without_self(a)], 1); // [B, 2B]
    let columns = Tensor::cat(&[cross.tr(), without_self(b)], 1);
    diagonal_cross_entropy(&rows).mean(a.kind()) / 2.0
        + diagonal_cross_entropy(&columns).mean(a.kind()) / 2.0
}
