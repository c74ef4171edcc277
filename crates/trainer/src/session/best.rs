//! Which epoch of a run is kept as the best, without a look at the test split.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

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
