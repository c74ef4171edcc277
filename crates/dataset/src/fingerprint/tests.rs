use std::fs;

use crate::{Dataset, OpenOptions, PixelOrder, Split, SyntheticSpec};

fn in_memory(changed: Option<usize>) -> Split {
    let mut bytes = vec![7; 3 * 500];
    if let Some(image) = changed {
        bytes[3 * image] = 8;
    }
    Split::in_memory(bytes, None, 1, 1, PixelOrder::RowMajor)
}

#[test]
fn any_pixel_in_memory_changes_the_key_and_labels_do_not() {
    let key = in_memory(None).cache_key();
    assert_eq!((key.len(), &in_memory(None).cache_key()), (64, &key));
    for image in [0, 1, 333, 499] {
        assert_ne!(in_memory(Some(image)).cache_key(), key, "image {image}");
    }
    let labeled = Split::in_memory(vec![7; 1500], Some(vec![1; 500]), 1, 1, PixelOrder::RowMajor);
    assert_eq!(labeled.cache_key(), key);
    assert_ne!(in_memory(None).select(&[0, 1]).cache_key(), key);
}

#[test]
fn a_sample_tells_sets_apart_by_size_labels_and_pixels_and_not_by_storage() {
    let split = |image, labels| {
        let images = if image == 64 { 65 } else { 64 };
        let bytes = (0..3 * 64 * 16).map(|i| (i % 251) as u8 ^ u8::from(i / 48 == image)).collect();
        let mut split = Split::in_memory(bytes, labels, 4, 4, PixelOrder::RowMajor);
        split = split.select(&(0..64).cycle().take(images).collect::<Vec<u32>>());
        split.sample_fingerprint()
    };
    let of = [split(99, None), split(0, None), split(63, None), split(64, None)];
    let labeled = [split(99, Some(vec![0; 64])), split(99, Some(vec![1; 64]))];
    let mut all: Vec<&String> = of.iter().chain(&labeled).collect();
    assert!(all.iter().all(|text| text.len() == 32));
    all.sort_unstable();
    all.dedup();
    assert_eq!(all.len(), 6);

    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("set");
    let spec = SyntheticSpec { unlabeled: 100, train: 10, test: 10, size: 16, seed: 0 };
    crate::write_synthetic(&spec, &path, crate::GO_ON).unwrap();
    let mapped = crate::open(&path, &OpenOptions::default()).unwrap().unlabeled;
    let rendered = crate::synthetic(&spec).unwrap().unlabeled;
    assert_eq!(mapped.sample_fingerprint(), rendered.sample_fingerprint());
}

#[test]
fn a_file_that_is_written_again_has_another_key() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("set");
    let spec = SyntheticSpec { unlabeled: 200, train: 10, test: 10, size: 16, seed: 0 };
    crate::write_synthetic(&spec, &path, crate::GO_ON).unwrap();
    let key = || crate::open(&path, &OpenOptions::default()).unwrap().unlabeled.cache_key();
    let first = key();
    assert_eq!(key(), first);
    // One byte of an image that is not among those that are sampled.
    let file = path.join("unlabeled_X.bin");
    let mut bytes = fs::read(&file).unwrap();
    bytes[3 * 16 * 16] ^= 1;
    fs::write(&file, &bytes).unwrap();
    let later = std::time::SystemTime::now() + std::time::Duration::from_secs(5);
    fs::File::options().write(true).open(&file).unwrap().set_modified(later).unwrap();
    assert_ne!(key(), first);
}

#[test]
fn it_covers_every_image_and_label() {
    let spec = SyntheticSpec { unlabeled: 300, train: 40, test: 10, size: 8, seed: 0 };
    let set = crate::synthetic(&spec).unwrap();
    let fingerprint = set.fingerprint();
    assert_eq!(crate::synthetic(&spec).unwrap().fingerprint(), fingerprint);
    let mut order: Vec<u32> = (0..300).collect();
    for (a, b) in [(0, 1), (130, 131), (255, 256), (298, 299)] {
        order.swap(a, b);
        let other = Dataset { unlabeled: set.unlabeled.select(&order), ..set.clone() };
        assert_ne!(other.fingerprint(), fingerprint, "{a} and {b} exchanged");
        order.swap(a, b);
    }
    let other = Dataset { test: set.test.as_ref().map(Split::without_labels), ..set.clone() };
    assert_ne!(other.fingerprint(), fingerprint);
}
