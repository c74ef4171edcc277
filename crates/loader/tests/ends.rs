//! How a loader starts and ends: refusals, dropping at any moment, waiting.

mod plans;

use std::sync::mpsc;
use std::thread;
use std::time::{Duration, Instant};

use augment::Recipe;
use loader::{Loader, LoaderConfig, Position, Shard};
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
        refusal(|plan| plan.workers = 100_000),
        "loader setting `workers`: expected at most 1024, found 100000"
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
        refusal(|plan| plan.shard.world_size = 7),
        "loader setting `world_size`: expected 1 to 6, the images of the smallest batch, found 7"
    );
    assert_eq!(
        refusal(|plan| plan.shard.world_size = 0),
        "loader setting `world_size`: expected 1 to 6, the images of the smallest batch, found 0"
    );
    assert_eq!(
        refusal(|plan| plan.shard = Shard { rank: 2, world_size: 2 }),
        "loader setting `rank`: expected 0 to 1, below `world_size`, found 2"
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

#[test]
fn waiting_ends_with_the_limit_and_loses_no_batch() {
    // Large views, which take a hundred milliseconds.
    let views = vec![Recipe::seed_strong(1500)];
    let large = LoaderConfig { views, probe: None, batch_size: 3, ..plan(1) };
    let mut loader = Loader::start(large, START).unwrap();
    assert!(loader.next_within(Duration::from_micros(1)).unwrap().is_none());
    let mut next = || loop {
        if let Some(batch) = loader.next_within(Duration::from_millis(1)).unwrap() {
            return (batch.epoch, batch.step);
        }
    };
    assert_eq!([(); 3].map(|()| next()), [(0, 0), (0, 1), (0, 2)]);
}

#[test]
fn batches_go_back_without_the_loader() {
    let mut loader = Loader::start(plan(1), START).unwrap();
    let recycler = loader.recycler();
    let batch = loader.next().unwrap();
    let memory = batch.blocks[0].bytes.as_ptr();
    recycler.recycle(batch);
    // Four batches exist, and each comes back once in four.
    let again = (0..8).any(|_| {
        let batch = loader.next().unwrap();
        let found = batch.blocks[0].bytes.as_ptr() == memory;
        recycler.recycle(batch);
        found
    });
    assert!(again);
    let last = loader.next().unwrap();
    drop(loader);
    recycler.recycle(last);
}
