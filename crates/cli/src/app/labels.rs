//! Images with labels and images without, of one or two data sets.

use std::collections::BTreeSet;
use std::path::Path;

use dataset::{Dataset, Split};

use crate::app::datasets;
use crate::app::failure::Failure;
use crate::app::run_on_data::RunOnData;

/// The labeled training images of a data set.
pub struct LabeledImages {
    set: Dataset,
    /// Where the set is, for messages.
    pub place: String,
}

impl LabeledImages {
    /// Those of the set in `dir`, which must have some.
    pub fn open(dir: &Path, image_size: usize) -> Result<Self, Failure> {
        let set = datasets::open(dir, image_size)?;
        let place = dir.display().to_string();
        Self::of(&set, &place).ok_or_else(|| unlabeled_set(&place))
    }

    /// Those of a set, where it has some.
    pub fn of(set: &Dataset, place: &str) -> Option<Self> {
        let train = set.train.as_ref()?;
        let labeled = train.labels().is_some() && !train.is_empty();
        labeled.then(|| Self { set: set.clone(), place: place.to_owned() })
    }

    /// The images.
    pub fn images(&self) -> &Split {
        self.set.train.as_ref().expect("checked when it was opened")
    }

    /// That there are classes to choose between.
    pub fn check_classes(&self) -> Result<(), Failure> {
        let labels: BTreeSet<u16> =
            self.images().labels().unwrap_or_default().iter().copied().collect();
        match labels.len() {
            2.. => Ok(()),
            found => Err(Failure::usage(format!(
                "{}: {}",
                self.place,
                eval::Error::TooFewClasses { found }
            ))),
        }
    }

    /// The name of a class, or its number.
    pub fn class(&self, label: i64) -> String {
        let name = usize::try_from(label).ok().and_then(|label| self.set.class_names.get(label));
        name.map_or_else(|| label.to_string(), Clone::clone)
    }
}

/// The error of a set in `place` that has no labels, and what to do.
pub fn unlabeled_set(place: &str) -> Failure {
    Failure::usage(format!(
        "{place}: expected labeled training images, found none: put some into \
         {place}/train/CLASS/, or name a labeled set by --labeled"
    ))
}

impl RunOnData {
    /// The images without labels.
    pub fn unlabeled(&self) -> Result<&Split, Failure> {
        if self.set.unlabeled_is_train() {
            return Err(Failure::usage(format!(
                "{}: expected unlabeled images, found labeled ones only",
                self.place
            )));
        }
        Ok(&self.set.unlabeled)
    }
}
