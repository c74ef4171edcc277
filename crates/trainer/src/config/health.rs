//! What counts as collapsed, and what then.

use run::Health;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::ConfigError;

/// When a run counts as collapsed, and what then.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct HealthConfig {
    /// What to do about a collapse.
    pub on_collapse: OnCollapse,
    /// Least standard deviation of unit-length features, times the root of their number: 1 for
    /// directions that are spread evenly.
    pub min_std: f64,
    /// Least effective rank of the features.
    pub min_rank: f64,
    /// Epochs in a row below either.
    pub patience: u32,
    /// Optional: what to do about an epoch whose kNN accuracy is worse than that of the weights
    /// that the run began with (`--init-weights`), by more than its 95 % interval; `warn` if
    /// missing.
    #[serde(default, skip_serializing_if = "OnRegression::is_warn")]
    pub on_regression: OnRegression,
}

/// See [`HealthConfig::on_regression`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum OnRegression {
    /// Say so, and go on.
    #[default]
    Warn,
    /// Stop.
    Stop,
}

impl OnRegression {
    fn is_warn(&self) -> bool {
        *self == Self::Warn
    }
}

/// See [`HealthConfig::on_collapse`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum OnCollapse {
    /// Say so, and go on.
    Warn,
    /// Stop.
    Stop,
}

impl HealthConfig {
    pub(crate) fn validate(&self) -> Result<(), ConfigError> {
        for (key, value) in [("health.min_std", self.min_std), ("health.min_rank", self.min_rank)] {
            if !(value >= 0.0 && value.is_finite()) {
                return Err(ConfigError::Range {
                    key: key.to_owned(),
                    expected: "a number from 0".to_owned(),
                    found: value.to_string(),
                });
            }
        }
        if self.patience == 0 {
            return Err(ConfigError::Range {
                key: "health.patience".to_owned(),
                expected: "at least 1".to_owned(),
                found: self.patience.to_string(),
            });
        }
        Ok(())
    }

    /// Why these metrics look collapsed, in a few words; `None` where they don't.
    pub(crate) fn collapse_reason(&self, health: &Health, features: i64) -> Option<String> {
        let spread = health.feature_std * (features as f64).sqrt();
        // Not-a-number is below everything.
        if spread.is_nan() || spread < self.min_std {
            return Some(format!(
                "features hardly differ between images: feature_std times the root of {features} is {spread:.4}, below {}",
                self.min_std
            ));
        }
        let rank = health.effective_rank;
        (rank.is_nan() || rank < self.min_rank).then(|| {
            format!(
                "features keep to one direction: effective_rank is {rank:.3}, below {}",
                self.min_rank
            )
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_collapsed_metrics_have_a_reason() {
        let config = HealthConfig {
            on_collapse: OnCollapse::Stop,
            min_std: 0.01,
            min_rank: 1.05,
            patience: 3,
            on_regression: OnRegression::Warn,
        };
        let health = |feature_std, effective_rank| Health {
            feature_std,
            effective_rank,
            projection_std: 0.1,
            projection_rank: 9.0,
            alignment: 0.5,
            uniformity: -2.0,
            dead_features: 0.0,
            teacher_distance: None,
        };
        assert_eq!(config.collapse_reason(&health(0.05, 20.0), 128), None);
        let said = config.collapse_reason(&health(0.0005, 20.0), 128).unwrap();
        assert!(said.contains("0.0057, below 0.01"), "{said}");
        let said = config.collapse_reason(&health(0.05, 1.01), 128).unwrap();
        assert!(said.contains("effective_rank is 1.010"), "{said}");
        assert!(config.collapse_reason(&health(f64::NAN, 20.0), 128).is_some());
    }
}
