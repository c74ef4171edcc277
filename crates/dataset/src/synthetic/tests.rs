use sha2::{Digest, Sha256};

use super::*;

const SPEC: SyntheticSpec =
    SyntheticSpec { unlabeled: 50, train: 400, test: 30, size: 32, seed: 3 };

#[test]
fn classes_pair_every_shape_and_texture_twice() {
    let mut names = class_names();
    for word in SHAPES.map(|(_, name)| name).iter().chain(&TEXTURES.map(|(_, name)| name)) {
        let with_word = names.iter().filter(|name| name.split(' ').any(|part| part == *word));
        assert_eq!(with_word.count(), 2, "{word}");
    }
    names.sort();
    names.dedup();
    assert_eq!(names.len(), CLASSES);
}

#[test]
fn each_ten_images_have_all_classes_in_changing_order() {
    let labels = labels(1, Part::Train, 200);
    for run in labels.chunks(CLASSES) {
        let mut sorted = run.to_vec();
        sorted.sort();
        assert_eq!(sorted, (0..CLASSES as u16).collect::<Vec<_>>());
    }
    let first: Vec<u16> = labels.iter().copied().step_by(CLASSES).collect();
    assert!(first.iter().any(|label| *label != first[0]), "every tenth image has another class");
}

#[test]
fn images_do_not_depend_on_threads_nor_on_how_many_there_are() {
    let [one, eight] = [1, 8].map(|threads| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
        pool.install(|| synthetic(&SPEC).unwrap())
    });
    let fewer = synthetic(&SyntheticSpec { unlabeled: 20, ..SPEC }).unwrap();
    for index in 0..50 {
        let image = one.unlabeled.image(index).bytes;
        assert_eq!(image, eight.unlabeled.image(index).bytes);
        if index < 20 {
            assert_eq!(image, fewer.unlabeled.image(index).bytes);
        }
    }
    assert_eq!(one.fingerprint(), eight.fingerprint());
}

#[test]
fn seeds_splits_and_indices_give_different_images() {
    let other = synthetic(&SyntheticSpec { seed: 4, ..SPEC }).unwrap();
    let set = synthetic(&SPEC).unwrap();
    let (train, test) = (set.train.unwrap(), set.test.unwrap());
    let mut images = vec![other.unlabeled.image(0).bytes];
    for index in 0..30 {
        images.extend([
            set.unlabeled.image(index).bytes,
            train.image(index).bytes,
            test.image(index).bytes,
        ]);
    }
    let count = images.len();
    images.sort();
    images.dedup();
    assert_eq!(images.len(), count);
}

/// Mean of each channel and their standard deviations: the best that a classifier by color
/// sees.
fn color_features(split: &Split, index: usize) -> [f32; 6] {
    let mut planes = split.image(index).bytes.chunks_exact(split.width() * split.height());
    let mut features = [0.0; 6];
    for channel in 0..3 {
        let plane = planes.next().unwrap();
        let area = plane.len() as f32;
        let mean = plane.iter().map(|&value| f32::from(value)).sum::<f32>() / area;
        let variance =
            plane.iter().map(|&value| (f32::from(value) - mean).powi(2)).sum::<f32>() / area;
        features[channel] = mean;
        features[3 + channel] = variance.sqrt();
    }
    features
}

#[test]
fn color_does_not_tell_the_class() {
    let set = synthetic(&SyntheticSpec { train: 2000, ..SPEC }).unwrap();
    let train = set.train.unwrap();
    let labels = train.labels().unwrap();
    let features: Vec<_> = (0..2000).map(|index| color_features(&train, index)).collect();
    // Nearest neighbor among the first 1,500 by color, for the other 500: chance is 50 of
    // them.
    let distance =
        |a: &[f32; 6], b: &[f32; 6]| a.iter().zip(b).map(|(a, b)| (a - b).powi(2)).sum::<f32>();
    let right = (1500..2000).filter(|&index| {
        let nearest = |a: &usize, b: &usize| {
            distance(&features[*a], &features[index])
                .total_cmp(&distance(&features[*b], &features[index]))
        };
        labels[(0..1500).min_by(nearest).unwrap()] == labels[index]
    });
    let right = right.count();
    assert!(right < 80, "{right} of 500 by color alone");
}

#[test]
fn the_set_of_a_seed_is_fixed() {
    let set =
        synthetic(&SyntheticSpec { unlabeled: 20, train: 0, test: 0, size: 96, seed: 0 }).unwrap();
    let mut hash = Sha256::new();
    (0..20).for_each(|index| hash.update(set.unlabeled.image(index).bytes));
    let found = files::hex(&hash.finalize()[..8]);
    assert_eq!(
        found, "84f8ca0ec2aebb61",
        "changing the pictures makes published numbers incomparable"
    );
}

#[test]
fn specifications_out_of_range_are_errors() {
    let message = |spec: SyntheticSpec| synthetic(&spec).unwrap_err().to_string();
    assert_eq!(
        message(SyntheticSpec { size: 7, ..SPEC }),
        "size: expected 8 to 1024 pixels, found 7"
    );
    let nothing = message(SyntheticSpec { unlabeled: 0, train: 0, ..SPEC });
    assert_eq!(nothing, "unlabeled: expected at least one image in unlabeled or train, found 0");
}
