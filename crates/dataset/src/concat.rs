//! Several splits as one sequence of images, with a record of each image.

use std::borrow::Cow;
use std::fmt;

use serde::Serialize;

use crate::{Dataset, Error, Split};

/// Concatenation of splits of a dataset, without duplicates.
#[derive(Clone, Debug)]
pub struct ConcatSplits<'a> {
    splits: Vec<(&'static str, &'a Split)>,
    class_names: &'a [String],
}

/// Metadata of one image.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct ImageRecord<'a> {
    /// "unlabeled", "train" or "test".
    pub split: &'static str,
    /// 0-based index in the split.
    pub index: usize,
    /// Path of its file relative to the dataset's folder; `None` if unknown.
    pub name: Option<Cow<'a, str>>,
    /// 0-based label; `None` if unlabeled.
    pub label: Option<u16>,
    /// Name of its class.
    pub class: Option<&'a str>,
}

impl<'a> ConcatSplits<'a> {
    /// The splits of `set` with these names, in the dataset's order; all splits if `names` is
    /// empty.
    ///
    /// Where the set has no unlabeled images of its own, so that those of "train" serve,
    /// "unlabeled" is left out beside "train".
    ///
    /// # Errors
    /// If the set has no split of such a name.
    pub fn new(set: &'a Dataset, names: &[&str]) -> Result<Self, Error> {
        let there: Vec<&str> = set.splits().map(|(name, _)| name).collect();
        if let Some(name) = names.iter().find(|name| !there.contains(name)) {
            return Err(Error::Argument {
                name: "split",
                expected: there.join(" or "),
                found: (*name).to_owned(),
            });
        }
        let mut splits: Vec<_> =
            set.splits().filter(|(name, _)| names.is_empty() || names.contains(name)).collect();
        if set.unlabeled_is_train() && splits.iter().any(|(name, _)| *name == "train") {
            splits.retain(|(name, _)| *name != "unlabeled");
        }
        Ok(Self { splits, class_names: &set.class_names })
    }

    /// The splits, by name.
    pub fn splits(&self) -> &[(&'static str, &'a Split)] {
        &self.splits
    }

    /// One name a class, in label order.
    pub fn class_names(&self) -> &'a [String] {
        self.class_names
    }

    /// Number of images.
    pub fn len(&self) -> usize {
        self.splits.iter().map(|(_, split)| split.len()).sum()
    }

    /// Whether there are no images.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The split of the image at `row`, and the image's index in it.
    ///
    /// # Panics
    /// If `row` is not below [`len`](Self::len).
    pub fn locate(&self, row: usize) -> (&'static str, &'a Split, usize) {
        let mut index = row;
        for &(name, split) in &self.splits {
            if index < split.len() {
                return (name, split, index);
            }
            index -= split.len();
        }
        panic!("image {row} of {}", self.len())
    }

    /// The metadata of the image at `row`.
    ///
    /// # Panics
    /// If `row` is not below [`len`](Self::len).
    pub fn record(&self, row: usize) -> ImageRecord<'a> {
        let (name, split, index) = self.locate(row);
        let label = split.labels().map(|labels| labels[index]);
        let class = label.and_then(|label| self.class_names.get(usize::from(label)));
        ImageRecord {
            split: name,
            index,
            name: split.name(index),
            label,
            class: class.map(String::as_str),
        }
    }
}

impl fmt::Display for ImageRecord<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.name {
            Some(name) => f.write_str(name),
            None => write!(f, "{}/{}", self.split, self.index),
        }
    }
}

#[cfg(test)]
mod tests {
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
        let expected =
            ["unlabeled/0", "unlabeled/1", "unlabeled/2", "train/0", "train/1", "test/0"];
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
}
