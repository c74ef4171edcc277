//! MoCo: momentum contrast, with a momentum encoder and a queue of negatives.

use optim::{Interval, Schedule};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use tch::Tensor;

use crate::context::{Predictor, PredictorConfig, nullable, required};
use crate::error::{not_negative, positive, range};
use crate::queue::Queue;
use crate::similarity::{diagonal_cross_entropy, normalize};
use crate::{GraphCapture, Method, MethodContext, MethodError, Projections};

/// Hyper-parameters of MoCo.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct MoCoConfig {
    /// The published forms of the loss.
    pub variant: MoCoVariant,
    /// Divides the cosine similarities; the seed's is 0.1, the papers' 0.07 (v1) and 0.2 (v2, v3).
    pub temperature: f64,
    /// Number of earlier projections; the seed's is 10,000. 0 in the variant `v3`, which has no
    /// queue.
    pub queue_size: i64,
    /// EMA decay of the teacher's weights; the seed's is 0.99.
    pub teacher_momentum: Schedule,
    /// Dense layers on the student's projections, in the variant `v3`; `null` for none.
    #[serde(deserialize_with = "required")]
    #[schemars(schema_with = "nullable::<PredictorConfig>")]
    pub predictor: Option<PredictorConfig>,
}

/// See [`MoCoConfig::variant`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum MoCoVariant {
    /// Both directions; negatives are the rest of the batch and the queue.
    Seed,
    /// The first view is told by the second; negatives are the queue.
    V2,
    /// Both directions, with a predictor; negatives are the rest of the batch.
    V3,
}

/// # Reference
/// He et al. 2019, arXiv 1911.05722, equation 1, with Chen et al. 2020, arXiv 2003.04297 (v2); Chen
/// et al. 2021, arXiv 2104.02057, algorithm 1 (v3).
///
/// # Differs from the paper
/// In the seed form: symmetric, the other images of the batch are negatives too, and both views
/// enter the queue.
#[derive(Debug)]
struct MoCo {
    variant: MoCoVariant,
    temperature: f64,
    teacher_momentum: Schedule,
    queue: Option<Queue>,
    predictor: Predictor,
}

impl MoCoConfig {
    pub(crate) fn build(&self, context: &MethodContext) -> Result<Box<dyn Method>, MethodError> {
        not_negative("moco.queue_size", self.queue_size as f64)?;
        match self.variant {
            MoCoVariant::V3 if self.queue_size > 0 => {
                return Err(range(
                    "moco.queue_size",
                    "0 in the variant v3, which has none",
                    self.queue_size,
                ));
            }
            MoCoVariant::Seed | MoCoVariant::V2 if self.predictor.is_some() => {
                let expected = "null in the variants seed and v2";
                return Err(range("moco.predictor", expected, "layers"));
            }
            MoCoVariant::V2 if self.queue_size == 0 => {
                return Err(range("moco.queue_size", "at least 1 in the variant v2", 0));
            }
            _ => {}
        }
        Ok(Box::new(MoCo {
            variant: self.variant,
            temperature: positive("moco.temperature", self.temperature)?,
            teacher_momentum: self
                .teacher_momentum
                .checked("moco.teacher_momentum", Interval::UnitClosed)?,
            queue: (self.queue_size > 0).then(|| Queue::new(context, self.queue_size)),
            predictor: context.predictor(&self.predictor)?,
        }))
    }
}

impl MoCo {
    /// The logits of InfoNCE: each query looks up its key in a dictionary.
    ///
    /// A query is the student's projection of one view, its positive key the teacher's projection
    /// of the other view. Row i holds the cosine similarities of query i with the `B` keys of the
    /// batch and with the keys of earlier batches in the queue, over the temperature; column i is
    /// the positive, the rest are negatives (in the variant v2 those of the queue only), and the
    /// loss is the cross-entropy with class i. The queue makes the number of negatives independent
    /// of the batch size. Its keys stem from teachers of different steps; they stay comparable
    /// because the teacher is a slow moving average (EMA) of the student and receives no gradient.
    ///
    /// # Shapes
    /// unit rows `[B, d]`, `[B, d]` -> `[B, B + queue]`
    fn logits(&self, query: &Tensor, key: &Tensor) -> Tensor {
        let keys = match &self.queue {
            Some(queue) => Tensor::cat(&[key, queue.rows()], 0),
            None => key.shallow_clone(),
        };
        query.matmul(&keys.tr()) / self.temperature
    }
}

impl Method for MoCo {
    fn loss(&self, projections: &Projections) -> Tensor {
        let (p1, p2) = projections.pair();
        let (m1, m2) = projections.teacher_pair();
        let (k1, k2) = (normalize(m1), normalize(m2));
        let query = |p: &Tensor| normalize(&self.predictor.forward(p));
        let rows = |q: &Tensor, k: &Tensor| diagonal_cross_entropy(&self.logits(q, k));
        let kind = p1.kind();
        match self.variant {
            MoCoVariant::Seed => {
                Tensor::cat(&[rows(&query(p1), &k2), rows(&query(p2), &k1)], 0).mean(kind)
            }
            MoCoVariant::V2 => {
                let images = p1.size()[0];
                let logits = self.logits(&query(p1), &k2); // [B, B + queue]
                let positive = logits.narrow(1, 0, images).diagonal(0, 0, 1).unsqueeze(1);
                let negatives = logits.narrow(1, images, logits.size()[1] - images);
                let against = Tensor::cat(&[&positive, &negatives], 1);
                (against.logsumexp([1i64].as_slice(), false) - positive.squeeze_dim(1)).mean(kind)
            }
            MoCoVariant::V3 => {
                let both = rows(&query(p1), &k2).mean(kind) + rows(&query(p2), &k1).mean(kind);
                both * (2.0 * self.temperature)
            }
        }
    }

    fn loss_terms(&self, images: i64) -> i64 {
        match self.variant {
            MoCoVariant::Seed => 2 * images,
            MoCoVariant::V2 | MoCoVariant::V3 => images,
        }
    }

    fn update_state(&mut self, projections: &Projections) {
        let (m1, m2) = projections.teacher_pair();
        match (&mut self.queue, self.variant) {
            (Some(queue), MoCoVariant::Seed) => queue.push(&[m1, m2]),
            (Some(queue), _) => queue.push(&[m2]),
            (None, _) => {}
        }
    }

    fn teacher_momentum(&self) -> Option<Schedule> {
        Some(self.teacher_momentum)
    }

    fn graph_capture(&self) -> GraphCapture {
        GraphCapture::Now
    }
}
