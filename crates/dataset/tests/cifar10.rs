//! CIFAR-10 binaries.

mod fixtures;

use fixtures::{cifar10, folder, message, noise, open, planes, write};

#[test]
fn batches_follow_each_other() {
    let dir = folder();
    cifar10(dir.path());
    let set = open(dir.path()).unwrap();
    assert_eq!((set.kind, set.class_names[9].as_str()), ("CIFAR-10 binaries", "truck"));
    let (train, test) = (set.train.unwrap(), set.test.unwrap());
    assert_eq!((train.len(), test.len(), train.width(), train.height()), (10, 2, 32, 32));
    assert_eq!(train.labels(), Some(&[1, 2, 2, 3, 3, 4, 4, 5, 5, 6][..]));
    assert_eq!(planes(&train, 5), noise(3072, 301), "batch 3, second image");
    assert_eq!(planes(&test, 0), noise(3072, 600));
    assert!(set.unlabeled.same_images(&train) && set.unlabeled.labels().is_none());
}

#[test]
fn a_cut_batch_a_missing_batch_and_a_wrong_label_are_errors() {
    let dir = folder();
    cifar10(dir.path());
    let path = |name: &str| dir.path().join(name);
    let whole = std::fs::read(path("data_batch_4.bin")).unwrap();
    write(path("data_batch_4.bin"), &whole[..whole.len() - 1]);
    let found = message(open(dir.path()), "data_batch_4.bin");
    let expected =
        "expected a multiple of 3073 bytes (a label and an image of 3 x 32 x 32), found 6145 bytes";
    assert!(found.ends_with(expected), "{found}");
    std::fs::remove_file(path("data_batch_4.bin")).unwrap();
    let found = message(open(dir.path()), "data_batch_4.bin");
    assert!(
        found.ends_with("expected a batch of CIFAR-10 images, found no such file or folder"),
        "{found}"
    );
    let mut wrong = whole.clone();
    wrong[3073] = 10;
    write(path("data_batch_4.bin"), &wrong);
    let found = message(open(dir.path()), "data_batch_4.bin");
    assert!(found.ends_with("expected labels 0 to 9, found 10 at position 1"), "{found}");
    write(path("data_batch_4.bin"), &whole);
    write(path("batches.meta.txt"), "airplane\n");
    let found = message(open(dir.path()), "batches.meta.txt");
    assert!(found.ends_with("expected 10 class names, found 1"), "{found}");
}
