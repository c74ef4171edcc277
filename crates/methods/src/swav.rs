//! SwAV: swapped prediction of cluster assignments that Sinkhorn-Knopp balances over the batch.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use tch::{Tensor, no_grad};

use crate::error::{at_least_1, not_negative, positive};
use crate::similarity::{normalize, sinkhorn, soft_cross_entropy};
use crate::{AcceptedViews, Method, MethodContext, MethodError, Projections};

/// Hyper-parameters of SwAV.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SwavConfig {
    /// Divides the scores that predict; the paper's is 0.1.
    pub temperature: f64,
    /// Divides the scores that are balanced: the smaller, the sharper the codes; the paper's is
    /// 0.05.
    pub epsilon: f64,
    /// Rounds of balancing; the paper's are 3.
    pub iterations: u32,
    /// Number of prototypes; the paper's are 3000.
    pub prototypes: i64,
    /// Earlier images whose scores are balanced along, for batches that are smaller than the number
    /// of prototypes; used once it is full. 0 for none.
    pub queue_size: i64,
}

/// # Reference
/// Caron et al. 2020, arXiv 2006.09882, equations 1 to 5; multi-crop in section 3.3.
#[derive(Debug)]
struct Swav {
    config: SwavConfig,
    prototypes: Tensor,
    queue: Option<Tensor>,
}

impl SwavConfig {
    pub(crate) fn build(&self, context: &MethodContext) -> Result<Box<dyn Method>, MethodError> {
        positive("swav.temperature", self.temperature)?;
        positive("swav.epsilon", self.epsilon)?;
        at_least_1("swav.iterations", i64::from(self.iterations))?;
        at_least_1("swav.prototypes", self.prototypes)?;
        not_negative("swav.queue_size", self.queue_size as f64)?;
        let shape = [2, self.queue_size, context.dimension];
        Ok(Box::new(Swav {
            config: self.clone(),
            prototypes: context.unit_rows("prototypes", self.prototypes, true),
            queue: (self.queue_size > 0).then(|| context.zeros("queue", &shape)),
        }))
    }
}

impl Method for Swav {
    fn loss(&self, projections: &Projections) -> Tensor {
        let scores = |p: &Tensor| normalize(p).matmul(&self.prototypes.tr()); // [B, K]
        let views_scores: Vec<Tensor> = projections.student.iter().map(scores).collect();
        let full = |queue: &&Tensor| {
            let images = projections.student[0].size()[0] as u64;
            // Earlier batches may have been an image smaller than this one.
            projections.progress.step * images.saturating_sub(1) >= queue.size()[1] as u64
        };
        let queued = self.queue.as_ref().filter(full).map(|queue| {
            no_grad(|| [0, 1].map(|view| queue.get(view).matmul(&self.prototypes.tr())))
        });
        swapped_prediction(&views_scores, queued.as_ref(), &self.config)
    }

    fn update_state(&mut self, projections: &Projections) {
        // Prototypes have unit length whenever they are used.
        let unit = normalize(&self.prototypes);
        self.prototypes.copy_(&unit);
        if let Some(queue) = &mut self.queue {
            let size = queue.size()[1];
            let rows: Vec<Tensor> = projections.teacher.iter().map(normalize).collect();
            let newest = Tensor::cat(&[Tensor::stack(&rows, 0), queue.shallow_clone()], 1);
            queue.copy_(&newest.narrow(1, 0, size));
        }
    }

    fn accepted_views(&self) -> AcceptedViews {
        AcceptedViews { more_global: false, local: true }
    }
}

