//! A batch whose memory goes back to the loader's pool when the last array of it is gone.

use loader::{Batch, Recycler};

use crate::fork_guard::ForkGuard;

/// Owns the memory that the arrays of a batch point into.
pub struct PooledBatch {
    batch: Option<Batch>,
    recycler: Recycler,
    process: ForkGuard,
}

impl PooledBatch {
    /// A batch of the loader that `recycler` belongs to.
    pub fn new(batch: Batch, recycler: Recycler) -> PooledBatch {
        PooledBatch { batch: Some(batch), recycler, process: ForkGuard::new() }
    }
}

impl Drop for PooledBatch {
    fn drop(&mut self) {
        // In a forked child nobody is there to take it, and the channel may be locked for ever.
        if let Some(batch) = self.batch.take().filter(|_| self.process.is_here()) {
            self.recycler.recycle(batch);
        }
    }
}
