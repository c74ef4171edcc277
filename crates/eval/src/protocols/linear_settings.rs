//! Settings of the linear protocol.

use serde::{Deserialize, Serialize};

use crate::{Error, LogisticSettings, Result};

/// Which values of `C`, the inverse of the penalty's strength, to try, and how to choose.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LinearSettings {
    /// The values of `C` in `C * sum CE + |W|^2 / 2` to choose from, ascending.
    pub cs: Vec<f64>,
    /// After how many larger `C` in a row that are all worse than the best so far the rest is left
    /// out: the largest take the longest and only fit train more closely.
    pub patience: usize,
    /// The most training images for which `C` is chosen by cross-validation; with more, one part
    /// is held out.
    pub most_cross_validated: usize,
    /// Folds of the cross-validation, at least 2.
    pub folds: usize,
    /// Share of every class that is held out, between 0 and 1.
    pub validation_share: f64,
    /// Decides which images are validated on.
    pub seed: u64,
    /// How exactly to solve each regression.
    pub solver: LogisticSettings,
}

impl Default for LinearSettings {
    fn default() -> Self {
        Self {
            // Two values a decade, 1e-4 to 1e2.
            cs: (-8..=4).map(|half: i32| 10f64.powf(f64::from(half) / 2.0)).collect(),
            patience: 4,
            most_cross_validated: 2000,
            folds: 5,
            validation_share: 0.2,
            seed: 0,
            solver: LogisticSettings::default(),
        }
    }
}

impl LinearSettings {
    /// Whether every setting is in its range.
    pub(super) fn check(&self) -> Result<()> {
        let positive = self.cs.iter().all(|c| *c > 0.0 && c.is_finite());
        if self.cs.is_empty() || !positive || !self.cs.is_sorted_by(|a, b| a < b) {
            return Err(Error::BadSetting {
                name: "cs",
                expected: "one or more positive numbers in ascending order",
                found: format!("{:?}", self.cs),
            });
        }
        if self.patience == 0 {
            let found = self.patience.to_string();
            return Err(Error::BadSetting { name: "patience", expected: "at least 1", found });
        }
        if self.folds < 2 {
            let found = self.folds.to_string();
            return Err(Error::BadSetting { name: "folds", expected: "at least 2", found });
        }
        if !(self.validation_share > 0.0 && self.validation_share < 1.0) {
            return Err(Error::BadSetting {
                name: "validation_share",
                expected: "between 0 and 1",
                found: self.validation_share.to_string(),
            });
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn default_values_of_c_are_two_a_decade() {
        let cs = LinearSettings::default().cs;
        assert_eq!((cs.len(), cs[0], cs[12]), (13, 1e-4, 1e2));
        assert!((cs[1] - 3.162_277_66e-4).abs() < 1e-12);
        assert!(LinearSettings::default().check().is_ok());
    }

    #[test]
    fn bad_settings_are_refused() {
        for cs in [vec![], vec![1.0, 0.1], vec![0.0, 1.0], vec![1.0, f64::NAN]] {
            let settings = LinearSettings { cs, ..LinearSettings::default() };
            assert!(matches!(settings.check(), Err(Error::BadSetting { name: "cs", .. })));
        }
        for (bad, name) in [
            (LinearSettings { validation_share: 1.0, ..Default::default() }, "validation_share"),
            (LinearSettings { folds: 1, ..Default::default() }, "folds"),
            (LinearSettings { patience: 0, ..Default::default() }, "patience"),
        ] {
            let error = bad.check().unwrap_err();
            assert!(matches!(error, Error::BadSetting { name: found, .. } if found == name));
        }
    }
}
