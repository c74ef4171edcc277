//! A line of a figure: one method, over its seeds.

use std::collections::BTreeMap;

use run::{Metric, StepRecord};

use crate::{MeanStd, Run};

/// The most points of a line by step.
const MOST_POINTS: usize = 300;

/// One line: at each epoch the mean over the seeds that reached it, or at each step its value.
#[derive(Clone, Debug, PartialEq)]
pub struct Series {
    /// What to call it.
    pub name: String,
    /// Epochs or steps in order, and the values there.
    pub points: Vec<(u32, MeanStd)>,
}

impl Series {
    /// The line of `metric` over `runs`.
    pub fn of(name: &str, runs: &[&Run], metric: &Metric) -> Self {
        let mut epochs: BTreeMap<u32, Vec<Option<f64>>> = BTreeMap::new();
        for epoch in runs.iter().flat_map(|run| &run.history) {
            epochs.entry(epoch.epoch).or_default().push(metric.of(epoch));
        }
        let points =
            epochs.into_iter().filter_map(|(epoch, values)| Some((epoch, MeanStd::of(values)?)));
        Self { name: name.to_owned(), points: points.collect() }
    }

    /// The line of a number of each of `steps`. Of very many, each point is the mean over as many
    /// steps in a row, at the last of them.
    pub fn of_steps(name: &str, steps: &[StepRecord], value: fn(&StepRecord) -> f64) -> Self {
        let each = steps.len().div_ceil(MOST_POINTS).max(1);
        let point = |steps: &[StepRecord]| {
            let last = u32::try_from(steps.last()?.step).ok()?;
            Some((last, MeanStd::of(steps.iter().map(|step| Some(value(step))))?))
        };
        Self { name: name.to_owned(), points: steps.chunks(each).filter_map(point).collect() }
    }

    /// Whether some epoch has several seeds, so that there is a band to draw.
    pub fn has_band(&self) -> bool {
        self.points.iter().any(|(_, spread)| spread.n > 1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tests::sample;

    #[test]
    fn seeds_are_averaged_as_far_as_each_goes() {
        let folder = tempfile::tempdir().unwrap();
        let runs = [
            sample::unfinished(folder.path(), "dino", 0, &[0.25, 0.5]),
            sample::unfinished(folder.path(), "dino", 1, &[0.75]),
        ]
        .map(|path| Run::read(&path).unwrap());
        let series = Series::of("dino", &[&runs[0], &runs[1]], &run::TEST_PROBE_ACC);
        let points: Vec<_> = series
            .points
            .iter()
            .map(|(epoch, at)| (*epoch, at.mean, at.min, at.max, at.n))
            .collect();
        assert_eq!(points, [(1, 0.5, 0.25, 0.75, 2), (2, 0.5, 0.5, 0.5, 1)]);
        assert!(series.has_band());
    }

    #[test]
    fn very_many_steps_are_averaged() {
        let step = |step: u64| StepRecord { step, epoch: 1, loss: step as f64, lr: 0.1 };
        let few: Vec<StepRecord> = (1..=300).map(step).collect();
        let series = Series::of_steps("a", &few, |step| step.loss);
        assert_eq!((series.points.len(), series.has_band()), (300, false));
        let many: Vec<StepRecord> = (1..=301).map(step).collect();
        let series = Series::of_steps("a", &many, |step| step.loss);
        assert_eq!(series.points.len(), 151);
        let (at, loss) = series.points[0];
        assert_eq!((at, loss.mean, loss.min, loss.max), (2, 1.5, 1.0, 2.0));
        assert_eq!(series.points[150].0, 301);
        let none = Series::of_steps("a", &[], |step| step.loss);
        assert_eq!(none.points, []);
    }
}
