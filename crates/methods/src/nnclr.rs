//! NNCLR: SimCLR with the nearest neighbor from a queue as the positive.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use tch::Tensor;

use crate::context::{Predictor, PredictorConfig, nullable, required};
use crate::error::{at_least_1, positive, range};
use crate::queue::Queue;
use crate::similarity::{diagonal_cross_entropy, normalize, nt_xent};
use crate::{GraphCapture, Method, MethodContext, MethodError, Projections};

/// Hyper-parameters of NNCLR.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct NnClrConfig {
    /// The published forms of the loss.
    pub variant: NnClrVariant,
    /// Divides the cosine similarities; the seed's is 0.1.
    pub temperature: f64,
    /// Number of earlier projections that neighbors are looked up in; the seed's is 10,000.
    pub queue_size: i64,
    /// Dense layers on the projections that are compared with neighbors; `null` for none, as in
    /// the seed.
    #[serde(deserialize_with = "required")]
    #[schemars(schema_with = "nullable::<PredictorConfig>")]
    pub predictor: Option<PredictorConfig>,
}

/// See [`NnClrConfig::variant`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum NnClrVariant {
    /// Gradient passes straight through the look-up.
    Seed,
    /// Neighbors are constants.
    Paper,
    /// Neighbors are constants, and candidates are all `2B - 1` others as in NT-Xent.
    AllViews,
}

/// # Reference
/// Dwibedi et al. 2021, arXiv 2104.14548, equations 3 and 4.
///
/// # Differs from the paper
/// In the seed form, the gradient with respect to a neighbor is given to the projection that it
/// was found for, and there is no predictor. In all forms the queue takes in the first view only.
#[derive(Debug)]
struct NnClr {
    variant: NnClrVariant,
    temperature: f64,
    queue: Queue,
    predictor: Predictor,
}

impl NnClrConfig {
    pub(crate) fn build(&self, context: &MethodContext) -> Result<Box<dyn Method>, MethodError> {
        if self.variant == NnClrVariant::Seed && self.predictor.is_some() {
            return Err(range("nnclr.predictor", "null in the variant seed", "layers"));
        }
        Ok(Box::new(NnClr {
            variant: self.variant,
            temperature: positive("nnclr.temperature", self.temperature)?,
            queue: Queue::new(context, at_least_1("nnclr.queue_size", self.queue_size)?),
            predictor: context.predictor(&self.predictor)?,
        }))
    }
}

impl Method for NnClr {
    fn loss(&self, projections: &Projections) -> Tensor {
        let (p1, p2) = projections.pair();
        let (m1, m2) = projections.teacher_pair();
        let prediction = |p: &Tensor| normalize(&self.predictor.forward(p));
        let (q1, q2) = (prediction(p1), prediction(p2)); // [B, d]
        let neighbor = |m: &Tensor, q: &Tensor| match self.variant {
            NnClrVariant::Seed => {
                let nearest = self.queue.nearest(q);
                q + (nearest - q).detach()
            }
            NnClrVariant::Paper | NnClrVariant::AllViews => self.queue.nearest(&normalize(m)),
        };
        let (n1, n2) = (neighbor(m1, &q1), neighbor(m2, &q2));
        if self.variant == NnClrVariant::AllViews {
            let t = self.temperature;
            let (n1, n2) = (normalize(&n1), normalize(&n2));
            return (nt_xent(&n1, &q2, t) + nt_xent(&n2, &q1, t)) / 2.0;
        }
        let rows = |n: &Tensor, q: &Tensor| {
            diagonal_cross_entropy(&(n.matmul(&q.tr()) / self.temperature))
        };
        Tensor::cat(&[rows(&n1, &q2), rows(&n2, &q1)], 0).mean(p1.kind())
    }

    fn update_state(&mut self, projections: &Projections) {
        self.queue.push(&[&projections.teacher[0]]);
    }

    fn graph_capture(&self) -> GraphCapture {
        GraphCapture::Now
    }
}
