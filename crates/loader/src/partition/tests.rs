use super::*;

/// Checks streams that have an image for every batch.
fn check(unlabeled: usize, labeled: usize, batch_size: usize) {
    let partition = Partition::new(unlabeled, labeled, batch_size);
    if [unlabeled, labeled].iter().any(|&images| partition.is_short(images)) {
        return;
    }
    let case = (unlabeled, labeled, batch_size);
    let mut ends = [0, 0];
    let mut sizes = Vec::new();
    for step in 0..partition.steps() {
        let shares = [partition.unlabeled(step), partition.labeled(step)];
        sizes.push(shares.iter().map(|share| share.range.len()).sum::<usize>());
        for (end, share) in ends.iter_mut().zip(shares) {
            assert_eq!((share.range.start, share.round), (*end, 0), "{case:?}");
            *end = share.range.end;
        }
    }
    assert_eq!(ends, [unlabeled, labeled], "{case:?}");
    let (least, most) = (sizes.iter().min().unwrap(), sizes.iter().max().unwrap());
    assert!(*least >= 2 && most - least <= 1, "{case:?}: {sizes:?}");
    let all = unlabeled + labeled;
    assert!(*most <= batch_size.max(2 + all % 2), "{case:?}: {sizes:?}");
    assert_eq!(partition.images(), all, "{case:?}");
}

#[test]
fn an_epoch_has_every_image_once_in_batches_of_nearly_equal_size() {
    for unlabeled in 0..40 {
        for labeled in 0..40 {
            for batch_size in 2..=unlabeled + labeled {
                check(unlabeled, labeled, batch_size);
            }
        }
    }
}

#[test]
fn full_batches_have_one_size_and_an_epoch_leaves_out_less_than_a_batch() {
    for unlabeled in 0..40 {
        for labeled in 0..40 {
            for batch_size in 2..=unlabeled + labeled {
                let case = (unlabeled, labeled, batch_size);
                let partition = Partition::full_batches(unlabeled, labeled, batch_size);
                let mut used = [0, 0];
                for step in 0..partition.steps() {
                    let shares = [partition.unlabeled(step), partition.labeled(step)];
                    let sizes = shares.clone().map(|share| share.range.len());
                    assert_eq!(sizes[0] + sizes[1], batch_size, "{case:?}");
                    let all = [unlabeled, labeled];
                    for ((used, share), all) in used.iter_mut().zip(shares).zip(all) {
                        assert!(share.range.end <= all, "{case:?}");
                        assert_eq!(share.range.is_empty(), all == 0, "{case:?}");
                        *used += share.range.len();
                    }
                }
                assert_eq!(used[0] + used[1], partition.images(), "{case:?}");
                let short = (1..partition.steps()).contains(&unlabeled.min(labeled));
                let left = (unlabeled + labeled).saturating_sub(used[0] + used[1]);
                assert!(short || left < batch_size, "{case:?}: {left}");
            }
        }
    }
}

#[test]
fn a_short_stream_starts_over() {
    for (unlabeled, labeled) in [(100, 3), (3, 100)] {
        let partition = Partition::new(unlabeled, labeled, 10);
        // Nine of the hundred and one of the three.
        assert_eq!((partition.steps(), partition.images()), (12, 112));
        assert_eq!(partition.largest()[0], 10);
        let shares: Vec<Share> = (0..12)
            .map(|step| match labeled {
                3 => partition.labeled(step),
                _ => partition.unlabeled(step),
            })
            .collect();
        assert!(shares.iter().all(|share| share.range.len() == 1));
        assert_eq!((shares[5].range.start, shares[5].round), (2, 1));
        let long = |step| match labeled {
            3 => partition.unlabeled(step).range,
            _ => partition.labeled(step).range,
        };
        assert_eq!((long(0).start, long(11).end), (0, 100));
    }
}

#[test]
fn even_divisions_are_those_of_the_original_repository() {
    let partition = Partition::new(100_000, 5_000, 525);
    assert_eq!((partition.steps(), partition.largest()), (200, [525, 25]));
    assert_eq!(partition.unlabeled(199).range, 99_500..100_000);
    assert_eq!(partition.labeled(3).range, 75..100);
}
