//! SwAV: swapped prediction of cluster assignments that Sinkhorn-Knopp balances over the batch.

use optim::StepCount;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use tch::{Tensor, no_grad};

use crate::error::{at_least_1, not_negative, positive};
use crate::similarity::{normalize, sinkhorn, soft_cross_entropy};
use crate::{AcceptedViews, GraphCapture, Method, MethodContext, MethodError, Projections};

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
    /// Whether all rows of the queue are of earlier batches.
    queue_is_full: bool,
}

impl SwavConfig {
    pub(crate) fn build(&self, context: &MethodContext) -> Result<Box<dyn Method>, MethodError> {
        positive("swav.temperature", self.temperature)?;
        positive("swav.epsilon", self.epsilon)?;
        at_least_1("swav.iterations", i64::from(self.iterations))?;
        at_least_1("swav.prototypes", self.prototypes)?;
        not_negative("swav.queue_size", self.queue_size as f64)?;
        let shape = [context.global_views, self.queue_size, context.dimension];
        Ok(Box::new(Swav {
            config: self.clone(),
            prototypes: context.unit_rows("prototypes", self.prototypes, true),
            queue: (self.queue_size > 0).then(|| context.zeros("queue", &shape)),
            queue_is_full: false,
        }))
    }
}

impl Method for Swav {
    fn begin_step(&mut self, count: StepCount, images: i64) {
        // Earlier batches may have been an image smaller than this one.
        let queued = count.step * (images as u64).saturating_sub(1);
        self.queue_is_full = queued >= self.config.queue_size as u64;
    }

    fn loss(&self, projections: &Projections) -> Tensor {
        let scores = |p: &Tensor| normalize(p).matmul(&self.prototypes.tr()); // [B, K]
        let views_scores: Vec<Tensor> = projections.student.iter().map(scores).collect();
        let queued = self.queue.as_ref().filter(|_| self.queue_is_full).map(|queue| {
            let views = no_grad(|| queue.matmul(&self.prototypes.tr()));
            views.unbind(0)
        });
        let global = projections.teacher.len();
        swapped_prediction(&views_scores, global, queued.as_deref(), &self.config)
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

    fn graph_capture(&self) -> GraphCapture {
        match (&self.queue, self.queue_is_full) {
            (Some(_), false) => GraphCapture::Later,
            _ => GraphCapture::Now,
        }
    }

    fn accepted_views(&self) -> AcceptedViews {
        AcceptedViews::ANY
    }
}

/// The mean cross-entropy of every view's prediction of the codes of the other global views.
///
/// # Shapes
/// `scores`: `[B, K]` a view, the `global` ones first; `queued`: `[Q, K]` for each of these ->
/// scalar
fn swapped_prediction(
    scores: &[Tensor],
    global: usize,
    queued: Option<&[Tensor]>,
    config: &SwavConfig,
) -> Tensor {
    let images = scores[0].size()[0];
    let mut losses = Vec::new();
    for global in 0..global {
        let codes = no_grad(|| {
            let own = scores[global].detach();
            let all = match queued {
                Some(queued) => Tensor::cat(&[&own, &queued[global]], 0),
                None => own,
            };
            sinkhorn(&(all / config.epsilon), config.iterations).narrow(0, 0, images)
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
mod tests;
