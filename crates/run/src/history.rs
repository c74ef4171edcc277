//! What is kept of the finished epochs: the last one and the best one.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{EFFECTIVE_RANK, EpochRecord, VAL_PROBE_ACC};

/// The last epoch and the best one; a part of [`Summary`](crate::Summary).
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct History {
    /// The last epoch, as its line in `metrics.jsonl`.
    pub last: Option<EpochRecord>,
    /// The best epoch, where one is chosen (`checkpoint.best`).
    pub best: Option<Best>,
    /// The epoch with the highest probe accuracy on the test split. Reported, never chosen by.
    pub best_test_probe_acc: Option<TestBest>,
}

/// The best epoch.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Best {
    /// The metric that it was chosen by.
    pub criterion: Criterion,
    /// The metric at its end.
    pub value: f64,
    /// Counted from 1.
    pub epoch: u32,
    /// Steps done at its end; the checkpoint of this step is kept.
    pub step: u64,
}

/// The metric that the best epoch is chosen by; higher is better.
///
/// # Reference
/// Garrido et al. 2023, arXiv 2210.02885, for the effective rank (RankMe): it compares networks of
/// one architecture that one method trained on one set.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Criterion {
    /// [`EFFECTIVE_RANK`]; needs no labels.
    EffectiveRank,
    /// [`VAL_PROBE_ACC`].
    ValProbeAcc,
}

/// An epoch and its probe accuracy on the test split.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct TestBest {
    /// Counted from 1.
    pub epoch: u32,
    /// Probe accuracy on the test split, 0 to 1.
    pub test_probe_acc: f64,
}

impl Criterion {
    /// The key of the metric.
    pub fn key(self) -> &'static str {
        match self {
            Self::EffectiveRank => EFFECTIVE_RANK.key,
            Self::ValProbeAcc => VAL_PROBE_ACC.key,
        }
    }

    /// `epoch` as a candidate; `None` where the metric isn't finite or wasn't measured.
    fn candidate(self, epoch: &EpochRecord) -> Option<Best> {
        let metric = match self {
            Self::EffectiveRank => EFFECTIVE_RANK,
            Self::ValProbeAcc => VAL_PROBE_ACC,
        };
        let value = metric.of(epoch)?;
        Some(Best { criterion: self, value, epoch: epoch.epoch, step: epoch.step })
    }
}

impl History {
    /// Adds an epoch. Returns whether it is better by `criterion` than all before; the first of
    /// equals stays the best.
    pub fn add(&mut self, epoch: &EpochRecord, criterion: Option<Criterion>) -> bool {
        self.last = Some(epoch.clone());
        if let Some(test_probe_acc) = epoch.test_probe_acc
            && self.best_test_probe_acc.is_none_or(|best| test_probe_acc > best.test_probe_acc)
        {
            self.best_test_probe_acc = Some(TestBest { epoch: epoch.epoch, test_probe_acc });
        }
        let candidate = criterion.and_then(|criterion| criterion.candidate(epoch));
        let better = candidate.filter(|new| self.best.is_none_or(|best| new.value > best.value));
        self.best = better.or(self.best);
        better.is_some()
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_criterion_is_the_key_of_its_metric() {
        for criterion in [Criterion::EffectiveRank, Criterion::ValProbeAcc] {
            assert_eq!(serde_json::to_value(criterion).unwrap(), json!(criterion.key()));
        }
    }

    #[test]
    fn the_first_of_equals_is_the_best() {
        let mut history = History::default();
        let mut add = |number: u32, rank: Option<f64>, test: f64| {
            let line = json!({
                "epoch": number, "step": 10 * number, "effective_rank": rank,
                "test_probe_acc": test,
            });
            history.add(&serde_json::from_value(line).unwrap(), Some(Criterion::EffectiveRank))
        };
        let improved = [
            add(1, None, 0.5),
            add(2, Some(2.0), 0.75),
            add(3, Some(2.0), 0.75),
            add(4, Some(1.0), 0.25),
        ];
        assert_eq!(improved, [false, true, false, false]);
        let best = history.best.unwrap();
        assert_eq!((best.epoch, best.step, best.value), (2, 20, 2.0));
        assert_eq!(history.best_test_probe_acc.unwrap().epoch, 2);
        assert_eq!(history.last.unwrap().epoch, 4);
    }
}
