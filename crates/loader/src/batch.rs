//! What a consumer gets: blocks of planar bytes.

use crate::LoaderConfig;

/// Views of equal size, as bytes.
///
/// `bytes` has the shape `[images, views, 3, height, width]`: all views of image 0, then those of
/// image 1, and so on, as they are made, while the image is in a cache; red, green and blue plane
/// of each; rows from left to right. `u8` in 0..=255.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ViewBlock {
    /// The pixels, `images * views * 3 * height * width` of them.
    pub bytes: Vec<u8>,
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
            bytes: vec![0; views * images * 3 * height * width],
            views,
            images,
            height,
            width,
        }
    }

    fn holds(&self, views: usize, images: usize, size: usize) -> bool {
        (self.views, self.images) == (views, images)
            && (self.height, self.width) == (size, size)
            && self.bytes.len() == views * images * 3 * size * size
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
    /// One view of each labeled image by the plan's probe recipe.
    pub probe: Option<ViewBlock>,
    /// The classes of the labeled images, 0-based.
    pub labels: Vec<i64>,
}

impl Batch {
    /// A batch with the plan's memory and nothing in it yet.
    pub(crate) fn new(plan: &LoaderConfig) -> Batch {
        let labeled = plan.labeled_per_batch();
        let images = plan.unlabeled_per_batch + labeled;
        let mut blocks = Vec::<ViewBlock>::new();
        for run in plan.views.chunk_by(|a, b| a.size == b.size) {
            blocks.push(ViewBlock::new(run.len(), images, run[0].size, run[0].size));
        }
        let probe = plan.probe.as_ref();
        Batch {
            epoch: 0,
            step: 0,
            blocks,
            probe: probe.map(|recipe| ViewBlock::new(1, labeled, recipe.size, recipe.size)),
            labels: vec![0; labeled],
        }
    }

    /// Whether the memory is that of the plan's batches, as a consumer may hand back anything.
    pub(crate) fn suits(&self, plan: &LoaderConfig) -> bool {
        let labeled = plan.labeled_per_batch();
        let images = plan.unlabeled_per_batch + labeled;
        let runs = || plan.views.chunk_by(|a, b| a.size == b.size);
        let blocks = self.blocks.iter().zip(runs());
        let probe = match (&self.probe, &plan.probe) {
            (Some(block), Some(recipe)) => block.holds(1, labeled, recipe.size),
            (block, recipe) => block.is_none() && recipe.is_none(),
        };
        probe
            && self.labels.len() == labeled
            && self.blocks.len() == runs().count()
            && blocks.into_iter().all(|(block, run)| block.holds(run.len(), images, run[0].size))
    }
}
