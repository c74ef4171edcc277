//! What batches shall hold.

use augment::{BlockMask, Recipe};
use dataset::Split;

use crate::partition::Partition;
use crate::{Error, Shard};

/// More threads than any processor runs; many more can stop a machine.
const MAX_WORKERS: usize = 1024;

/// Everything that the batches of a run depend on.
#[derive(Clone, Debug)]
pub struct LoaderConfig {
    /// The seed of the run.
    pub seed: u64,
    /// Images whose labels, if any, are not looked at.
    pub unlabeled: Split,
    /// Labeled images. Where they are the unlabeled ones too ([`Split::same_images`]), each is in
    /// an epoch once, with its label.
    pub labeled: Option<Split>,
    /// Images of a batch, at least 2: the most of them, as an epoch is divided evenly. Unlabeled
    /// and labeled images are in the proportion of their numbers.
    pub batch_size: usize,
    /// Whether every batch has `batch_size` images, and an epoch leaves out those that do not fill
    /// one: others in every epoch.
    pub drop_last: bool,
    /// Which part of every batch this process makes.
    pub shard: Shard,
    /// One recipe for every view of every image.
    pub views: Vec<Recipe>,
    /// Masks of the patches of the first views, those of equal size that share the first block;
    /// `None` for no masks.
    pub mask: Option<BlockMask>,
    /// The recipe of one more view of the labeled images, for a probe.
    pub probe: Option<Recipe>,
    /// Threads that render views, at least 1. Has no influence on the batches.
    pub workers: usize,
    /// Finished batches that may wait for the consumer, at least 1.
    pub prefetch: usize,
}

/// A place in the endless sequence of batches.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Position {
    /// The epoch, from 0.
    pub epoch: u32,
    /// The step inside the epoch, from 0. Steps beyond the epoch's end count into the next ones.
    pub step: u32,
}

impl LoaderConfig {
    /// Batches of an epoch: as few as hold all images.
    pub fn steps_per_epoch(&self) -> usize {
        self.partition().steps()
    }

    /// Images of an epoch, over all batches. These are all images once, except where there are
    /// fewer of one kind than batches: every batch has at least one of each.
    pub fn images_per_epoch(&self) -> usize {
        self.partition().images()
    }

    /// Unlabeled and labeled images of a batch, in the mean and rounded.
    pub fn images_per_batch(&self) -> [usize; 2] {
        let partition = self.partition();
        let steps = partition.steps();
        let mean = |images: usize| (images + steps / 2) / steps;
        let labeled = (0..steps).map(|step| partition.labeled(step).range.len()).sum();
        let labeled = mean(labeled);
        [mean(partition.images()).saturating_sub(labeled), labeled]
    }

    /// Images of the batch of all processes at `step` of an epoch, and how many of them are
    /// labeled.
    pub fn batch_images(&self, step: u32) -> [usize; 2] {
        let (partition, step) = (self.partition(), step as usize);
        let labeled = partition.labeled(step).range.len();
        [partition.unlabeled(step).range.len() + labeled, labeled]
    }

    /// The most images of a batch of this process.
    pub fn largest_batch(&self) -> usize {
        self.shard.most(self.partition().largest()[0])
    }

    /// Unlabeled images that aren't labeled ones too.
    pub(crate) fn unlabeled_images(&self) -> usize {
        let labeled = self.labeled.as_ref();
        match labeled.is_some_and(|labeled| labeled.same_images(&self.unlabeled)) {
            true => 0,
            false => self.unlabeled.len(),
        }
    }

    /// Labeled images.
    pub(crate) fn labeled_images(&self) -> usize {
        self.labeled.as_ref().map_or(0, Split::len)
    }

    /// How an epoch is divided into batches.
    pub(crate) fn partition(&self) -> Partition {
        let divide = if self.drop_last { Partition::full_batches } else { Partition::new };
        divide(self.unlabeled_images(), self.labeled_images(), self.batch_size)
    }

    /// Checks everything that could fail later.
    pub fn validate(&self) -> Result<(), Error> {
        at_least("workers", 1, self.workers)?;
        if self.workers > MAX_WORKERS {
            return Err(Error::setting("workers", format!("at most {MAX_WORKERS}"), self.workers));
        }
        at_least("prefetch", 1, self.prefetch)?;
        at_least("views", 1, self.views.len())?;
        at_least("unlabeled", 1, self.unlabeled.len())?;
        at_least("batch_size", 2, self.batch_size)?;
        let (batch, images) = (self.batch_size, self.unlabeled_images() + self.labeled_images());
        if batch > images {
            return Err(Error::BatchLargerThanSet { batch, images });
        }
        self.shard.validate(self.partition().smallest())?;
        for (i, recipe) in self.views.iter().enumerate() {
            let place = || format!("views[{i}]");
            recipe.validate().map_err(|source| Error::Recipe { place: place(), source })?;
        }
        if let Some(mask) = &self.mask {
            let place = "mask".to_owned();
            mask.validate().map_err(|source| Error::Recipe { place, source })?;
        }
        if let Some(split) = &self.labeled {
            at_least("labeled", 1, split.len())?;
            if split.labels().is_none() {
                return Err(Error::setting(
                    "labeled",
                    "images with labels",
                    "a split without labels",
                ));
            }
        }
        if let Some(recipe) = &self.probe {
            let place = "probe".to_owned();
            recipe.validate().map_err(|source| Error::Recipe { place, source })?;
            if self.labeled.is_none() {
                return Err(Error::setting("probe", "labeled images to show it", "none"));
            }
        }
        Ok(())
    }
}

fn at_least(key: &'static str, least: usize, found: usize) -> Result<(), Error> {
    if found < least {
        return Err(Error::setting(key, format!("at least {least}"), found));
    }
    Ok(())
}
