//! Views of whole images, by every store.

use std::fs;
use std::path::Path;

use augment::{Recipe, Transform};
use dataset::{Dataset, OpenOptions, Store};
use image::{Rgb, RgbImage};
use loader::{Batch, Error, Loader, LoaderConfig, Position, Shard};

const SIDE: usize = 24;
const STORES: [Store; 3] = [Store::Square, Store::Aspect, Store::Encoded];

fn open(dir: &Path, store: Store) -> Dataset {
    let cache_dir = Some(dir.join("cache"));
    let options = OpenOptions { image_size: SIDE, store, cache_dir, ..Default::default() };
    dataset::open(&dir.join("images"), &options).unwrap()
}

/// Images of a size as PNG and as JPEG, red growing to the right.
fn write_images(dir: &Path, width: u32, height: u32) {
    fs::create_dir_all(dir.join("images")).unwrap();
    for number in 0..6u8 {
        let picture = RgbImage::from_fn(width, height, |x, y| {
            Rgb([(x * 255 / (width - 1)) as u8, (y * 97 % 200) as u8, 40 * number])
        });
        let ending = if number % 2 == 0 { "png" } else { "jpg" };
        picture.save(dir.join(format!("images/{number}.{ending}"))).unwrap();
    }
}

fn batches(set: &Dataset, views: &[Recipe], workers: usize, count: usize) -> Vec<Batch> {
    let plan = LoaderConfig {
        seed: 3,
        unlabeled: set.unlabeled.clone(),
        labeled: None,
        batch_size: 3,
        drop_last: false,
        shard: Shard::WHOLE,
        views: views.to_vec(),
        mask: None,
        probe: None,
        workers,
        prefetch: 1,
    };
    let mut loader = Loader::start(plan, Position { epoch: 0, step: 0 }).unwrap();
    (0..count).map(|_| loader.next().unwrap()).collect()
}

fn crops(scale: [f64; 2]) -> Recipe {
    let mut recipe = Recipe::seed_strong(SIDE);
    recipe.transforms.retain(|transform| matches!(transform, Transform::RandomResizedCrop(_)));
    let [Transform::RandomResizedCrop(crop)] = &mut recipe.transforms[..] else { panic!() };
    crop.scale = scale;
    recipe
}

/// Two views of the set's size and a local one.
fn views() -> [Recipe; 3] {
    [Recipe::seed_strong(SIDE), Recipe::seed_strong(SIDE), Recipe::seed_strong(10)]
}

#[test]
fn images_of_the_size_of_the_set_give_the_same_views_in_every_store() {
    let dir = tempfile::tempdir().unwrap();
    write_images(dir.path(), SIDE as u32, SIDE as u32);
    let square = batches(&open(dir.path(), Store::Square), &views()[..2], 2, 4);
    for store in [Store::Aspect, Store::Encoded] {
        assert!(square == batches(&open(dir.path(), store), &views()[..2], 2, 4), "{store}");
    }
}

#[test]
fn workers_do_not_change_a_byte_in_any_store() {
    let dir = tempfile::tempdir().unwrap();
    write_images(dir.path(), 150, 70);
    let mut all = STORES.map(|store| {
        let set = open(dir.path(), store);
        let one = batches(&set, &views(), 1, 5);
        assert!(one == batches(&set, &views(), 3, 5), "{store}");
        one
    });
    // The stores are another recipe each.
    all.sort_by_key(|batches| batches[0].blocks[0].bytes.to_vec());
    assert!(all[0] != all[1] && all[1] != all[2]);
}

#[test]
fn a_view_does_not_depend_on_the_others_of_its_image() {
    let dir = tempfile::tempdir().unwrap();
    write_images(dir.path(), 400, 300);
    let set = open(dir.path(), Store::Encoded);
    let two = batches(&set, &[crops([0.02, 1.0]), crops([0.02, 0.1])], 2, 4);
    let one = batches(&set, &[crops([0.02, 1.0])], 2, 4);
    for (two, one) in two.iter().zip(&one) {
        let first = two.blocks[0].bytes.chunks(3 * SIDE * SIDE).step_by(2);
        assert!(first.eq(one.blocks[0].bytes.chunks(3 * SIDE * SIDE)));
    }
}

/// The mean red of each view of some epochs: where in the image it lies.
fn places(set: &Dataset) -> Vec<f64> {
    let batches = batches(set, &[crops([0.05, 0.1])], 2, 40);
    let red = |view: &[u8]| {
        let plane = &view[..SIDE * SIDE];
        plane.iter().map(|&value| f64::from(value)).sum::<f64>() / plane.len() as f64
    };
    let views = batches.iter().flat_map(|batch| batch.blocks[0].bytes.chunks(3 * SIDE * SIDE));
    views.map(red).collect()
}

#[test]
fn views_come_from_the_whole_panorama() {
    let dir = tempfile::tempdir().unwrap();
    write_images(dir.path(), 480, 60);
    for store in STORES {
        let places = places(&open(dir.path(), store));
        let least = places.iter().copied().fold(f64::MAX, f64::min);
        let most = places.iter().copied().fold(0.0, f64::max);
        match store {
            // The middle 60 of 480 columns: 112 to 143 of 255.
            Store::Square => assert!(least > 105.0 && most < 150.0, "{least} to {most}"),
            _ => assert!(least < 30.0 && most > 225.0, "{store}: {least} to {most}"),
        }
    }
}

#[test]
fn recipes_without_a_crop_show_the_square() {
    let dir = tempfile::tempdir().unwrap();
    write_images(dir.path(), 150, 70);
    let whole = [Recipe { size: SIDE, transforms: Vec::new() }];
    let square = batches(&open(dir.path(), Store::Square), &whole, 1, 2);
    for store in [Store::Aspect, Store::Encoded] {
        assert!(square == batches(&open(dir.path(), store), &whole, 1, 2), "{store}");
    }
}

#[test]
fn a_file_that_is_damaged_later_ends_the_batches_with_its_name() {
    let dir = tempfile::tempdir().unwrap();
    write_images(dir.path(), 150, 70);
    let set = open(dir.path(), Store::Encoded);
    let path = dir.path().join("images/3.jpg");
    let metadata = fs::metadata(&path).unwrap();
    let file = fs::File::options().write(true).open(&path).unwrap();
    file.set_len(metadata.len() / 2).unwrap();
    let plan = LoaderConfig {
        seed: 3,
        unlabeled: set.unlabeled,
        labeled: None,
        batch_size: 6,
        drop_last: false,
        shard: Shard::WHOLE,
        views: vec![Recipe::seed_strong(SIDE)],
        mask: None,
        probe: None,
        workers: 2,
        prefetch: 1,
    };
    let mut loader = Loader::start(plan, Position { epoch: 0, step: 0 }).unwrap();
    let Err(Error::Set(message)) = loader.next() else { panic!("it was read") };
    assert!(message.contains("3.jpg") && !message.contains('\n'), "{message}");
    assert_eq!(loader.next(), Err(Error::Stopped));
}
