//! SimSiam: predicts the other view's projection, with a stop-gradient on the target.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use tch::Tensor;

use crate::context::{Predictor, PredictorConfig, nullable, required};
use crate::similarity::mean_cosine;
use crate::{Method, MethodContext, MethodError, Projections};

/// Hyper-parameters of SimSiam.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SimSiamConfig {
    /// Dense layers from projections to predictions. `null` takes them away, and with them what
    /// keeps projections from collapsing.
    #[serde(deserialize_with = "required")]
    #[schemars(schema_with = "nullable")]
    pub predictor: Option<PredictorConfig>,
}

/// # Reference
/// Chen and He 2020, arXiv 2011.10566, equation 4.
#[derive(Debug)]
struct SimSiam {
    predictor: Predictor,
}

impl SimSiamConfig {
    pub(crate) fn build(&self, context: &MethodContext) -> Result<Box<dyn Method>, MethodError> {
        Ok(Box::new(SimSiam { predictor: context.predictor(&self.predictor)? }))
    }
}

impl Method for SimSiam {
    fn loss(&self, projections: &Projections) -> Tensor {
        let (p1, p2) = projections.pair();
        let (m1, m2) = projections.teacher_pair(); // without a teacher: p1 and p2, detached
        let predict = |p: &Tensor| self.predictor.forward(p);
        -(mean_cosine(&predict(p1), m2) + mean_cosine(&predict(p2), m1)) / 2.0
    }
}
