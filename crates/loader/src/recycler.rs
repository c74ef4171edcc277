//! Gives batches back from wherever they are let go.

use crossbeam_channel::Sender;

use crate::Batch;

/// Gives the memory of used batches back to the threads of a [`Loader`](crate::Loader), also after
/// the loader is gone. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Recycler(pub(crate) Sender<Batch>);

impl Recycler {
    /// Gives a used batch's memory back to the threads.
    pub fn recycle(&self, batch: Batch) {
        // Where there is no room, or no thread any more, the memory is simply freed.
        let _ = self.0.try_send(batch);
    }
}
