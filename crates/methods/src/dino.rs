//! DINO: the student predicts the teacher's assignment of the other view; centring and sharpening of
//! the teacher keep the assignments from collapsing.

use serde::{Deserialize, Serialize};
use tch::Tensor;

use crate::similarity::{clipped_cross_entropy, normalize};
use crate::{Method, MethodError, Schedule, Views, positive, share};

/// Hyper-parameters of DINO in the seed's form.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DinoConfig {
    /// Divides the student's logits; the seed's is 0.1.
    pub temperature: f64,
    /// The teacher's temperature as a multiple of the student's; the seed's is 0.5.
    pub sharpening: f64,
    /// Share of the teacher that a step keeps; the seed's is 0.9.
    pub momentum: f64,
}

/// # Reference
/// Caron et al. 2021, arXiv 2104.14294, algorithm 1.
///
/// # Differs from the paper
/// As the seed does: projections have unit length; the centre is that of the current batch alone; the
/// student's probabilities are clipped to `[1e-7, 1 - 1e-7]` instead of taken as log-softmax.
#[derive(Debug)]
pub(crate) struct Dino {
    temperature: f64,
    sharpening: f64,
    momentum: f64,
}

impl Dino {
    pub(crate) fn new(config: &DinoConfig) -> Result<Self, MethodError> {
        Ok(Self {
            temperature: positive("dino.temperature", config.temperature)?,
            sharpening: positive("dino.sharpening", config.sharpening)?,
            momentum: share("dino.momentum", config.momentum)?,
        })
    }
}

impl Method for Dino {
    fn loss(&self, views: &Views) -> Tensor {
        let (p1, p2) = views.pair();
        let (m1, m2) = views.teacher_pair();
        let (m1, m2) = (normalize(m1), normalize(m2)); // [B, d]
        let kind = m1.kind();
        let center = Tensor::cat(&[&m1, &m2], 0).mean_dim([0i64].as_slice(), true, kind); // [1, d]
        let target = |m: &Tensor| {
            ((m - &center) / (self.sharpening * self.temperature))
                .softmax(-1, kind)
                .detach()
        };
        let prediction = |p: &Tensor| (normalize(p) / self.temperature).softmax(-1, kind);
        let first = clipped_cross_entropy(&target(&m1), &prediction(p2));
        let second = clipped_cross_entropy(&target(&m2), &prediction(p1));
        Tensor::cat(&[first, second], 0).mean(kind)
    }

    fn teacher_momentum(&self) -> Option<Schedule> {
        Some(Schedule::Constant(self.momentum))
    }
}
