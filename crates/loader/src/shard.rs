//! The part of every batch that one of several processes makes.

use std::ops::Range;

use crate::Error;

/// One process of several that make every batch together. Their parts, one after the other in the
/// order of ranks, are the batch that one process would make.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Shard {
    /// This process, from 0.
    pub rank: usize,
    /// All processes, at least 1.
    pub world_size: usize,
}

impl Shard {
    /// The whole batch, for one process.
    pub const WHOLE: Shard = Shard { rank: 0, world_size: 1 };

    /// The places of this process among the `images` of a batch. The parts of two processes differ
    /// by one image at most.
    pub fn range(self, images: usize) -> Range<usize> {
        let start = |rank| images * rank / self.world_size;
        start(self.rank)..start(self.rank + 1)
    }

    /// The most images of a process.
    pub(crate) fn most(self, images: usize) -> usize {
        images.div_ceil(self.world_size)
    }

    /// The places of this process among the unlabeled images of a batch, and among the labeled ones
    /// that follow.
    pub fn split(self, unlabeled: usize, labeled: usize) -> [Range<usize>; 2] {
        let Range { start, end } = self.range(unlabeled + labeled);
        let labeled = start.saturating_sub(unlabeled)..end.saturating_sub(unlabeled);
        [start.min(unlabeled)..end.min(unlabeled), labeled]
    }

    /// Checks that there is such a process, and an image for each in batches of `smallest` images.
    pub(crate) fn validate(self, smallest: usize) -> Result<(), Error> {
        if !(1..=smallest).contains(&self.world_size) {
            let expected = format!("1 to {smallest}, the images of the smallest batch");
            return Err(Error::setting("world_size", expected, self.world_size));
        }
        if self.rank >= self.world_size {
            let expected = format!("0 to {}, below `world_size`", self.world_size - 1);
            return Err(Error::setting("rank", expected, self.rank));
        }
        Ok(())
    }
}
