//! What the end-to-end tests stand on: the `twinview` binary, a temporary folder to run it in, a
//! tiny labeled set and tiny configurations. The tests themselves are in `tests/tests`.
//!
//! Everything happens in temporary folders that are deleted afterwards, and with one libtorch
//! thread, so that runs are quick and the same on every machine. For want of a better place a
//! failed expectation panics here, with all that the command said.

mod binary;
mod checkpoint;
mod finished;
mod metrics;
mod pictures;
mod place;
pub mod ranks;
mod usage;

pub use binary::binary;
pub use checkpoint::{Stored, assert_same_tensors, header, tensors};
pub use finished::Finished;
pub use pictures::{picture, png};
pub use place::{Place, STEPS_PER_EPOCH, pretrain, small};
pub use usage::Usage;
