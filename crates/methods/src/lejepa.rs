//! LeJEPA: views predict their center, and SIGReg keeps projections an isotropic Gaussian.

use optim::StepCount;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use tch::Tensor;

use crate::context::Directions;
use crate::error::{at_least_1, share};
use crate::similarity::distance_to_center;
use crate::{AcceptedViews, GraphCapture, Method, MethodContext, MethodError, Projections};

/// Hyper-parameters of LeJEPA.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct LeJepaConfig {
    /// The published forms of the loss.
    pub variant: LeJepaVariant,
    /// Weight of SIGReg, 0 to 1; the distance to the center has the rest. The paper's is 0.05, that
    /// of its minimal example 0.02.
    pub lambda: f64,
    /// Random directions of a step in which SIGReg looks at projections; 256 to 1,024 in the
    /// paper's code.
    pub slices: i64,
}

/// See [`LeJepaConfig::variant`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum LeJepaVariant {
    /// Algorithm 1: the center is that of the global views; frequencies up to 5.
    Paper,
    /// The authors' minimal example: the center is that of all views; frequencies up to 3, in finer
    /// steps.
    Minimal,
}

impl LeJepaVariant {
    fn grid(self) -> Grid {
        match self {
            // 17 points from -5 to 5: of each two of one size one is enough.
            Self::Paper => Grid { largest: 5.0, intervals: 8 },
            Self::Minimal => Grid { largest: 3.0, intervals: 16 },
        }
    }
}

/// The frequencies at which characteristic functions are compared, evenly spaced from 0 on.
#[derive(Clone, Copy, Debug)]
struct Grid {
    largest: f64,
    intervals: u32,
}

impl Grid {
    /// The frequencies and their weights: those of the trapezoidal rule from `-largest` to
    /// `largest`, times the characteristic function of a standard normal distribution.
    fn points(self) -> impl Iterator<Item = (f64, f64)> {
        let step = self.largest / f64::from(self.intervals);
        (0..=self.intervals).map(move |k| {
            let t = f64::from(k) * step;
            let width = if k == 0 || k == self.intervals { step } else { 2.0 * step };
            (t, gaussian(t) * width)
        })
    }
}

/// The characteristic function of a standard normal distribution.
fn gaussian(t: f64) -> f64 {
    (-t * t / 2.0).exp()
}

/// # Reference
/// Balestriero and LeCun 2025, arXiv 2511.08544, algorithm 1. Directions are drawn anew for every
/// step, from the run's seed and the step.
///
/// # Differs from the paper
/// Its listing and its code differ in several places, hence the two forms. Neither has the
/// predictor or the masks that some of its experiments use.
#[derive(Debug)]
struct LeJepa {
    config: LeJepaConfig,
    directions: Directions,
}

impl LeJepaConfig {
    pub(crate) fn build(&self, context: &MethodContext) -> Result<Box<dyn Method>, MethodError> {
        share("lejepa.lambda", self.lambda)?;
        let slices = at_least_1("lejepa.slices", self.slices)?;
        Ok(Box::new(LeJepa { config: self.clone(), directions: context.directions(slices) }))
    }
}

impl Method for LeJepa {
    fn begin_step(&mut self, count: StepCount, _images: i64) {
        self.directions.draw(count.step);
    }

    fn loss(&self, projections: &Projections) -> Tensor {
        let LeJepaConfig { variant, lambda, .. } = self.config;
        let views = Tensor::stack(&projections.student, 0);
        let directions = self.directions.current();
        let centered = match variant {
            LeJepaVariant::Paper => projections.teacher.len(),
            LeJepaVariant::Minimal => projections.student.len(),
        };
        lejepa(&views, centered as i64, &directions, variant.grid(), lambda)
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

/// The distance of all views to the mean of the first `centered` ones, and SIGReg.
///
/// # Shapes
/// `views` `[V, B, d]`, `directions` `[d, S]` -> scalar
fn lejepa(views: &Tensor, centered: i64, directions: &Tensor, grid: Grid, lambda: f64) -> Tensor {
    let sigreg = sigreg(&views.matmul(directions), grid).mean(views.kind());
    distance_to_center(views, centered) * (1.0 - lambda) + sigreg * lambda
}

/// SIGReg, the statistic of Epps and Pulley: how far a sample is from a standard normal
/// distribution, by the squared distance of characteristic functions.
///
/// The characteristic function of a distribution is the mean of `exp(i t x)`; that of a standard
/// normal one is `exp(-t^2 / 2)`. Their squared distance, weighted by the latter and integrated
/// over the frequency `t`, is 0 for no other distribution. It is bounded, and so is its gradient,
/// also for outliers. A distribution in many dimensions is Gaussian if its projections in all
/// directions are: random ones are enough, drawn anew in each step. Where all images have one
/// projection at 0, the gradient is 0 too: from there nothing leads away.
///
/// # Shapes
/// `x` `[V, B, S]` -> `[V, S]`
///
/// # Reference
/// Epps and Pulley 1983; Balestriero and LeCun 2025, arXiv 2511.08544.
fn sigreg(x: &Tensor, grid: Grid) -> Tensor {
    let (kind, images) = (x.kind(), x.size()[1] as f64);
    let mean = |x: Tensor| x.mean_dim([1i64].as_slice(), false, kind);
    let term = |(t, weight): (f64, f64)| {
        let angles = x * t;
        let (real, imaginary) = (mean(angles.cos()) - gaussian(t), mean(angles.sin()));
        (real.square() + imaginary.square()) * (images * weight)
    };
    // At frequency 0 all characteristic functions are 1.
    let mut terms = grid.points().skip(1).map(term);
    let first = terms.next().expect("an interval at least");
    terms.fold(first, |sum, term| sum + term)
}

#[cfg(test)]
mod tests;
