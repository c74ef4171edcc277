//! What batches hold, whoever makes them and wherever they start.

mod plans;

use loader::{Batch, Loader, LoaderConfig, Position, Shard, sequential, sequential_blocks};
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
    let beyond = batches(1, Position { epoch: 0, step: 6 }, 1);
    assert!(beyond[0] == all[6]);
}

#[test]
fn epochs_follow_one_another() {
    let places: Vec<_> = batches(2, START, 7).iter().map(|b| (b.epoch, b.step)).collect();
    let plan = plan(1);
    assert_eq!((plan.steps_per_epoch(), plan.images_per_epoch()), (4, 27));
    assert_eq!(plan.images_per_batch(), [4, 3]);
    assert_eq!(places, [(0, 0), (0, 1), (0, 2), (0, 3), (1, 0), (1, 1), (1, 2)]);
}

#[test]
fn blocks_have_the_views_in_order() {
    let batch = &batches(2, START, 2)[1];
    let shapes: Vec<_> = batch
        .blocks
        .iter()
        .map(|b| (b.views, b.images, b.height, b.width, b.bytes.len()))
        .collect();
    assert_eq!(shapes, [(2, 7, 16, 16, 2 * 7 * 768), (1, 7, 9, 9, 7 * 243)]);
    let probe = batch.probe.as_ref().unwrap();
    assert_eq!((probe.views, probe.images, probe.bytes.len()), (1, 3, 3 * 768));
}

/// What the views of an epoch show, by a recipe of the whole image: every image has one constant
/// value. For each batch the values of its unlabeled and of its labeled images.
fn shown(mut plan: LoaderConfig, epoch: u32) -> Vec<[Vec<u8>; 2]> {
    for recipe in plan.views.iter_mut().chain(&mut plan.probe) {
        recipe.transforms.clear();
    }
    let steps = plan.steps_per_epoch();
    let mut loader = Loader::start(plan, Position { epoch, step: 0 }).unwrap();
    let of_step = |_| {
        let batch = loader.next().unwrap();
        let values: Vec<u8> = batch.blocks[0].bytes.chunks(768).map(|view| view[0]).collect();
        let (views, _) = values.as_chunks::<2>();
        assert!(views.iter().all(|[a, b]| a == b), "both views of an image");
        let values: Vec<u8> = views.iter().map(|view| view[0]).collect();
        let (unlabeled, labeled) = values.split_at(values.len() - batch.labels.len());
        let probe: Vec<u8> = batch.probe.unwrap().bytes.chunks(768).map(|view| view[0]).collect();
        assert_eq!(probe, labeled);
        let classes: Vec<i64> = probe.iter().map(|value| i64::from(value % 10)).collect();
        assert_eq!(batch.labels, classes);
        [unlabeled.to_vec(), labeled.to_vec()]
    };
    (0..steps).map(of_step).collect()
}

#[test]
fn an_epoch_shows_every_image_once_and_labels_belong_to_their_images() {
    let epochs = [0, 1].map(|epoch| shown(plan(2), epoch));
    for epoch in &epochs {
        let sizes: Vec<_> = epoch.iter().map(|[a, b]| (a.len(), b.len())).collect();
        assert_eq!(sizes, [(4, 2), (4, 3), (5, 2), (4, 3)]);
        for (stream, expected) in [(0, 0..17), (1, 100..110)] {
            let mut values: Vec<u8> = epoch.iter().flat_map(|step| step[stream].clone()).collect();
            values.sort_unstable();
            assert_eq!(values, expected.collect::<Vec<u8>>());
        }
    }
    assert_ne!(epochs[0], epochs[1], "another order in the next epoch");
}

/// Where labeled images are all there are, none is shown twice in an epoch.
#[test]
fn images_that_serve_as_both_are_shown_once_with_their_labels() {
    let train = split(100, 10, true);
    let same = |workers| LoaderConfig {
        unlabeled: train.without_labels(),
        labeled: Some(train.clone()),
        batch_size: 4,
        ..plan(workers)
    };
    assert_eq!((same(1).images_per_epoch(), same(1).images_per_batch()), (10, [0, 3]));
    let epoch = shown(same(2), 0);
    assert!(epoch.iter().all(|[unlabeled, _]| unlabeled.is_empty()));
    let mut values: Vec<u8> = epoch.iter().flat_map(|[_, labeled]| labeled.clone()).collect();
    values.sort_unstable();
    assert_eq!(values, (100..110).collect::<Vec<u8>>());
    // Whoever makes the batches.
    let batches = |workers| -> Vec<Batch> {
        let mut loader = Loader::start(same(workers), START).unwrap();
        (0..7).map(|_| loader.next().unwrap()).collect()
    };
    assert!(batches(1) == batches(3));
}

