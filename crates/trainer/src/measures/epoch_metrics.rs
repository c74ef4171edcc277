//! What an epoch measures, gathered without making a GPU wait.

use std::collections::VecDeque;
use std::ops::AddAssign;

use models::cuda::{CudaError, CudaEvent};
use serde::{Deserialize, Serialize};
use tch::{Device, Kind, Tensor};

use crate::learner::StepMetrics;

/// Sums over the steps of an epoch.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct EpochMetrics {
    /// Steps gathered.
    pub steps: u64,
    /// Sum of the steps' losses.
    #[serde(deserialize_with = "run::read_number")]
    pub loss: f64,
    /// Rows of the contrastive accuracy.
    pub contrastive: Ratio,
    /// Rows and columns of the correlation accuracy.
    pub correlation: Ratio,
    /// Sum of the probe's cross-entropies.
    #[serde(deserialize_with = "run::read_number")]
    pub probe_loss: f64,
    /// Images that the probe classified.
    pub probe: Ratio,
    /// Sum of the norms of the gradients.
    #[serde(deserialize_with = "run::read_number")]
    pub gradient_norm: f64,
}

/// How many of a number of things were correct.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Ratio {
    /// Correct ones.
    pub correct: i64,
    /// All.
    pub total: i64,
}

impl Ratio {
    /// The share of correct ones, 0 to 1; NaN of none.
    pub fn share(self) -> f64 {
        self.correct as f64 / self.total as f64
    }
}

impl AddAssign for Ratio {
    fn add_assign(&mut self, other: Self) {
        self.correct += other.correct;
        self.total += other.total;
    }
}

impl EpochMetrics {
    /// Adds a step's numbers: loss, contrastive, correlation, and the probe's.
    pub fn add(&mut self, step: &StepNumbers) {
        self.steps += 1;
        self.loss += step.loss;
        self.contrastive += step.contrastive;
        self.correlation += step.correlation;
        self.probe += step.probe;
        self.probe_loss += step.probe_loss;
        self.gradient_norm += step.gradient_norm;
    }

    /// Mean loss of the steps.
    pub fn mean_loss(&self) -> f64 {
        self.loss / self.steps as f64
    }

    /// Mean norm of the steps' gradients.
    pub fn mean_gradient_norm(&self) -> f64 {
        self.gradient_norm / self.steps as f64
    }

    /// Contrastive accuracy, 0 to 1.
    pub fn contrastive_acc(&self) -> f64 {
        self.contrastive.share()
    }

    /// Correlation accuracy, 0 to 1.
    pub fn correlation_acc(&self) -> f64 {
        self.correlation.share()
    }

    /// The probe's accuracy on weak views of training images, 0 to 1, where there is a probe.
    pub fn probe_acc(&self) -> Option<f64> {
        (self.probe.total > 0).then(|| self.probe.share())
    }

    /// The probe's mean cross-entropy, where there is a probe.
    pub fn probe_loss(&self) -> Option<f64> {
        (self.probe.total > 0).then(|| self.probe_loss / self.probe.total as f64)
    }
}

/// The numbers of one step, on the host.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct StepNumbers {
    /// Mean loss.
    pub loss: f64,
    /// Rows of the contrastive accuracy.
    pub contrastive: Ratio,
    /// Rows and columns of the correlation accuracy.
    pub correlation: Ratio,
    /// Sum of the probe's cross-entropies.
    pub probe_loss: f64,
    /// Images that the probe classified.
    pub probe: Ratio,
    /// Norm of the gradient.
    pub gradient_norm: f64,
}

/// Steps whose numbers are on the device, or on their way to the host.
#[derive(Debug, Default)]
pub struct Pending(VecDeque<PendingStep>);

#[derive(Debug)]
struct PendingStep {
    /// As [`StepNumbers`], all of `f64`.
    scalars: Tensor,
    /// Rows of the contrastive and of the correlation accuracy, and images of the probe.
    totals: [i64; 3],
    /// When the scalars are on the host, for those of a GPU.
    arrived: Option<CudaEvent>,
}

impl Pending {
    /// Starts to bring the scalars of a step to the host, and doesn't wait for them.
    pub fn push(&mut self, measured: &StepMetrics) -> Result<(), CudaError> {
        let device = measured.loss.device();
        let zero = || Tensor::zeros([0i64; 0], (Kind::Double, device));
        let (probe_loss, correct, images) = match &measured.probe {
            Some((score, images)) => {
                (score.loss_sum.shallow_clone(), score.correct.shallow_clone(), *images)
            }
            None => (zero(), zero(), 0),
        };
        let scalars = [
            &measured.loss,
            &measured.contrastive.0,
            &measured.correlation.0,
            &probe_loss,
            &correct,
            &measured.gradient_norm,
        ]
        .map(|scalar| scalar.to_kind(Kind::Double));
        let totals = [measured.contrastive.1, measured.correlation.1, images];
        let mut scalars = Tensor::stack(&scalars, 0);
        let mut arrived = None;
        if let Device::Cuda(gpu) = device {
            scalars = scalars.to_dtype_layout((Kind::Double, Device::Cpu), true, false);
            arrived = Some(CudaEvent::record(gpu)?);
        }
        self.0.push_back(PendingStep { scalars, totals, arrived });
        Ok(())
    }

    /// Number of steps kept.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// The numbers of all kept steps but the newest `left`, oldest first: the one place where a
    /// step's numbers are waited for.
    pub fn take(&mut self, left: usize) -> Result<Vec<StepNumbers>, CudaError> {
        let taken = self.0.len().saturating_sub(left);
        self.0.drain(..taken).map(PendingStep::wait).collect()
    }
}

impl PendingStep {
    fn wait(self) -> Result<StepNumbers, CudaError> {
        self.arrived.iter().try_for_each(CudaEvent::wait)?;
        let row = Vec::<f64>::try_from(&self.scalars).expect("a row of doubles");
        let ratio = |correct: f64, total| Ratio { correct: correct as i64, total };
        let [contrastive, correlation, images] = self.totals;
        Ok(StepNumbers {
            loss: row[0],
            contrastive: ratio(row[1], contrastive),
            correlation: ratio(row[2], correlation),
            probe_loss: row[3],
            probe: ratio(row[4], images),
            gradient_norm: row[5],
        })
    }
}
