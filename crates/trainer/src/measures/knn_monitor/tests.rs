use augment::Recipe;
use dataset::PixelOrder;
use loader::Shard;

use super::*;

/// Images of one pixel, of `classes` classes in turn.
fn labeled(count: usize, classes: u16) -> Split {
    let labels = (0..count).map(|index| index as u16 % classes).collect();
    Split::in_memory(vec![0; 3 * count], Some(labels), 1, 1, PixelOrder::RowMajor)
}

/// Epochs of `images`, those of `fit` among them, and two views of one size, or with local
/// views of half of it.
fn plan(fit: &Split, images: usize, local: usize) -> LoaderConfig {
    let sizes = [8, 8].into_iter().chain(std::iter::repeat_n(4, local));
    LoaderConfig {
        seed: 0,
        unlabeled: labeled(images - fit.len(), 1).without_labels(),
        labeled: Some(fit.clone()),
        batch_size: 10,
        drop_last: false,
        shard: Shard::WHOLE,
        views: sizes.map(Recipe::seed_strong).collect(),
        mask: None,
        probe: None,
        workers: 1,
        prefetch: 1,
    }
}

#[test]
fn it_takes_no_more_than_its_share_of_an_epoch() {
    let all = labeled(600, 3);
    let fit = labeled(60, 3);
    // 2,000 images, 2 views, 3 passes each: 12,000 passes, of which 5 % are 600.
    let monitor =
        |images, local| KnnMonitor::new(Some(&all), None, &plan(&fit, images, local)).unwrap();
    let due = |monitor: &KnnMonitor| -> Vec<u32> {
        (1..=5).filter(|&epoch| monitor.is_due(epoch, epoch == 5)).collect()
    };
    assert_eq!(due(&monitor(2_000, 0)), [1, 2, 3, 4, 5]);
    assert_eq!(due(&monitor(1_000, 0)), [2, 4, 5]);
    assert_eq!(due(&monitor(100, 0)), [5]);
    // Eight local views of a quarter of the pixels are as much work as two global ones.
    assert_eq!(due(&monitor(1_000, 8)), [1, 2, 3, 4, 5]);
}

#[test]
fn many_held_out_images_are_asked_and_few_are_not() {
    let all = labeled(9_000, 10);
    let [fit, few, many] = [8_000, 499, 500].map(|count| labeled(count, 10));
    let of = |validation: &Split, images| {
        KnnMonitor::new(Some(&all), Some(validation), &plan(&fit, images, 0)).unwrap()
    };
    let monitor = of(&many, 100_000);
    assert_eq!((monitor.bank.len(), monitor.queries.unwrap().len()), (5_000, 500));
    let monitor = of(&few, 100_000);
    assert_eq!((monitor.bank.len(), monitor.queries.is_none()), (5_000, true));
    // Short epochs have room for fewer images.
    let monitor = of(&labeled(2_000, 10), 16_000);
    assert_eq!((monitor.bank.len(), monitor.queries.unwrap().len()), (2_800, 2_000));
}

#[test]
fn at_most_half_a_class_votes() {
    let k = |images, classes| vote(&labeled(images, classes)).k;
    assert_eq!([k(4_000, 10), k(400, 10), k(300, 10), k(32, 10)], [20, 20, 15, 1]);
    assert_eq!([k(10, 10), k(2, 2)], [1, 1]);
}

#[test]
fn without_labels_or_classes_there_is_nothing_to_measure() {
    let all = labeled(600, 3);
    let plan = plan(&all, 700, 0);
    assert!(KnnMonitor::new(None, None, &plan).is_none());
    assert!(KnnMonitor::new(Some(&all.without_labels()), None, &plan).is_none());
    assert!(KnnMonitor::new(Some(&labeled(600, 1)), None, &plan).is_none());
}

#[test]
fn subsets_are_the_same_every_time_and_of_all_the_images() {
    let bytes = (0u16..300).flat_map(|index| [index as u8, (index >> 8) as u8, 0]).collect();
    let split = Split::in_memory(bytes, None, 1, 1, PixelOrder::RowMajor);
    let indices = |split: &Split| -> Vec<usize> {
        let index = |bytes: &[u8]| usize::from(bytes[0]) + 256 * usize::from(bytes[1]);
        (0..split.len()).map(|row| index(split.image(row).bytes)).collect()
    };
    let some = indices(&subset(&split, 100));
    assert_eq!(some, indices(&subset(&split, 100)));
    let late = some.iter().filter(|&&index| index >= 150).count();
    assert!(some.len() == 100 && some.is_sorted() && (30..70).contains(&late), "{some:?}");
}
