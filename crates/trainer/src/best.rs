//! Which epoch of a run is kept as the best, without a look at the test split.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::EpochReport;

/// What the best epoch is chosen by, as configured.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum BestBy {
    /// The effective rank of the features on the fixed sample; needs no labels.
    EffectiveRank,
    /// The online probe's accuracy on labeled images that are held out from training. Where a set
    /// has no labels, as [`EffectiveRank`](Self::EffectiveRank).
    ValProbeAcc {
        /// Fraction of the labeled training images of each class that is held out, above 0 and
        /// below 1.
        val_fraction: f64,
    },
}

/// What the best epoch is chosen by, with this set: a number of [`EpochReport`], the higher the
/// better.
///
/// # Reference
/// Garrido et al. 2023, arXiv 2210.02885, for the effective rank (RankMe): it compares networks of
/// one architecture that one method trained on one set.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Criterion {
    /// See [`BestBy::EffectiveRank`].
    EffectiveRank,
    /// See [`BestBy::ValProbeAcc`].
    ValidationPAcc,
}

/// The best epoch so far.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Best {
    /// What it was chosen by.
    pub criterion: Criterion,
    /// That number, at its end.
    pub value: f64,
    /// 1-based.
    pub epoch: u32,
    /// Steps done at its end; the checkpoint of this step is kept.
    pub step: u64,
}

impl Criterion {
    /// Its key in a line of `metrics.jsonl`.
    pub fn name(self) -> &'static str {
        match self {
            Self::EffectiveRank => "effective_rank",
            Self::ValidationPAcc => "validation_p_acc",
        }
    }

    /// The candidate that an epoch is; none where the number isn't finite or wasn't measured.
    pub(crate) fn candidate(self, report: &EpochReport) -> Option<Best> {
        let value = match self {
            Self::EffectiveRank => Some(report.health.effective_rank),
            Self::ValidationPAcc => report.validation_p_acc,
        };
        Some(Best {
            criterion: self,
            value: value.filter(|value| value.is_finite())?,
            epoch: report.epoch,
            step: report.step,
        })
    }
}
