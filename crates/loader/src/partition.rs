//! How the images of an epoch are divided among its batches.

use std::ops::Range;

/// Two shuffled streams of images, divided into batches of nearly equal size so that an epoch
/// shows every image once: batches differ by one image at most.
///
/// A stream with fewer images than there are batches gives one image to each and starts over as
/// often as needed, so that every batch has some of both.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Partition {
    unlabeled: usize,
    labeled: usize,
    steps: usize,
}

/// The part of a stream that a batch holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Share {
    /// Places in the stream's order.
    pub range: Range<usize>,
    /// How often the epoch has been through the stream before.
    pub round: usize,
}

impl Partition {
    /// Batches of at most `batch_size` images, and of at least two: where `batch_size` is 2 and the
    /// number of images odd, one has three.
    pub fn new(unlabeled: usize, labeled: usize, batch_size: usize) -> Partition {
        let all = unlabeled + labeled;
        let mut steps = all.div_ceil(batch_size.max(2)).clamp(1, (all / 2).max(1));
        let (shorter, longer) = (unlabeled.min(labeled), unlabeled.max(labeled));
        if (1..steps).contains(&shorter) {
            steps = longer.div_ceil(batch_size.max(2) - 1);
        }
        Partition { unlabeled, labeled, steps }
    }

    /// Batches of `batch_size` images each, at least two; images that do not fill one are left
    /// out, in the proportion of the streams.
    pub fn full_batches(unlabeled: usize, labeled: usize, batch_size: usize) -> Partition {
        let batch_size = batch_size.max(2);
        let all = unlabeled + labeled;
        let steps = (all / batch_size).max(1);
        let (shorter, longer) = (unlabeled.min(labeled), unlabeled.max(labeled));
        if (1..steps).contains(&shorter) {
            // One of the shorter stream in every batch, as in `new`.
            let steps = (longer / (batch_size - 1)).max(1);
            let of = |images| if images == shorter { images } else { steps * (batch_size - 1) };
            return Partition { unlabeled: of(unlabeled), labeled: of(labeled), steps };
        }
        let used = (steps * batch_size).min(all);
        let labeled = match (unlabeled, labeled) {
            (_, 0) => 0,
            (0, _) => used,
            _ => {
                let share = (labeled as u128 * used as u128 / all as u128) as usize;
                share.clamp(steps, used - steps)
            }
        };
        Partition { unlabeled: used - labeled, labeled, steps }
    }

    /// Batches of an epoch.
    pub fn steps(self) -> usize {
        self.steps
    }

    /// Images of all batches of an epoch.
    pub fn images(self) -> usize {
        let given = |images| if self.is_short(images) { self.steps } else { images };
        given(self.unlabeled) + given(self.labeled)
    }

    /// The unlabeled images of a batch.
    pub fn unlabeled(self, step: usize) -> Share {
        if self.is_short(self.unlabeled) || self.is_short(self.labeled) {
            return self.share(self.unlabeled, step);
        }
        // What the labeled images leave of a batch, so that no two roundings add up.
        let start =
            |step| self.at(self.unlabeled + self.labeled, step) - self.at(self.labeled, step);
        Share { range: start(step)..start(step + 1), round: 0 }
    }

    /// The labeled images of a batch.
    pub fn labeled(self, step: usize) -> Share {
        self.share(self.labeled, step)
    }

    /// The most images of a batch, and the most labeled ones.
    pub fn largest(self) -> [usize; 2] {
        let most = |of: &dyn Fn(usize) -> usize| (0..self.steps).map(of).max().unwrap_or(0);
        let labeled = |step| self.labeled(step).range.len();
        [most(&|step| self.unlabeled(step).range.len() + labeled(step)), most(&labeled)]
    }

    /// The fewest images of a batch.
    pub fn smallest(self) -> usize {
        let images = |step| self.unlabeled(step).range.len() + self.labeled(step).range.len();
        (0..self.steps).map(images).min().unwrap_or(0)
    }

    fn share(self, images: usize, step: usize) -> Share {
        if self.is_short(images) {
            let place = step % images;
            return Share { range: place..place + 1, round: step / images };
        }
        Share { range: self.at(images, step)..self.at(images, step + 1), round: 0 }
    }

    /// Where a step begins in `images` that are spread evenly.
    fn at(self, images: usize, step: usize) -> usize {
        (images as u128 * step as u128 / self.steps as u128) as usize
    }