/// The mean cross-entropy of every view's prediction of the codes of the other global views.
///
/// # Shapes
/// `scores`: `[B, K]` a view, the two global ones first; `queued`: `[Q, K]` for each of these ->
/// scalar
fn swapped_prediction(
    scores: &[Tensor],
    queued: Option<&[Tensor; 2]>,
    config: &SwavConfig,
) -> Tensor {
    let images = scores[0].size()[0];
    let mut losses = Vec::new();
    for global in 0..2 {
        let codes = no_grad(|| {
            let own = scores[global].detach();
            let all = match queued {
                Some(queued) => Tensor::cat(&[&own, &queued[global]], 0),
                None => own,
            };
            sinkhorn(&all, config.epsilon, config.iterations).narrow(0, 0, images)
        });
        for (view, scores) in scores.iter().enumerate() {
            if view != global {
                losses.push(soft_cross_entropy(&codes, &(scores / config.temperature)));
            }
        }
    }
    Tensor::stack(&losses, 0).mean(scores[0].kind())
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use golden::{Tensors, difference, largest};
    use tch::Kind;

    use super::*;

    #[test]
    fn golden_swapped_predictions_match_set_d() {
        let reference = golden::json("d_lightly.json");
        let tensors = Tensors::open("d_lightly.safetensors");
        let mut checked = BTreeSet::new();
        for case in reference["cases"].as_array().unwrap() {
            let loss = case["loss"].as_str().unwrap();
            if !["SwaV", "SwaV_crops_queue"].contains(&loss) {
                continue;
            }
            checked.insert(loss);
            let hyper = &case["hyperparams"];
            let number = |key: &str| hyper[key].as_f64().unwrap();
            let config = SwavConfig {
                temperature: number("temperature"),
                epsilon: number("sinkhorn_epsilon"),
                iterations: number("sinkhorn_iterations") as u32,
                prototypes: 1,
                queue_size: 0,
            };
            let names: Vec<_> = case["inputs"]
                .as_array()
                .unwrap()
                .iter()
                .map(|name| name.as_str().unwrap())
                .collect();
            for (kind, value, gradient, stored) in
                [(Kind::Double, 1e-9, 1e-8, 2e-7), (Kind::Float, 1e-5, 1e-5, 1e-5)]
            {
                let get = |name: &&str| tensors.get(name).to_kind(kind).copy();
                let (queued, scores): (Vec<_>, Vec<_>) =
                    names.iter().partition(|name| name.contains(".zq"));
                let scores: Vec<_> =
                    scores.iter().map(|name| get(name).set_requires_grad(true)).collect();
                let queued: Option<[Tensor; 2]> =
                    queued.iter().map(get).collect::<Vec<_>>().try_into().ok();
                let loss = swapped_prediction(&scores, queued.as_ref(), &config);
                let (found, expected) = (loss.double_value(&[]), case["value"].as_f64().unwrap());
                assert!(
                    (found - expected).abs() <= value * (1.0 + expected.abs()),
                    "{case} {kind:?}: {found}"
                );
                let gradients = Tensor::run_backward(&[&loss], &scores, false, false);
                for (number, found) in (1..).zip(&gradients) {
                    let Some(key) = case[format!("grad{number}")].as_str() else {
                        continue;
                    };
                    let expected = tensors.get(key);
                    let off = difference(found, expected) / largest(expected);
                    let allowed = if expected.kind() == Kind::Double { gradient } else { stored };
                    assert!(off <= allowed, "{key} {kind:?}: off by {off}");
                }
            }
        }
        assert_eq!(checked.len(), 2, "checked {checked:?}");
    }

    #[test]
    fn codes_use_every_prototype_equally() {
        let scores = Tensor::arange(60, (Kind::Double, tch::Device::Cpu)).sin().view([12, 5]);
        let codes = sinkhorn(&scores, 0.5, 50);
        let rows = codes.sum_dim_intlist([1i64].as_slice(), false, Kind::Double);
        let columns = codes.sum_dim_intlist([0i64].as_slice(), false, Kind::Double);
        assert!((rows - 1.0).abs().max().double_value(&[]) < 1e-12);
        assert!((columns - 12.0 / 5.0).abs().max().double_value(&[]) < 1e-6);
    }

    const SHARP: &[f64] =
        &[0.9, 0.2, 0.1, 0.15, 0.6, -0.3, -0.5, -0.503, -0.499, 0.31, 0.301, -0.2];
    /// By 60 decimal digits, without logarithms.
    const SHARP_CODES: &[f64] = &[
        0.8841465596985618,
        1.6897034178323088e-59,
        0.11585344030143817,
        1.73445238783926e-108,
        1.0,
        1.0573934391880857e-58,
        8.433127343630203e-116,
        1.2833925337351814e-73,
        1.0,
        3.0155367627414e-42,
        0.6210785259286691,
        0.378921474071331,
    ];

    /// Scores that lie many `epsilon` apart keep their codes, in 32 bits too.
    #[test]
    fn a_small_epsilon_loses_no_image() {
        let scores = Tensor::from_slice(SHARP).view([4, 3]);
        for (kind, allowed) in [(Kind::Double, 1e-9), (Kind::Float, 5e-4)] {
            let codes = sinkhorn(&scores.to_kind(kind), 0.003, 3);
            let expected = Tensor::from_slice(SHARP_CODES).view([4, 3]);
            let off = difference(&codes, &expected);
            assert!(off <= allowed, "{kind:?}: off by {off}");
            let rows = codes.sum_dim_intlist([1i64].as_slice(), false, Kind::Double);
            assert!((rows - 1.0).abs().max().double_value(&[]) < 1e-5);
        }
    }
}
