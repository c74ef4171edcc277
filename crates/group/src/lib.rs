//! The processes that train one network together, and what they tell each other.
//!
//! A [`Group`] is a set of ranks, one process each. Every rank makes the same calls in the same
//! order; each call is a collective of c10d, PyTorch's library for distributed training, which is
//! part of libtorch: over Gloo on CPUs, over NCCL on GPUs. [`Launch`] is what a launcher says of
//! this process: torchrun, Slurm, or anything that sets the same variables. A group of one process
//! talks to nobody, and its collectives do nothing.
//!
//! Without the feature `c10d`, for a libtorch that was built without it, groups have one process.
//!
//! ```
//! use group::Group;
//! use tch::Tensor;
//!
//! let group = Group::alone();
//! let mut sum = Tensor::from(2.0);
//! group.all_reduce(&mut sum)?;
//! assert_eq!(sum.double_value(&[]), 2.0);
//! # Ok::<(), group::Error>(())
//! ```

#[cfg(feature = "c10d")]
mod absent;
#[cfg(feature = "c10d")]
mod c10d;
mod error;
mod launch;
mod ranks;
#[cfg(feature = "c10d")]
mod rendezvous;

pub use error::Error;
pub use launch::Launch;
pub use ranks::{BatchStatistics, Group};