#[test]
fn fewer_labeled_images_than_batches_start_over_with_other_views() {
    let few = LoaderConfig { labeled: Some(split(100, 2, true)), batch_size: 4, ..plan(1) };
    let epoch = shown(few.clone(), 0);
    // Three unlabeled images and a labeled one; 17 of the former.
    assert_eq!((epoch.len(), few.images_per_epoch()), (6, 23));
    assert!(epoch.iter().all(|[unlabeled, labeled]| unlabeled.len() >= 2 && labeled.len() == 1));
    assert_eq!(epoch[0][1], epoch[2][1]);
    let mut loader = Loader::start(few, START).unwrap();
    let probes: Vec<_> = (0..3).map(|_| loader.next().unwrap().probe.unwrap().bytes).collect();
    assert_ne!(probes[0], probes[2], "another view of the same image");
}

#[test]
fn views_differ_between_images_views_and_epochs() {
    let all = batches(2, START, 5);
    let (first, next_epoch) = (&all[0].blocks[0].bytes, &all[4].blocks[0].bytes);
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
            batch.blocks[0].bytes.resize(0);
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
    for (rank, own) in [vec![0, 2], vec![1]].into_iter().enumerate() {
        let shard = Shard { rank, world_size: 2 };
        let found: Result<Vec<_>, _> = sequential_blocks(&split, 8, 3, shard).collect();
        let expected: Vec<_> = own.into_iter().map(|index: usize| blocks[index].clone()).collect();
        assert_eq!(found.unwrap(), expected);
    }
}

#[test]
fn the_parts_of_several_processes_are_the_batch_of_one() {
    let all = batches(2, START, 5);
    for world_size in 1..=6 {
        let of_rank = |rank| -> Vec<Batch> {
            let plan = LoaderConfig { shard: Shard { rank, world_size }, ..plan(2) };
            let mut loader = Loader::start(plan, START).unwrap();
            (0..5).map(|_| loader.next().unwrap()).collect()
        };
        let ranks: Vec<_> = (0..world_size).map(of_rank).collect();
        for (step, whole) in all.iter().enumerate() {
            let parts = || ranks.iter().map(|batches| &batches[step]);
            for block in 0..2 {
                let bytes = parts().flat_map(|part| part.blocks[block].bytes.to_vec());
                assert!(bytes.eq(whole.blocks[block].bytes.iter().copied()), "{world_size} {step}");
            }
            assert_eq!(whole.masks.len(), whole.indices.len() * 2 * 16);
            assert!(parts().flat_map(|part| &part.masks).eq(&whole.masks));
            let probe = parts().flat_map(|part| part.probe.as_ref().unwrap().bytes.to_vec());
            assert!(probe.eq(whole.probe.as_ref().unwrap().bytes.iter().copied()));
            assert!(parts().flat_map(|part| &part.labels).eq(&whole.labels));
            assert!(parts().flat_map(|part| &part.indices).eq(&whole.indices));
            let images = [whole.indices.len(), whole.labels.len()];
            assert_eq!(plan(2).batch_images(whole.step), images);
            let most = LoaderConfig { shard: Shard { rank: 0, world_size }, ..plan(2) };
            assert!(parts().all(|part| part.indices.len() <= most.largest_batch()));
            let sizes: Vec<usize> = parts().map(|part| part.indices.len()).collect();
            let (least, most) = (sizes.iter().min().unwrap(), sizes.iter().max().unwrap());
            assert!(*least >= 1 && most - least <= 1, "{sizes:?}");
        }
    }
}

#[test]
fn indices_say_which_images_a_batch_has() {
    let mut plan = plan(2);
    for recipe in plan.views.iter_mut().chain(&mut plan.probe) {
        recipe.transforms.clear();
    }
    let mut loader = Loader::start(plan, START).unwrap();
    for _ in 0..9 {
        let batch = loader.next().unwrap();
        let shown = batch.blocks[1].bytes.chunks(3 * 9 * 9).map(|view| i64::from(view[0]));
        // The values of labeled images begin at 100, their numbers at 17.
        let numbers = shown.map(|value| if value < 100 { value } else { value - 100 + 17 });
        assert!(numbers.eq(batch.indices.iter().copied()));
        loader.recycle(batch);
    }
}

#[test]
fn full_batches_leave_out_other_images_in_every_epoch() {
    let full = || LoaderConfig { drop_last: true, ..plan(2) };
    assert_eq!((full().steps_per_epoch(), full().images_per_epoch()), (3, 24));
    let mut loader = Loader::start(full(), START).unwrap();
    let mut epochs = [(); 2].map(|()| {
        let of_step = |_| {
            let batch = loader.next().unwrap();
            assert_eq!(batch.indices.len(), 8);
            batch.indices
        };
        (0..3).flat_map(of_step).collect::<Vec<i64>>()
    });
    for epoch in &mut epochs {
        epoch.sort_unstable();
        epoch.dedup();
        assert_eq!(epoch.len(), 24);
    }
    assert_ne!(epochs[0], epochs[1]);
}
