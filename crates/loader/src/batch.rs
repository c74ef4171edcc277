//! What a consumer gets: blocks of planar bytes.

use crate::{LoaderConfig, Pages};

/// Views of equal size, as bytes.
///
/// `bytes` has the shape `[images, views, 3, height, width]`: all views of image 0, then those of
/// image 1, and so on, as they are made, while the image is in a cache; red, green and blue plane
/// of each; rows from left to right. `u8` in 0..=255.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ViewBlock {
    /// The pixels, `images * views * 3 * height * width` of them.
    pub bytes: Pages,
    /// Views of every image.
    pub views: usize,
    /// Images.
    pub images: usize,
    /// Height in pixels.
    pub height: usize,
    /// Width in pixels.
    pub width: usize,
}

impl ViewBlock {
    pub(crate) fn new(views: usize, images: usize, height: usize, width: usize) -> ViewBlock {
        ViewBlock {
            bytes: Pages::zeroed(views * images * 3 * height * width),
            views,
            images,
            height,
            width,
        }
    }

    /// Takes this shape; memory is kept, and what is in it has no meaning.
    fn reshape(&mut self, views: usize, images: usize, size: usize) {
        (self.views, self.images) = (views, images);
        (self.height, self.width) = (size, size);
        self.bytes.resize(views * images * 3 * size * size);
    }
}

/// One step's worth of views.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Batch {
    /// The epoch, from 0.
    pub epoch: u32,
    /// The step inside the epoch, from 0.
    pub step: u32,
    /// The views, in the plan's order; neighboring views of equal size share a block.
    ///
    /// Images are the unlabeled ones, then the labeled ones.
    pub blocks: Vec<ViewBlock>,
    /// Masks of the views of the first block, `[images, views, patches]`: 1 for a hidden patch,
    /// else 0. Empty where the plan has no masks.
    pub masks: Vec<u8>,
    /// One view of each labeled image by the plan's probe recipe.
    pub probe: Option<ViewBlock>,
    /// The classes of the labeled images, 0-based.
    pub labels: Vec<i64>,
    /// Which images these are: of the unlabeled ones the index in their split; of the labeled ones
    /// the index plus the number of unlabeled ones that are not labeled too.
    pub indices: Vec<i64>,
}

impl Batch {
    /// A batch with the memory of the plan's largest one and nothing in it yet.
    pub(crate) fn new(plan: &LoaderConfig) -> Batch {
        let [images, labeled] = plan.partition().largest();
        let mut batch = Batch {
            epoch: 0,
            step: 0,
            blocks: Vec::new(),
            masks: Vec::new(),
            probe: None,
            labels: Vec::new(),
            indices: Vec::new(),
        };
        let most = plan.shard.most(images);
        batch.reshape(plan, most, labeled.min(most));
        batch
    }

    /// Takes the shape of a batch of `images`, of which some are `labeled`. Memory is kept, whoever
    /// it comes from.
    pub(crate) fn reshape(&mut self, plan: &LoaderConfig, images: usize, labeled: usize) {
        let empty = || ViewBlock::new(0, 0, 0, 0);
        let runs = || plan.views.chunk_by(|a, b| a.size == b.size);
        self.blocks.resize_with(runs().count(), empty);
        for (block, run) in self.blocks.iter_mut().zip(runs()) {
            block.reshape(run.len(), images, run[0].size);
        }
        let patches = plan.mask.map_or(0, |mask| mask.patches());
        self.masks.resize(images * self.blocks[0].views * patches, 0);
        match &plan.probe {
            Some(recipe) => {
                self.probe.get_or_insert_with(empty).reshape(1, labeled, recipe.size);
            }
            None => self.probe = None,
        }
        self.labels.resize(labeled, 0);
        self.indices.resize(images, 0);
    }
}
