//! The consumer's side of the channel.

use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use crossbeam_channel::{Receiver, RecvTimeoutError, bounded};

use crate::producer::produce;
use crate::{Batch, Error, LoaderConfig, Position, Recycler};

/// An endless sequence of batches, made ahead of the consumer.
///
/// Dropping it stops the threads and waits for them: at most for the batch in the making.
#[derive(Debug)]
pub struct Loader {
    /// `None` only while dropping, when closing it tells the producer to stop.
    finished: Option<Receiver<Result<Batch, Error>>>,
    recycler: Recycler,
    producer: Option<JoinHandle<()>>,
    waited: Duration,
}

impl Loader {
    /// Starts the threads; the first batch is the one at `from`.
    ///
    /// # Errors
    /// If the plan cannot be used: a batch larger than a split, a wrong recipe, no worker, no
    /// labels.
    pub fn start(plan: LoaderConfig, from: Position) -> Result<Loader, Error> {
        plan.validate()?;
        let (to_consumer, finished) = bounded(plan.prefetch);
        // As many batches as exist at once: waiting, in the making, with the consumer. All are
        // there from the start and used in turn, so that memory is soon what it stays.
        let batches = plan.prefetch + 2;
        let (used, from_consumer) = bounded(batches);
        for _ in 0..batches {
            let _ = used.try_send(Batch::new(&plan));
        }
        let workers = plan.workers;
        let producer = thread::Builder::new()
            .name("loader".to_owned())
            .spawn(move || produce(&plan, from, &to_consumer, &from_consumer))
            .map_err(|error| Error::Threads { workers, reason: error.to_string() })?;
        Ok(Loader {
            finished: Some(finished),
            recycler: Recycler(used),
            producer: Some(producer),
            waited: Duration::ZERO,
        })
    }

    /// The next batch; epochs follow one another without end.
    ///
    /// # Errors
    /// If a worker failed. Every later call fails too.
    #[expect(
        clippy::should_implement_trait,
        reason = "an iterator would have an end and no errors"
    )]
    pub fn next(&mut self) -> Result<Batch, Error> {
        let finished = self.finished.as_ref().ok_or(Error::Stopped)?;
        if let Ok(batch) = finished.try_recv() {
            return batch;
        }
        let start = Instant::now();
        let batch = finished.recv();
        self.waited += start.elapsed();
        batch.unwrap_or(Err(Error::Stopped))
    }

    /// The next batch, if it is there within `limit`.
    ///
    /// # Errors
    /// As [`next`](Self::next).
    pub fn next_within(&mut self, limit: Duration) -> Result<Option<Batch>, Error> {
        let finished = self.finished.as_ref().ok_or(Error::Stopped)?;
        let start = Instant::now();
        let batch = finished.recv_timeout(limit);
        self.waited += start.elapsed();
        match batch {
            Ok(batch) => batch.map(Some),
            Err(RecvTimeoutError::Timeout) => Ok(None),
            Err(RecvTimeoutError::Disconnected) => Err(Error::Stopped),
        }
    }

    /// Gives a used batch's memory back to the threads.
    pub fn recycle(&self, batch: Batch) {
        self.recycler.recycle(batch);
    }

    /// What gives batches back where the loader itself is not at hand.
    pub fn recycler(&self) -> Recycler {
        self.recycler.clone()
    }

    /// The time that [`next`](Self::next) has waited for batches so far, in seconds.
    pub fn wait_secs(&self) -> f64 {
        self.waited.as_secs_f64()
    }
}

impl Drop for Loader {
    fn drop(&mut self) {
        self.finished = None;
        if let Some(producer) = self.producer.take() {
            // Panics of the thread were sent as errors.
            let _ = producer.join();
        }
    }
}
