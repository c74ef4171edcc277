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
mod tests;
