//! The thread that keeps the channel full.

use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind};

use crossbeam_channel::{Receiver, Sender};
use rayon::ThreadPoolBuilder;

use crate::fill::Filler;
use crate::{Batch, Error, Plan, Position};

/// Makes batches from a position on until the consumer is gone; failures are the last message.
pub(crate) fn produce(
    plan: &Plan,
    from: Position,
    finished: &Sender<Result<Batch, Error>>,
    used: &Receiver<Batch>,
) {
    // The pool is scoped, so its threads have ended when this function returns; and the loop runs
    // on a worker, so handing out work needs no queue between threads.
    let pool = ThreadPoolBuilder::new()
        .num_threads(plan.workers)
        .thread_name(|i| format!("loader-{i}"));
    let ended = catch_unwind(AssertUnwindSafe(|| {
        pool.build_scoped(
            |thread| thread.run(),
            |pool| pool.install(|| endless(plan, from, finished, used)),
        )
    }));
    let error = match ended {
        Ok(Ok(())) => return,
        Ok(Err(error)) => Error::Threads {
            workers: plan.workers,
            reason: error.to_string(),
        },
        Err(panic) => Error::Worker(message(panic.as_ref())),
    };
    // Without a consumer nobody needs to know.
    let _ = finished.send(Err(error));
}

fn endless(
    plan: &Plan,
    from: Position,
    finished: &Sender<Result<Batch, Error>>,
    used: &Receiver<Batch>,
) {
    let steps = plan.steps_per_epoch() as u32;
    let mut epoch = from.epoch + from.step / steps;
    let mut step = from.step % steps;
    let mut filler = Filler::new(plan);
    loop {
        let recycled = used.try_recv().ok().filter(|batch| batch.suits(plan));
        let mut batch = recycled.unwrap_or_else(|| Batch::new(plan));
        filler.fill(&mut batch, epoch, step);
        if finished.send(Ok(batch)).is_err() {
            return;
        }
        step += 1;
        if step == steps {
            (epoch, step) = (epoch + 1, 0);
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
