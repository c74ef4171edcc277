//! Small plans over images that say which image they are.
#![allow(dead_code, reason = "every test program uses its part")]

use augment::{BlockMask, Recipe};
use dataset::{PixelOrder, Split};
use loader::{LoaderConfig, Shard};

/// `count` images of 10 x 12 pixels; all values of image `i` are `first + i`, its class is the last
/// digit.
pub fn split(first: u8, count: u8, labels: bool) -> Split {
    let values = first..first + count;
    let bytes = values.clone().flat_map(|value| vec![value; 3 * 10 * 12]).collect();
    let labels = labels.then(|| values.map(|value| u16::from(value % 10)).collect());
    Split::in_memory(bytes, labels, 10, 12, PixelOrder::ColumnMajor)
}

/// 17 unlabeled images and 10 labeled ones, at most 8 a batch; two views of 16 pixels and one of 9.
pub fn plan(workers: usize) -> LoaderConfig {
    LoaderConfig {
        seed: 5,
        unlabeled: split(0, 17, false),
        labeled: Some(split(100, 10, true)),
        batch_size: 8,
        drop_last: false,
        shard: Shard::WHOLE,
        views: vec![Recipe::seed_strong(16), Recipe::seed_strong(16), Recipe::seed_strong(9)],
        mask: Some(BlockMask { grid: 4, probability: 0.5, ratio: [0.1, 0.5] }),
        probe: Some(Recipe::seed_weak(16)),
        workers,
        prefetch: 2,
    }
}

/// The same without views that are smaller than their crop: those allocate tables.
pub fn enlarging(workers: usize) -> LoaderConfig {
    let mut plan = plan(workers);
    plan.views[2] = Recipe::seed_strong(12);
    plan
}
