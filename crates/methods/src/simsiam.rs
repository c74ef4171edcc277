//! SimSiam: predicts the other view's projection, with a stop-gradient on the target. FastSiam: the
//! mean of the other views' projections.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use tch::Tensor;

use crate::context::{Predictor, PredictorConfig, nullable, required};
use crate::similarity::mean_cosine;
use crate::{AcceptedViews, GraphCapture, Method, MethodContext, MethodError, Projections};

/// Hyper-parameters of SimSiam.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SimSiamConfig {
    /// Dense layers from projections to predictions. `null` takes them away, and with them what
    /// keeps projections from collapsing.
    #[serde(deserialize_with = "required")]
    #[schemars(schema_with = "nullable::<PredictorConfig>")]
    pub predictor: Option<PredictorConfig>,
}

/// # Reference
/// Chen and He 2020, arXiv 2011.10566, equation 4. With more than two views FastSiam: Pototzky et
/// al. 2022, "FastSiam: Resource-Efficient Self-supervised Learning on a Single GPU".
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
        // Without a teacher its projections are the student's, detached.
        let (student, targets) = (&projections.student, &projections.teacher);
        let similarity = |(view, p): (usize, &Tensor)| {
            mean_cosine(&self.predictor.forward(p), &mean_of_others(targets, view))
        };
        let similarities: Vec<Tensor> = student.iter().enumerate().map(similarity).collect();
        let views = similarities.len() as f64;
        -similarities.into_iter().reduce(|sum, next| sum + next).expect("views") / views
    }

    fn graph_capture(&self) -> GraphCapture {
        GraphCapture::Now
    }

    fn accepted_views(&self) -> AcceptedViews {
        AcceptedViews { more_global: true, local: false }
    }
}

/// The mean of the projections of all views but one, `[B, d]`.
fn mean_of_others(views: &[Tensor], view: usize) -> Tensor {
    let others = views.iter().enumerate().filter(|(other, _)| *other != view);
    let sum = others.map(|(_, p)| p.shallow_clone()).reduce(|sum, next| sum + next);
    sum.expect("another view") / (views.len() - 1) as f64
}

#[cfg(test)]
mod tests {
    use golden::{Tensors, cases, difference};
    use tch::Kind;

    use super::*;

    #[test]
    fn golden_fastsiam_matches_set_n() {
        let tensors = Tensors::open("n_others.safetensors");
        let mut checked = 0;
        for case in cases("n_others.json", "FastSiam") {
            let views = case["views"].as_i64().unwrap();
            let input = |index: usize| {
                tensors.get(case["inputs"][index].as_str().unwrap()).narrow(0, 0, views)
            };
            for kind in [Kind::Double, Kind::Float] {
                let p = input(0).to_kind(kind).copy().set_requires_grad(true);
                let loss = SimSiam { predictor: Predictor::none() }.loss(&Projections {
                    student: p.unbind(0),
                    teacher: input(1).to_kind(kind).unbind(0),
                    features: Vec::new(),
                    patches: None,
                });
                let tolerance = if kind == Kind::Double { 1e-9 } else { 1e-5 };
                let off = (loss.double_value(&[]) - case["value"].as_f64().unwrap()).abs();
                assert!(off <= tolerance, "{} {kind:?}: off by {off}", case["case"]);
                let gradient = &Tensor::run_backward(&[&loss], &[&p], false, false)[0];
                if let Some(name) = case["grad1"].as_str() {
                    let expected = tensors.get(name);
                    let tolerance = match (kind, expected.kind()) {
                        (Kind::Double, Kind::Double) => 1e-8,
                        (Kind::Double, _) => 2e-7,
                        _ => 1e-5,
                    };
                    let off = difference(gradient, expected);
                    let most = case["grad1_max_abs"].as_f64().unwrap();
                    assert!(off <= tolerance * most, "{} {kind:?}: {off}", case["case"]);
                }
                checked += 1;
            }
        }
        assert_eq!(checked, 8);
    }
}
