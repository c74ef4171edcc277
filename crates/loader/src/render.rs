//! Rendering the views of one batch, in parallel over images.

use std::ops::Range;
use std::sync::{Mutex, PoisonError};

use augment::{Recipe, Renderer, ViewKey};
use dataset::Split;
use rayon::prelude::*;

use crate::partition::{Partition, Share};
use crate::sampler::{self, Stream};
use crate::{Batch, Error, LoaderConfig, ViewBlock};

/// The orders of one epoch, and one renderer a worker.
pub(crate) struct BatchRenderer<'a> {
    plan: &'a LoaderConfig,
    partition: Partition,
    renderers: Vec<Mutex<Renderer>>,
    epoch: Option<u32>,
    unlabeled: Vec<u32>,
    labeled: Vec<u32>,
}

/// The images of one batch.
#[derive(Clone, Copy)]
struct Images<'a> {
    plan: &'a LoaderConfig,
    epoch: u32,
    unlabeled: Part<'a>,
    labeled: Part<'a>,
}

/// What of an image views are cut from.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Shown {
    /// By the store of the split.
    Whole,
    /// The center square, as in evaluation.
    Square,
}

/// The images of one stream in a batch.
#[derive(Clone, Copy)]
struct Part<'a> {
    /// Their indices in the split.
    indices: &'a [u32],
    /// What to add to an index for a number that no other view of the epoch has.
    first_number: u64,
}

impl<'a> BatchRenderer<'a> {
    pub fn new(plan: &'a LoaderConfig) -> BatchRenderer<'a> {
        BatchRenderer {
            plan,
            partition: plan.partition(),
            renderers: (0..plan.workers).map(|_| Mutex::default()).collect(),
            epoch: None,
            unlabeled: vec![0; plan.unlabeled_images()],
            labeled: vec![0; plan.labeled_images()],
        }
    }

    /// Fills `batch` with the views of one step. Runs on a worker; the others join in.
    ///
    /// # Errors
    /// If files of the set have changed, or one can't be read.
    pub fn fill(&mut self, batch: &mut Batch, epoch: u32, step: u32) -> Result<(), Error> {
        // Before, as reading what was cut off would end the process.
        self.check()?;
        let plan = self.plan;
        if self.epoch != Some(epoch) {
            sampler::shuffle(&mut self.unlabeled, plan.seed, epoch, Stream::Unlabeled);
            sampler::shuffle(&mut self.labeled, plan.seed, epoch, Stream::Labeled);
            self.epoch = Some(epoch);
        }
        let step_number = step as usize;
        let (unlabeled, labeled) =
            (self.partition.unlabeled(step_number), self.partition.labeled(step_number));
        let [of_unlabeled, of_labeled] =
            plan.shard.split(unlabeled.range.len(), labeled.range.len());
        let images = Images {
            plan,
            epoch,
            unlabeled: self.part(&self.unlabeled, 0, unlabeled).of(of_unlabeled),
            labeled: self.part(&self.labeled, self.unlabeled.len(), labeled).of(of_labeled),
        };
        let labeled = images.labeled.indices.len();
        batch.reshape(plan, images.unlabeled.indices.len() + labeled, labeled);
        (batch.epoch, batch.step) = (epoch, step);
        images.copy_labels(&mut batch.labels);
        images.copy_indices(self.unlabeled.len(), &mut batch.indices);
        let mut first_view = 0;
        for block in &mut batch.blocks {
            let recipes = &plan.views[first_view..first_view + block.views];
            self.render(block, recipes, first_view, images, Shown::Whole)?;
            first_view += block.views;
        }
        images.draw_masks(batch.blocks[0].views, &mut batch.masks);
        if let (Some(block), Some(recipe)) = (&mut batch.probe, &plan.probe) {
            let none = Part { indices: &[], ..images.unlabeled };
            let labeled_only = Images { unlabeled: none, ..images };
            let recipes = std::slice::from_ref(recipe);
            self.render(block, recipes, first_view, labeled_only, Shown::Square)?;
        }
        self.check()
    }

    /// The images at `share` of an `order`, whose numbers begin at `first`.
    fn part<'b>(&self, order: &'b [u32], first: usize, share: Share) -> Part<'b> {
        let round = share.round * (self.unlabeled.len() + self.labeled.len());
        Part { indices: &order[share.range], first_number: (first + round) as u64 }
    }

    fn check(&self) -> Result<(), Error> {
        for split in [Some(&self.plan.unlabeled), self.plan.labeled.as_ref()].into_iter().flatten()
        {
            split.check().map_err(|error| Error::Set(error.to_string()))?;
        }
        Ok(())
    }

    fn render(
        &self,
        block: &mut ViewBlock,
        recipes: &[Recipe],
        first_view: usize,
        images: Images<'_>,
        shown: Shown,
    ) -> Result<(), Error> {
        let view_bytes = 3 * block.height * block.width;
        let places = block.bytes.par_chunks_exact_mut(view_bytes * block.views);
        places.enumerate().try_for_each(|(place, out)| {
            let (split, index, number) = images.get(place);
            let worker = rayon::current_thread_index().unwrap_or(0);
            // A worker renders one image's views at a time, so it never waits for its own renderer.
            let mut renderer =
                self.renderers[worker].lock().unwrap_or_else(PoisonError::into_inner);
            let key = images.key(number, first_view);
            if shown == Shown::Whole {
                let rendered = renderer.render_views(recipes, split, index, key, out);
                return rendered.map_err(|error| Error::Set(error.to_string()));
            }
            let views = recipes.iter().zip(out.chunks_exact_mut(view_bytes));
            for (view, (recipe, out)) in (key.view..).zip(views) {
                renderer.render(recipe, &split.image(index), ViewKey { view, ..key }, out);
            }
            Ok(())
        })
    }
}

