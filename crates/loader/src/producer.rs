//! The thread that keeps the channel full.

use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind};

use crossbeam_channel::{Receiver, Sender};
use rayon::ThreadPoolBuilder;

use crate::render::BatchRenderer;
use crate::{Batch, Error, LoaderConfig, Position};

/// Makes batches from a position on until the consumer is gone; failures are the last message.
pub(crate) fn produce(
    plan: &LoaderConfig,
    from: Position,
    finished: &Sender<Result<Batch, Error>>,
    used: &Receiver<Batch>,
) {
    let work = || endless(plan, from, finished, used);
    if let Err(error) = run_on_pool(plan.workers, work) {
        // Without a consumer nobody needs to know.
        let _ = finished.send(Err(error));
    }
}

/// Runs `work` on one of `workers` threads; its parallel parts use them all.
///
/// The pool is scoped, so its threads have ended when this function returns; and the work runs on
/// a worker, so handing out its parts needs no queue between threads.
fn run_on_pool(
    workers: usize,
    work: impl FnOnce() -> Result<(), Error> + Send,
) -> Result<(), Error> {
    let pool = ThreadPoolBuilder::new().num_threads(workers).thread_name(|i| format!("loader-{i}"));
    let ended = catch_unwind(AssertUnwindSafe(|| {
        pool.build_scoped(|thread| thread.run(), |pool| pool.install(work))
    }));
    match ended {
        Ok(Ok(result)) => result,
        Ok(Err(error)) => Err(Error::Threads { workers, reason: error.to_string() }),
        Err(panic) => Err(Error::Worker(message(panic.as_ref()))),
    }
}

fn endless(
    plan: &LoaderConfig,
    from: Position,
    finished: &Sender<Result<Batch, Error>>,
    used: &Receiver<Batch>,
) -> Result<(), Error> {
    let steps = plan.steps_per_epoch() as u32;
    let mut epoch = from.epoch.wrapping_add(from.step / steps);
    let mut step = from.step % steps;
    let mut renderer = BatchRenderer::new(plan);
    loop {
        let mut batch = used.try_recv().unwrap_or_else(|_| Batch::new(plan));
        renderer.fill(&mut batch, epoch, step)?;
        if finished.send(Ok(batch)).is_err() {
            return Ok(());
        }
        step += 1;
        if step == steps {
            (epoch, step) = (epoch.wrapping_add(1), 0);
        }
    }
}

fn message(panic: &(dyn Any + Send)) -> String {
    if let Some(text) = panic.downcast_ref::<&str>() {
        return (*text).to_owned();
    }
    match panic.downcast_ref::<String>() {
        Some(text) => text.clone(),
        None => "panic without a message".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use rayon::prelude::*;

    use super::*;

    #[test]
    fn a_panic_becomes_an_error_with_its_message() {
        let plain = run_on_pool(1, || panic!("out of images"));
        assert_eq!(plain, Err(Error::Worker("out of images".to_owned())));
        let parallel = run_on_pool(3, || {
            (0..100).into_par_iter().for_each(|i| assert!(i != 70, "image {i}"));
            Ok(())
        });
        assert_eq!(parallel, Err(Error::Worker("image 70".to_owned())));
    }

    #[test]
    fn work_without_a_panic_is_fine() {
        let mut ran = false;
        let work = || {
            ran = true;
            Ok(())
        };
        assert_eq!(run_on_pool(2, work), Ok(()));
        assert!(ran);
        let stopped = run_on_pool(2, || Err(Error::Stopped));
        assert_eq!(stopped, Err(Error::Stopped));
    }
}
