//! What batches hold, whoever makes them and wherever they start.

mod plans;

use loader::{Batch, Loader, Position, sequential};
use plans::{plan, split};

const START: Position = Position { epoch: 0, step: 0 };

fn batches(workers: usize, from: Position, count: usize) -> Vec<Batch> {
    let mut loader = Loader::start(plan(workers), from).unwrap();
    (0..count).map(|_| loader.next().unwrap()).collect()
}

#[test]
fn workers_do_not_change_a_byte() {
    let one = batches(1, START, 8);
    assert!(one == batches(2, START, 8));
    assert!(one == batches(8, START, 8));
}

#[test]
fn any_position_can_be_started_from() {
    let all = batches(2, START, 9);
    for (i, batch) in all.iter().enumerate() {
        let from = Position { epoch: batch.epoch, step: batch.step };
        assert!(batches(1, from, 1)[0] == *batch, "batch {i}");
    }
    // Steps beyond the epoch's end count into the next one.
    let beyond = batches(1, Position { epoch: 0, step: 4 }, 1);
    assert!(beyond[0] == all[4]);
}

#[test]
fn epochs_follow_one_another() {
    let places: Vec<_> = batches(2, START, 7).iter().map(|b| (b.epoch, b.step)).collect();
    assert_eq!(plan(1).steps_per_epoch(), 3);
    assert_eq!(places, [(0, 0), (0, 1), (0, 2), (1, 0), (1, 1), (1, 2), (2, 0)]);
}

#[test]
fn blocks_have_the_views_in_order() {
    let batch = &batches(2, START, 1)[0];
    let shapes: Vec<_> = batch
        .blocks
        .iter()
        .map(|b| (b.views, b.images, b.height, b.width, b.bytes.len()))
        .collect();
    assert_eq!(shapes, [(2, 8, 16, 16, 2 * 8 * 768), (1, 8, 9, 9, 8 * 243)]);
    let probe = batch.probe.as_ref().unwrap();
    assert_eq!((probe.views, probe.images, probe.bytes.len()), (1, 3, 3 * 768));
}

/// The whole-image recipe shows which image stands where: every image has one constant value.
#[test]
fn an_epoch_shows_every_image_once_and_labels_belong_to_their_images() {
    let mut plan = plan(2);
    for recipe in plan.views.iter_mut().chain(&mut plan.probe) {
        recipe.transforms.clear();
    }
    let steps = plan.steps_per_epoch();
    let mut loader = Loader::start(plan, START).unwrap();
    let mut orders = Vec::new();
    for _ in 0..2 {
        let (mut unlabeled, mut labeled) = (Vec::new(), Vec::new());
        for _ in 0..steps {
            let batch = loader.next().unwrap();
            let values: Vec<u8> = batch.blocks[0].bytes.chunks(768).map(|view| view[0]).collect();
            let (views, _) = values.as_chunks::<2>();
            assert!(views.iter().all(|[a, b]| a == b), "both views of an image");
            let values: Vec<u8> = views.iter().map(|view| view[0]).collect();
            unlabeled.extend_from_slice(&values[..5]);
            labeled.extend_from_slice(&values[5..8]);
            let probe: Vec<u8> =
                batch.probe.unwrap().bytes.chunks(768).map(|view| view[0]).collect();
            assert_eq!(probe, values[5..8]);
            let classes: Vec<i64> = probe.iter().map(|value| i64::from(value % 10)).collect();
            assert_eq!(batch.labels, classes);
        }
        assert!(unlabeled.iter().all(|value| *value < 100));
        assert!(labeled.iter().all(|value| *value >= 100));
        for values in [&unlabeled, &labeled] {
            let mut sorted = values.clone();
            sorted.sort_unstable();
            sorted.dedup();
            assert_eq!(sorted.len(), values.len(), "no image twice");
        }
        orders.push((unlabeled, labeled));
    }
    assert_ne!(orders[0], orders[1], "another order in the next epoch");
}

#[test]
fn views_differ_between_images_views_and_epochs() {
    let all = batches(2, START, 4);
    let (first, next_epoch) = (&all[0].blocks[0].bytes, &all[3].blocks[0].bytes);
    let views: Vec<_> = first.chunks(768).collect();
    assert_ne!(views[0], views[1], "two views of one image");
    assert_ne!(views[0], views[2], "two images");
    assert_ne!(first, next_epoch);
}

#[test]
fn recycled_and_foreign_memory_changes_nothing() {
    let expected = batches(1, START, 6);
    let mut loader = Loader::start(plan(2), START).unwrap();
    for (i, expected) in expected.iter().enumerate() {
        let mut batch = loader.next().unwrap();
        assert!(batch == *expected, "batch {i}");
        if i % 2 == 0 {
            batch.blocks[0].bytes.clear();
            batch.labels.push(1);
        }
        loader.recycle(batch);
    }
}

#[test]
fn sequential_reads_everything_in_order_and_resizes_where_need_be() {
    let split = split(0, 7, true);
    let blocks: Result<Vec<_>, _> = sequential(&split, 8, 3).collect();
    let blocks = blocks.unwrap();
    let shapes: Vec<_> = blocks.iter().map(|b| (b.views, b.images, b.height, b.width)).collect();
    assert_eq!(shapes, [(1, 3, 8, 8), (1, 3, 8, 8), (1, 1, 8, 8)]);
    for (i, image) in blocks.iter().flat_map(|b| b.bytes.chunks(3 * 8 * 8)).enumerate() {
        assert!(image.iter().all(|&value| usize::from(value) == i));
    }
}