    /// Whether a stream has images, but fewer than there are batches.
    fn is_short(self, images: usize) -> bool {
        (1..self.steps).contains(&images)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Checks streams that have an image for every batch.
    fn check(unlabeled: usize, labeled: usize, batch_size: usize) {
        let partition = Partition::new(unlabeled, labeled, batch_size);
        if [unlabeled, labeled].iter().any(|&images| partition.is_short(images)) {
            return;
        }
        let case = (unlabeled, labeled, batch_size);
        let mut ends = [0, 0];
        let mut sizes = Vec::new();
        for step in 0..partition.steps() {
            let shares = [partition.unlabeled(step), partition.labeled(step)];
            sizes.push(shares.iter().map(|share| share.range.len()).sum::<usize>());
            for (end, share) in ends.iter_mut().zip(shares) {
                assert_eq!((share.range.start, share.round), (*end, 0), "{case:?}");
                *end = share.range.end;
            }
        }
        assert_eq!(ends, [unlabeled, labeled], "{case:?}");
        let (least, most) = (sizes.iter().min().unwrap(), sizes.iter().max().unwrap());
        assert!(*least >= 2 && most - least <= 1, "{case:?}: {sizes:?}");
        let all = unlabeled + labeled;
        assert!(*most <= batch_size.max(2 + all % 2), "{case:?}: {sizes:?}");
        assert_eq!(partition.images(), all, "{case:?}");
    }

    #[test]
    fn an_epoch_has_every_image_once_in_batches_of_nearly_equal_size() {
        for unlabeled in 0..40 {
            for labeled in 0..40 {
                for batch_size in 2..=unlabeled + labeled {
                    check(unlabeled, labeled, batch_size);
                }
            }
        }
    }

    #[test]
    fn full_batches_have_one_size_and_an_epoch_leaves_out_less_than_a_batch() {
        for unlabeled in 0..40 {
            for labeled in 0..40 {
                for batch_size in 2..=unlabeled + labeled {
                    let case = (unlabeled, labeled, batch_size);
                    let partition = Partition::full_batches(unlabeled, labeled, batch_size);
                    let mut used = [0, 0];
                    for step in 0..partition.steps() {
                        let shares = [partition.unlabeled(step), partition.labeled(step)];
                        let sizes = shares.clone().map(|share| share.range.len());
                        assert_eq!(sizes[0] + sizes[1], batch_size, "{case:?}");
                        let all = [unlabeled, labeled];
                        for ((used, share), all) in used.iter_mut().zip(shares).zip(all) {
                            assert!(share.range.end <= all, "{case:?}");
                            assert_eq!(share.range.is_empty(), all == 0, "{case:?}");
                            *used += share.range.len();
                        }
                    }
                    assert_eq!(used[0] + used[1], partition.images(), "{case:?}");
                    let short = (1..partition.steps()).contains(&unlabeled.min(labeled));
                    let left = (unlabeled + labeled).saturating_sub(used[0] + used[1]);
                    assert!(short || left < batch_size, "{case:?}: {left}");
                }
            }
        }
    }

    #[test]
    fn a_short_stream_starts_over() {
        for (unlabeled, labeled) in [(100, 3), (3, 100)] {
            let partition = Partition::new(unlabeled, labeled, 10);
            // Nine of the hundred and one of the three.
            assert_eq!((partition.steps(), partition.images()), (12, 112));
            assert_eq!(partition.largest()[0], 10);
            let shares: Vec<Share> = (0..12)
                .map(|step| match labeled {
                    3 => partition.labeled(step),
                    _ => partition.unlabeled(step),
                })
                .collect();
            assert!(shares.iter().all(|share| share.range.len() == 1));
            assert_eq!((shares[5].range.start, shares[5].round), (2, 1));
            let long = |step| match labeled {
                3 => partition.unlabeled(step).range,
                _ => partition.labeled(step).range,
            };
            assert_eq!((long(0).start, long(11).end), (0, 100));
        }
    }

    #[test]
    fn even_divisions_are_those_of_the_original_repository() {
        let partition = Partition::new(100_000, 5_000, 525);
        assert_eq!((partition.steps(), partition.largest()), (200, [525, 25]));
        assert_eq!(partition.unlabeled(199).range, 99_500..100_000);
        assert_eq!(partition.labeled(3).range, 75..100);
    }
}
