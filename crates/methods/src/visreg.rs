//! VISReg: views predict their center; center, scale and shape of projections are regularized.

use optim::StepCount;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use tch::{Device, Kind, Tensor};

use crate::context::Directions;
use crate::error::{at_least_1, not_negative, share};
use crate::similarity::distance_to_center;
use crate::{AcceptedViews, GraphCapture, Method, MethodContext, MethodError, Projections};

/// Hyper-parameters of VISReg.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct VisRegConfig {
    /// What is added to standard deviations, and where.
    pub variant: VisRegVariant,
    /// Weight of the regularization, 0 to 1; the distance to the center of the global views has the
    /// rest. The authors' is 0.9 for large sets, 0.6 for small ones.
    pub lambda: f64,
    /// Random directions of a step in which shapes are compared; 4,096 in the authors' code.
    pub slices: i64,
    /// Weight of the distance of standard deviations from 1; the authors' is 1.
    pub scale: f64,
    /// Weight of the distance from the shape of a Gaussian; the authors' is 1, more for long tails.
    pub shape: f64,
    /// Weight of the squared means; the authors' is 1.
    pub center: f64,
}

/// See [`VisRegConfig::variant`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum VisRegVariant {
    /// The authors' code: 1e-6, also in the distance from 1.
    Paper,
    /// lightly's: 1e-4, only where it is divided by the deviation. Near collapse the gradient is a
    /// hundredth of the other's.
    Lightly,
}

/// # Reference
/// Wu et al. 2026, arXiv 2606.02572, algorithm 1, by the authors' code, and lightly's. Directions
/// are drawn anew for every step, from the run's seed and the step.
#[derive(Debug)]
struct VisReg {
    config: VisRegConfig,
    directions: Directions,
}

impl VisRegConfig {
    pub(crate) fn build(&self, context: &MethodContext) -> Result<Box<dyn Method>, MethodError> {
        share("visreg.lambda", self.lambda)?;
        not_negative("visreg.scale", self.scale)?;
        not_negative("visreg.shape", self.shape)?;
        not_negative("visreg.center", self.center)?;
        let slices = at_least_1("visreg.slices", self.slices)?;
        Ok(Box::new(VisReg { config: self.clone(), directions: context.directions(slices) }))
    }
}

impl Method for VisReg {
    fn begin_step(&mut self, count: StepCount, _images: i64) {
        self.directions.draw(count.step);
    }

    fn loss(&self, projections: &Projections) -> Tensor {
        let views = Tensor::stack(&projections.student, 0);
        let directions = self.directions.current();
        visreg(&views, projections.teacher.len() as i64, &directions, &self.config)
    }

    fn loss_terms(&self, _images: i64) -> i64 {
        1
    }

    fn graph_capture(&self) -> GraphCapture {
        GraphCapture::Now
    }

    fn accepted_views(&self) -> AcceptedViews {
        AcceptedViews::ANY
    }
}

/// # Shapes
/// `views` `[V, B, d]`, the first `global` of them global, `directions` `[d, S]` -> scalar
fn visreg(views: &Tensor, global: i64, directions: &Tensor, config: &VisRegConfig) -> Tensor {
    let parts = parts(views, directions, config.variant);
    let weights = [config.scale, config.shape, config.center];
    let [scale, shape, center] = parts;
    let regularization = scale * weights[0] + shape * weights[1] + center * weights[2];
    let lambda = config.lambda;
    distance_to_center(views, global) * (1.0 - lambda) + regularization * lambda
}

/// How far projections are from a standard normal distribution: in scale, shape and center.
///
/// Center and scale are those of each dimension. For the shape, standardized projections are looked
/// at in random directions and sorted; the i-th of B should be the quantile i / (B + 1) of a
/// standard normal distribution (the sliced Wasserstein distance). The deviations that standardize
/// have no gradient. So where projections collapse, the gradient of the shape does not vanish, as
/// that of LeJEPA does, but grows with 1 / deviation: clip it.
///
/// # Shapes
/// `views` `[V, B, d]`, `directions` `[d, S]` -> three scalars
fn parts(views: &Tensor, directions: &Tensor, variant: VisRegVariant) -> [Tensor; 3] {
    let (kind, rows) = (views.kind(), [1i64].as_slice());
    let mean = views.mean_dim(rows, true, kind);
    // Population deviation; its gradient at 0 is 0.
    let deviation = views.std_dim(rows, false, true);
    let (deviation, divisor) = match variant {
        VisRegVariant::Paper => {
            let deviation = deviation + 1e-6;
            (deviation.shallow_clone(), deviation)
        }
        VisRegVariant::Lightly => (deviation.shallow_clone(), deviation + 1e-4),
    };
    let standardized = (views - &mean) / divisor.detach();
    // Of equal rows the first stays first.
    let (sorted, _) = standardized.matmul(directions).sort_stable(true, 1, false);
    let quantiles = quantiles(views.size()[1], views.device()).to_kind(kind);
    [
        (deviation - 1.0).square().mean(kind),
        (sorted - quantiles.view([1, -1, 1])).square().mean(kind),
        mean.square().mean(kind),
    ]
}

/// Quantiles `1 / (count + 1)` to `count / (count + 1)` of a standard normal distribution
/// `[count]`, float64.
fn quantiles(count: i64, device: Device) -> Tensor {
    let ranks = Tensor::arange_start(1, count + 1, (Kind::Double, device));
    (ranks / (count + 1) as f64).special_ndtri()
}

#[cfg(test)]
mod tests;
