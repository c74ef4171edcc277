use super::*;
use crate::PixelOrder;

fn split(images: usize, labels: Option<Vec<u16>>) -> Split {
    Split::in_memory(vec![0; 3 * images], labels, 1, 1, PixelOrder::RowMajor)
}

fn set(unlabeled: Split) -> Dataset {
    Dataset {
        kind: "test",
        unlabeled,
        train: Some(split(2, Some(vec![1, 0]))),
        test: Some(split(1, Some(vec![1]))),
        class_names: vec!["cat".into(), "dog".into()],
        folds: vec![],
    }
}

fn names<'a>(images: &ConcatSplits<'a>) -> Vec<&'a str> {
    images.splits().iter().map(|(name, _)| *name).collect()
}

#[test]
fn images_are_counted_through_in_the_order_of_the_set() {
    let set = set(split(3, None));
    let all = ConcatSplits::new(&set, &[]).unwrap();
    assert_eq!((names(&all), all.len()), (vec!["unlabeled", "train", "test"], 6));
    let shown: Vec<String> = (0..6).map(|row| all.record(row).to_string()).collect();
    let expected = ["unlabeled/0", "unlabeled/1", "unlabeled/2", "train/0", "train/1", "test/0"];
    assert_eq!(shown, expected);
    assert_eq!((all.record(0).label, all.record(0).class), (None, None));
    assert_eq!(all.record(3).class, Some("dog"));
    assert_eq!((all.record(4).label, all.record(4).class), (Some(0), Some("cat")));
    let some = ConcatSplits::new(&set, &["test", "unlabeled", "test"]).unwrap();
    assert_eq!((names(&some), some.len()), (vec!["unlabeled", "test"], 4));
}

#[test]
fn no_image_is_there_twice() {
    let mut set = set(split(3, None));
    set.unlabeled = set.train.as_ref().unwrap().without_labels();
    assert_eq!(names(&ConcatSplits::new(&set, &[]).unwrap()), ["train", "test"]);
    let both = ConcatSplits::new(&set, &["unlabeled", "train"]).unwrap();
    assert_eq!(names(&both), ["train"]);
    let alone = ConcatSplits::new(&set, &["unlabeled"]).unwrap();
    assert_eq!((names(&alone), alone.len()), (vec!["unlabeled"], 2));
}

#[test]
fn a_split_that_is_not_there_is_an_error() {
    let mut set = set(split(3, None));
    set.test = None;
    let error = ConcatSplits::new(&set, &["train", "test"]).unwrap_err();
    assert_eq!(error.to_string(), "split: expected unlabeled or train, found test");
}

#[test]
#[should_panic(expected = "image 6 of 6")]
fn an_image_beyond_the_last_is_a_mistake() {
    ConcatSplits::new(&set(split(3, None)), &[]).unwrap().record(6);
}