impl<'a> Part<'a> {
    /// The images at these places of the part.
    fn of(self, places: Range<usize>) -> Part<'a> {
        Part { indices: &self.indices[places], ..self }
    }
}

impl<'a> Images<'a> {
    /// Where the image at a place of the batch is, and its number over both streams.
    fn get(self, place: usize) -> (&'a Split, usize, u64) {
        let unlabeled = self.unlabeled.indices.len();
        let (part, place, split) = match place < unlabeled {
            true => (self.unlabeled, place, &self.plan.unlabeled),
            false => {
                let labeled = self.plan.labeled.as_ref();
                let labeled = labeled.expect("only then are there labeled indices");
                (self.labeled, place - unlabeled, labeled)
            }
        };
        let index = part.indices[place];
        (split, index as usize, part.first_number + u64::from(index))
    }

    /// What the view called `view` of the image with this `number` depends on.
    fn key(self, number: u64, view: usize) -> ViewKey {
        ViewKey { seed: self.plan.seed, epoch: self.epoch, image: number, view: view as u32 }
    }

    /// Writes the masks of the first `views` of every image, where the plan has masks.
    fn draw_masks(self, views: usize, masks: &mut [u8]) {
        let Some(mask) = self.plan.mask else { return };
        let places = masks.par_chunks_exact_mut(views * mask.patches());
        places.enumerate().for_each(|(place, out)| {
            let (_, _, number) = self.get(place);
            for (view, out) in out.chunks_exact_mut(mask.patches()).enumerate() {
                mask.draw(self.key(number, view), out);
            }
        });
    }

    /// Copies which images these are; labeled ones are numbered from `first_labeled` on.
    fn copy_indices(self, first_labeled: usize, indices: &mut [i64]) {
        let unlabeled = self.unlabeled.indices.iter().map(|&index| i64::from(index));
        let labeled = self.labeled.indices.iter();
        let labeled = labeled.map(|&index| first_labeled as i64 + i64::from(index));
        for (place, index) in indices.iter_mut().zip(unlabeled.chain(labeled)) {
            *place = index;
        }
    }

    fn copy_labels(self, labels: &mut [i64]) {
        if let Some(classes) = self.plan.labeled.as_ref().and_then(|split| split.labels()) {
            for (label, &index) in labels.iter_mut().zip(self.labeled.indices) {
                *label = i64::from(classes[index as usize]);
            }
        }
    }
}
