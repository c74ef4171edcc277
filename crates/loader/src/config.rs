//! What batches shall hold.

use augment::Recipe;
use dataset::Split;

use crate::Error;

/// Everything that the batches of a run depend on.
#[derive(Clone, Debug)]
pub struct LoaderConfig {
    /// The seed of the run.
    pub seed: u64,
    /// Images whose labels, if any, are not looked at.
    pub unlabeled: Split,
    /// How many of them a batch holds.
    pub unlabeled_per_batch: usize,
    /// Labeled images and how many of them a batch holds.
    pub labeled: Option<(Split, usize)>,
    /// One recipe for every view of every image.
    pub views: Vec<Recipe>,
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
    /// Batches an epoch: what the smaller stream gives, remainders dropped.
    pub fn steps_per_epoch(&self) -> usize {
        let steps = |split: &Split, count: usize| split.len().checked_div(count).unwrap_or(0);
        let unlabeled = steps(&self.unlabeled, self.unlabeled_per_batch);
        match &self.labeled {
            Some((split, count)) => unlabeled.min(steps(split, *count)),
            None => unlabeled,
        }
    }

    /// Labeled images of a batch.
    pub(crate) fn labeled_per_batch(&self) -> usize {
        self.labeled.as_ref().map_or(0, |(_, count)| *count)
    }

    /// Checks everything that could fail later.
    pub fn validate(&self) -> Result<(), Error> {
        at_least_1("workers", self.workers)?;
        at_least_1("prefetch", self.prefetch)?;
        at_least_1("views", self.views.len())?;
        at_least_1("unlabeled_per_batch", self.unlabeled_per_batch)?;
        fits("unlabeled", self.unlabeled_per_batch, &self.unlabeled)?;
        for (i, recipe) in self.views.iter().enumerate() {
            let place = || format!("views[{i}]");
            recipe.validate().map_err(|source| Error::Recipe { place: place(), source })?;
        }
        if let Some((split, count)) = &self.labeled {
            at_least_1("labeled_per_batch", *count)?;
            fits("labeled", *count, split)?;
            if split.labels().is_none() {
                return Err(setting("labeled", "images with labels", "a split without labels"));
            }
        }
        if let Some(recipe) = &self.probe {
            let place = "probe".to_owned();
            recipe.validate().map_err(|source| Error::Recipe { place, source })?;
            if self.labeled.is_none() {
                return Err(setting("probe", "labeled images to show it", "none"));
            }
        }
        Ok(())
    }
}

fn setting(key: &'static str, expected: &'static str, found: impl ToString) -> Error {
    let found = found.to_string();
    Error::Setting { key, expected, found }
}

fn at_least_1(key: &'static str, found: usize) -> Result<(), Error> {
    match found {
        0 => Err(setting(key, "at least 1", 0)),
        _ => Ok(()),
    }
}

fn fits(kind: &'static str, batch: usize, split: &Split) -> Result<(), Error> {
    if batch > split.len() {
        let images = split.len();
        return Err(Error::BatchLargerThanSet { kind, batch, images });
    }
    Ok(())
}
