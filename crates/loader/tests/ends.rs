//! How a loader starts and ends: refusals, dropping at any moment, waiting.

mod plans;

use std::sync::mpsc;
use std::thread;
use std::time::{Duration, Instant};

use augment::Recipe;
use loader::{Loader, LoaderConfig, Position};
use plans::{plan, split};

const START: Position = Position { epoch: 0, step: 0 };

fn refusal(change: impl FnOnce(&mut LoaderConfig)) -> String {
    let mut plan = plan(2);
    change(&mut plan);
    Loader::start(plan, START).unwrap_err().to_string()
}

#[test]
fn plans_that_cannot_work_are_refused() {
    assert_eq!(
        refusal(|plan| plan.batch_size = 28),
        "batch larger than the set: expected at most 27 images a batch, found 28"
    );
    assert_eq!(
        refusal(|plan| plan.labeled = Some(split(100, 10, false))),
        "loader setting `labeled`: expected images with labels, found a split without labels"
    );
    assert_eq!(
        refusal(|plan| plan.labeled = None),
        "loader setting `probe`: expected labeled images to show it, found none"
    );
    assert_eq!(
        refusal(|plan| plan.workers = 0),
        "loader setting `workers`: expected at least 1, found 0"
    );
    assert_eq!(
        refusal(|plan| plan.prefetch = 0),
        "loader setting `prefetch`: expected at least 1, found 0"
    );
    assert_eq!(
        refusal(|plan| plan.views.clear()),
        "loader setting `views`: expected at least 1, found 0"
    );
    assert_eq!(
        refusal(|plan| plan.batch_size = 1),
        "loader setting `batch_size`: expected at least 2, found 1"
    );
    assert_eq!(
        refusal(|plan| plan.views[1] = Recipe::seed_strong(0)),
        "views[1]: recipe key `size`: expected a number from 1 to 4096, found 0"
    );
}

#[test]
fn a_batch_may_be_the_whole_set() {
    let mut plan = plan(1);
    plan.batch_size = 27;
    assert_eq!(plan.steps_per_epoch(), 1);
    let mut loader = Loader::start(plan, START).unwrap();
    assert_eq!((0..3).map(|_| loader.next().unwrap().epoch).collect::<Vec<_>>(), [0, 1, 2]);
}

#[test]
fn without_labeled_images_batches_have_no_labels() {
    let mut plan = plan(2);
    (plan.labeled, plan.probe) = (None, None);
    assert_eq!(plan.steps_per_epoch(), 3);
    let batch = Loader::start(plan, START).unwrap().next().unwrap();
    // 17 images in three batches.
    assert_eq!((batch.blocks[0].images, batch.labels.len(), batch.probe), (5, 0, None));
}

/// Runs `work` and fails if it has not ended after a time that is far beyond what it needs.
fn within_a_minute(work: impl FnOnce() + Send + 'static) {
    let (done, ended) = mpsc::channel();
    let thread = thread::spawn(move || {
        work();
        let _ = done.send(());
    });
    ended.recv_timeout(Duration::from_secs(60)).expect("the loader ends");
    thread.join().unwrap();
}

#[test]
fn dropping_ends_the_threads_at_any_moment() {
    within_a_minute(|| {
        for workers in [1, 4] {
            for taken in [0, 1, 2, 7] {
                let mut loader = Loader::start(plan(workers), START).unwrap();
                for _ in 0..taken {
                    loader.next().unwrap();
                }
            }
            // With the channel full and the producer waiting.
            let loader = Loader::start(plan(workers), START).unwrap();
            thread::sleep(Duration::from_millis(20));
            drop(loader);
        }
    });
}

#[test]
fn a_batch_can_outlive_its_loader() {
    let mut loader = Loader::start(plan(2), START).unwrap();
    let batch = loader.next().unwrap();
    drop(loader);
    assert_eq!(batch.labels.len(), 2);
}

#[test]
fn waiting_is_measured() {
    let start = Instant::now();
    let mut loader = Loader::start(plan(1), START).unwrap();
    assert_eq!(loader.wait_secs(), 0.0);
    for _ in 0..50 {
        let batch = loader.next().unwrap();
        loader.recycle(batch);
    }
    let waited = loader.wait_secs();
    assert!(waited > 0.0 && waited <= start.elapsed().as_secs_f64(), "{waited} s");
}
