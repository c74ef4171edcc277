//! A line of a figure: one method, over its seeds.

use std::collections::BTreeMap;

use run::Metric;

use crate::{MeanStd, Run};

/// One line: at each epoch the mean over the seeds that reached it.
#[derive(Clone, Debug, PartialEq)]
pub struct Series {
    /// What to call it.
    pub name: String,
    /// Epochs in order, and the values there.
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
}
