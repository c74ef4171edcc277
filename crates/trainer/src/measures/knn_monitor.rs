//! Which images tell, by their nearest neighbors, how good the features are while a run trains.

use dataset::{Split, splitmix64};
use loader::LoaderConfig;
use metrics::KnnVote;

/// Held-out images from which their accuracy is worth more than that of leave-one-out.
const ENOUGH: usize = 500;
/// The most images whose class is asked for, and the most that answer.
const QUERIES: usize = 2_000;
const BANK: usize = 5_000;
/// Images that are always used, where there are as many.
const LEAST: usize = 1_000;
/// Share of the training time that measuring may take.
const SHARE: f64 = 0.05;
/// Forward passes that take as long as a training step does with an image.
const STEP_PASSES: f64 = 3.0;
/// Draws the subsets. Not the seed of the run, so that runs with several are measured alike.
const SUBSET_SEED: u64 = 0;

/// Labeled images, none of them from the test split, and how often they are encoded.
#[derive(Debug)]
pub(crate) struct KnnMonitor {
    /// Images that answer.
    pub bank: Split,
    /// Images whose class is asked for; `None` for each of the bank, which is then left out.
    pub queries: Option<Split>,
    /// How the bank votes.
    pub vote: KnnVote,
    /// Epochs from one measurement to the next.
    every: u32,
}

impl KnnMonitor {
    /// The monitor of a run that trains by `plan`. `labeled` are the labeled training images, of
    /// which `validation` is held out. `None` without labels of at least two classes.
    ///
    /// How often it measures follows from numbers of images alone, never from a clock: a run that
    /// is resumed, elsewhere too, measures after the same epochs.
    pub fn new(
        labeled: Option<&Split>,
        validation: Option<&Split>,
        plan: &LoaderConfig,
    ) -> Option<Self> {
        let labeled = labeled?;
        let labels = labeled.labels()?;
        if labels.iter().all(|label| *label == labels[0]) {
            return None;
        }
        let budget = budget(plan);
        let most = budget.max(LEAST);
        let held_out = validation.filter(|validation| validation.len() >= ENOUGH);
        let (bank, queries) = match (held_out, &plan.labeled) {
            (Some(validation), Some(fit)) => {
                let queries = subset(validation, QUERIES.min(most / 2));
                let bank = subset(fit, BANK.min(most - queries.len()));
                (bank, Some(queries))
            }
            _ => (subset(labeled, BANK.min(most)), None),
        };
        let mut monitor = Self { vote: vote(&bank), bank, queries, every: 1 };
        monitor.every = (monitor.images().div_ceil(budget.max(1)) as u32).max(1);
        Some(monitor)
    }

    /// Images that are encoded.
    pub fn images(&self) -> usize {
        self.bank.len() + self.queries.as_ref().map_or(0, Split::len)
    }

    /// Images whose class is asked for.
    pub fn asked(&self) -> usize {
        self.queries.as_ref().unwrap_or(&self.bank).len()
    }

    /// Whether to measure after `epoch`, counted from 1, which may be the `last`.
    pub fn is_due(&self, epoch: u32, last: bool) -> bool {
        last || epoch.is_multiple_of(self.every)
    }
}

/// The vote of `bank`, with fewer neighbors where classes are small: if all images of a class and
/// more vote, its own have the fewest votes where each is left out.
fn vote(bank: &Split) -> KnnVote {
    let mut classes = bank.labels().unwrap_or_default().to_vec();
    classes.sort_unstable();
    classes.dedup();
    let usual = KnnVote::default();
    let half_a_class = bank.len() / (2 * classes.len().max(1));
    KnnVote { k: usual.k.min(half_a_class as i64).max(1), ..usual }
}

/// Images that can be encoded in the allowed share of the time of an epoch.
fn budget(plan: &LoaderConfig) -> usize {
    let side = plan.views.first().map_or(1, |recipe| recipe.size) as f64;
    // Encoding takes time by the pixel.
    let views: f64 = plan.views.iter().map(|recipe| (recipe.size as f64 / side).powi(2)).sum();
    (SHARE * STEP_PASSES * views * plan.images_per_epoch() as f64) as usize
}

/// Up to `count` images of `split`, the same in every run.
fn subset(split: &Split, count: usize) -> Split {
    let mut rows: Vec<u32> = (0..split.len() as u32).collect();
    if rows.len() > count {
        rows.sort_by_key(|&row| splitmix64(splitmix64(SUBSET_SEED) ^ u64::from(row)));
        rows.truncate(count);
        rows.sort_unstable();
    }
    split.select(&rows)
}

#[cfg(test)]
mod tests;
