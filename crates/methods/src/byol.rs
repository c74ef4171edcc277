//! BYOL: the student predicts the momentum teacher's projection of the other view.

use optim::{Interval, Schedule};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use tch::Tensor;

use crate::context::{Predictor, PredictorConfig, nullable, required};
use crate::similarity::mean_cosine;
use crate::{GraphCapture, Method, MethodContext, MethodError, Projections};

/// Hyper-parameters of BYOL.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ByolConfig {
    /// EMA decay of the teacher's weights; the paper's goes from 0.996 to 1 along a cosine.
    pub teacher_momentum: Schedule,
    /// Dense layers from the student's projections to predictions. `null` takes them away, and with
    /// them what keeps projections from collapsing.
    #[serde(deserialize_with = "required")]
    #[schemars(schema_with = "nullable::<PredictorConfig>")]
    pub predictor: Option<PredictorConfig>,
}

/// # Reference
/// Grill et al. 2020, arXiv 2006.07733, equation 2, in both directions.
#[derive(Debug)]
struct Byol {
    teacher_momentum: Schedule,
    predictor: Predictor,
}

impl ByolConfig {
    pub(crate) fn build(&self, context: &MethodContext) -> Result<Box<dyn Method>, MethodError> {
        Ok(Box::new(Byol {
            teacher_momentum: self
                .teacher_momentum
                .checked("byol.teacher_momentum", Interval::UnitClosed)?,
            predictor: context.predictor(&self.predictor)?,
        }))
    }
}

impl Method for Byol {
    fn loss(&self, projections: &Projections) -> Tensor {
        let (p1, p2) = projections.pair();
        let (m1, m2) = projections.teacher_pair();
        let predict = |p: &Tensor| self.predictor.forward(p);
        -(mean_cosine(&predict(p1), m2) + mean_cosine(&predict(p2), m1)) * 2.0 + 4.0
    }

    fn loss_terms(&self, images: i64) -> i64 {
        images
    }

    fn teacher_momentum(&self) -> Option<Schedule> {
        Some(self.teacher_momentum)
    }

    fn graph_capture(&self) -> GraphCapture {
        GraphCapture::Now
    }
}
