//! What libtorch's C++ library can do with a GPU and `tch` can't: copies beside computations, and
//! CUDA graphs.
//!
//! The binary links nothing of CUDA: what is here fails where no CUDA libtorch is loaded.

mod event;
mod ffi;
mod graph;
mod memory;
mod page_lock;
mod transfer;

pub use self::event::CudaEvent;
pub use self::graph::{ComputeStream, CudaGraph, GraphMemory};
pub use self::memory::{peak_memory, reset_peak_memory};
pub use self::page_lock::PageLock;
pub use self::transfer::{CopyStream, Transfer};

/// Why a GPU's driver refused something, in its words.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("CUDA: {0}")]
pub struct CudaError(String);

#[cfg(test)]
mod tests;
