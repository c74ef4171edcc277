//! Image indices become batches of views, ahead of the consumer and on many threads.
//!
//! A [`LoaderConfig`] says what a batch holds. A [`Loader`] shuffles every split anew each epoch,
//! divides all of it into batches of nearly equal size, lets a pool of worker threads render the
//! views, and hands finished [`Batch`]es over through a bounded channel. Used batches go back with
//! [`Loader::recycle`], so that nothing is allocated once it is warm. What a batch holds depends on
//! the plan and the position alone, never on the number of workers. [`sequential`] reads a split
//! in order and unaugmented, for evaluation, [`shuffled`] one view of each image in a random order,
//! for classifiers.
//!
//! ```
//! use augment::Recipe;
//! use loader::{Loader, LoaderConfig, Position, Shard};
//!
//! let spec = dataset::SyntheticSpec { unlabeled: 16, train: 0, test: 0, size: 16, seed: 0 };
//! let plan = LoaderConfig {
//!     seed: 0,
//!     unlabeled: dataset::synthetic(&spec)?.unlabeled,
//!     labeled: None,
//!     batch_size: 8,
//!     drop_last: false,
//!     shard: Shard::WHOLE,
//!     views: vec![Recipe::seed_strong(12), Recipe::seed_strong(12)],
//!     mask: None,
//!     probe: None,
//!     workers: 2,
//!     prefetch: 1,
//! };
//! let mut loader = Loader::start(plan, Position { epoch: 0, step: 0 })?;
//! for _ in 0..2 {
//!     let batch = loader.next()?;
//!     let block = &batch.blocks[0]; // bytes of [images, views, 3, height, width]
//!     assert_eq!([block.views, block.images, block.height], [2, 8, 12]);
//!     loader.recycle(batch);
//! }
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod batch;
mod config;
mod error;
mod fixed_views;
mod loader;
mod pages;
mod partition;
mod producer;
mod recycler;
mod render;
mod sampler;
mod sequential;
mod shard;
mod shuffled;

pub use self::batch::{Batch, ViewBlock};
pub use self::config::{LoaderConfig, Position};
pub use self::error::Error;
pub use self::fixed_views::fixed_views;
pub use self::loader::Loader;
pub use self::pages::Pages;
pub use self::recycler::Recycler;
pub use self::sequential::{sequential, sequential_blocks};
pub use self::shard::Shard;
pub use self::shuffled::shuffled;
