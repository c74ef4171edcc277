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
        let images = bank.len() + queries.as_ref().map_or(0, Split::len);
        let every = images.div_ceil(budget.max(1)) as u32;
        Some(Self { vote: vote(&bank), bank, queries, every: every.max(1) })
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
mod tests {
    use augment::Recipe;
    use dataset::PixelOrder;
    use loader::Shard;

    use super::*;

    /// Images of one pixel, of `classes` classes in turn.
    fn labeled(count: usize, classes: u16) -> Split {
        let labels = (0..count).map(|index| index as u16 % classes).collect();
        Split::in_memory(vec![0; 3 * count], Some(labels), 1, 1, PixelOrder::RowMajor)
    }

    /// Epochs of `images`, those of `fit` among them, and two views of one size, or with local
    /// views of half of it.
    fn plan(fit: &Split, images: usize, local: usize) -> LoaderConfig {
        let sizes = [8, 8].into_iter().chain(std::iter::repeat_n(4, local));
        LoaderConfig {
            seed: 0,
            unlabeled: labeled(images - fit.len(), 1).without_labels(),
            labeled: Some(fit.clone()),
            batch_size: 10,
            drop_last: false,
            shard: Shard::WHOLE,
            views: sizes.map(Recipe::seed_strong).collect(),
            probe: None,
            workers: 1,
            prefetch: 1,
        }
    }

    #[test]
    fn it_takes_no_more_than_its_share_of_an_epoch() {
        let all = labeled(600, 3);
        let fit = labeled(60, 3);
        // 2,000 images, 2 views, 3 passes each: 12,000 passes, of which 5 % are 600.
        let monitor =
            |images, local| KnnMonitor::new(Some(&all), None, &plan(&fit, images, local)).unwrap();
        let due = |monitor: &KnnMonitor| -> Vec<u32> {
            (1..=5).filter(|&epoch| monitor.is_due(epoch, epoch == 5)).collect()
        };
        assert_eq!(due(&monitor(2_000, 0)), [1, 2, 3, 4, 5]);
        assert_eq!(due(&monitor(1_000, 0)), [2, 4, 5]);
        assert_eq!(due(&monitor(100, 0)), [5]);
        // Eight local views of a quarter of the pixels are as much work as two global ones.
        assert_eq!(due(&monitor(1_000, 8)), [1, 2, 3, 4, 5]);
    }

    #[test]
    fn many_held_out_images_are_asked_and_few_are_not() {
        let all = labeled(9_000, 10);
        let [fit, few, many] = [8_000, 499, 500].map(|count| labeled(count, 10));
        let of = |validation: &Split, images| {
            KnnMonitor::new(Some(&all), Some(validation), &plan(&fit, images, 0)).unwrap()
        };
        let monitor = of(&many, 100_000);
        assert_eq!((monitor.bank.len(), monitor.queries.unwrap().len()), (5_000, 500));
        let monitor = of(&few, 100_000);
        assert_eq!((monitor.bank.len(), monitor.queries.is_none()), (5_000, true));
        // Short epochs have room for fewer images.
        let monitor = of(&labeled(2_000, 10), 16_000);
        assert_eq!((monitor.bank.len(), monitor.queries.unwrap().len()), (2_800, 2_000));
    }

    #[test]
    fn at_most_half_a_class_votes() {
        let k = |images, classes| vote(&labeled(images, classes)).k;
        assert_eq!([k(4_000, 10), k(400, 10), k(300, 10), k(32, 10)], [20, 20, 15, 1]);
        assert_eq!([k(10, 10), k(2, 2)], [1, 1]);
    }

    #[test]
    fn without_labels_or_classes_there_is_nothing_to_measure() {
        let all = labeled(600, 3);
        let plan = plan(&all, 700, 0);
        assert!(KnnMonitor::new(None, None, &plan).is_none());
        assert!(KnnMonitor::new(Some(&all.without_labels()), None, &plan).is_none());
        assert!(KnnMonitor::new(Some(&labeled(600, 1)), None, &plan).is_none());
    }

    #[test]
    fn subsets_are_the_same_every_time_and_of_all_the_images() {
        let bytes = (0u16..300).flat_map(|index| [index as u8, (index >> 8) as u8, 0]).collect();
        let split = Split::in_memory(bytes, None, 1, 1, PixelOrder::RowMajor);
        let indices = |split: &Split| -> Vec<usize> {
            let index = |bytes: &[u8]| usize::from(bytes[0]) + 256 * usize::from(bytes[1]);
            (0..split.len()).map(|row| index(split.image(row).bytes)).collect()
        };
        let some = indices(&subset(&split, 100));
        assert_eq!(some, indices(&subset(&split, 100)));
        let late = some.iter().filter(|&&index| index >= 150).count();
        assert!(some.len() == 100 && some.is_sorted() && (30..70).contains(&late), "{some:?}");
    }
}
