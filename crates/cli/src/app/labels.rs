//! Images with labels and images without, of one or two data sets.

use std::collections::BTreeSet;

use dataset::{Dataset, Split};
use run::DataSource;

use crate::app::datasets::{self, Listed};
use crate::app::failure::Failure;
use crate::app::run_on_data::RunOnData;

/// The labeled training images of a data set.
pub struct LabeledImages {
    set: Dataset,
    /// Where the set is, for messages.
    pub place: String,
    state: LoadState,
}

/// What is still to be done to have the pixels.
enum LoadState {
    /// Nothing.
    Loaded,
    /// The set of a run, which is opened there.
    OfRun,
    /// A set of its own.
    Listed(Box<Listed>),
}

impl LabeledImages {
    /// Those of the set of `source`, which must have some; without pixels until they are
    /// [loaded](Self::load).
    pub fn list(source: &DataSource, image_size: usize) -> Result<Self, Failure> {
        let listed = datasets::list(source, image_size)?;
        let place = datasets::place(source);
        let labeled = Self::of(listed.outline(), &place).ok_or_else(|| unlabeled_set(&place))?;
        Ok(Self { state: LoadState::Listed(Box::new(listed)), ..labeled })
    }

    /// Those of the set that a run is used on, where it has some.
    pub fn of_run(run_on_data: &RunOnData) -> Option<Self> {
        let labeled = Self::of(&run_on_data.set, &run_on_data.place)?;
        Some(Self { state: LoadState::OfRun, ..labeled })
    }

    /// Those of an open set, where it has some.
    pub fn of(set: &Dataset, place: &str) -> Option<Self> {
        let train = set.train.as_ref()?;
        let labeled = train.labels().is_some() && !train.is_empty();
        labeled.then(|| Self {
            set: set.clone(),
            place: place.to_owned(),
            state: LoadState::Loaded,
        })
    }

    /// Opens what was listed; the set of the run is open already in `run_on_data`.
    pub fn load(self, run_on_data: &RunOnData) -> Result<Self, Failure> {
        let set = match self.state {
            LoadState::Loaded => self.set,
            LoadState::OfRun => run_on_data.set.clone(),
            LoadState::Listed(listed) => listed.open()?,
        };
        Ok(Self { set, place: self.place, state: LoadState::Loaded })
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
         {place}/train/CLASS/, or name a file of labels by --labels or a labeled set by --labeled"
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
