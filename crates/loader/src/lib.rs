//! Image indices become batches of views, ahead of the consumer and on many threads.
//!
//! A [`Plan`] says what a batch holds. A [`Loader`] shuffles every split anew each epoch, lets a pool
//! of worker threads render the views, and hands finished [`Batch`]es over through a bounded channel.
//! Used batches go back with [`Loader::recycle`], so that nothing is allocated once it is warm. What
//! a batch holds depends on the plan and the position alone, never on the number of workers.
//! [`sequential`] reads a split in order and unaugmented, for evaluation, [`shuffled`] one view of each image in
//! a random order, for classifiers.

mod batch;
mod error;
mod fill;
mod loader;
mod order;
mod plan;
mod producer;
mod sample;
mod sequential;
mod shuffled;

pub use self::batch::{Batch, Block};
pub use self::error::Error;
pub use self::loader::Loader;
pub use self::plan::{Plan, Position};
pub use self::sample::sample;
pub use self::sequential::sequential;
pub use self::shuffled::shuffled;
