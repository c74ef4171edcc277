//! The objectives: projections in, one scalar out.
//!
//! Each method is one file: its configuration, its state and its formula. [`Method`] is the single
//! extension point and [`MethodConfig`] the registry; a new method is a new file, a variant and a
//! match arm here, a row in [`CATALOG`], a config and a golden fixture.

mod catalog;
mod dino;
mod simclr;
mod similarity;

pub use catalog::{CATALOG, Entry, Family};
pub use dino::DinoConfig;
pub use simclr::SimClrConfig;

use serde::{Deserialize, Serialize};
use tch::Tensor;
use tch::nn::Path;

/// The projections of one batch, as every objective sees them.
#[derive(Debug)]
pub struct Views {
    /// Projections by the trained networks, one tensor `[images, dimension]` a view.
    pub student: Vec<Tensor>,
    /// Projections by the teacher, without gradient; without a teacher the student's, detached.
    pub teacher: Vec<Tensor>,
}

impl Views {
    /// The student's projections of the two views.
    ///
    /// # Panics
    /// If there are not exactly two, or their shapes differ: the trainer makes them.
    pub fn pair(&self) -> (&Tensor, &Tensor) {
        pair(&self.student)
    }

    /// The teacher's projections of the two views.
    ///
    /// # Panics
    /// As [`pair`](Self::pair).
    pub fn teacher_pair(&self) -> (&Tensor, &Tensor) {
        pair(&self.teacher)
    }
}

fn pair(views: &[Tensor]) -> (&Tensor, &Tensor) {
    let [a, b] = views else {
        panic!("expected two views, found {}", views.len())
    };
    assert_eq!(a.size(), b.size(), "projections of the two views");
    (a, b)
}

/// A value that may change over training: here the share of the teacher that a step keeps.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Schedule {
    /// The same at every step.
    Constant(f64),
}

impl Schedule {
    /// The value at `step` of `steps`.
    pub fn at(&self, _step: u64, _steps: u64) -> f64 {
        match *self {
            Self::Constant(value) => value,
        }
    }
}

/// An objective.
pub trait Method: std::fmt::Debug {
    /// The mean loss of a batch, a scalar. Reads state, never changes it.
    fn loss(&self, views: &Views) -> Tensor;

    /// Number of terms that [`loss`](Self::loss) averages, for a batch of `images` images: what to
    /// multiply by where the gradient of the sum is wanted. 1 for an objective that is no average.
    fn terms(&self, images: i64) -> i64 {
        2 * images
    }

    /// Updates state (queues, centres) from a batch; called without gradient after the optimiser's step.
    fn observe(&mut self, _views: &Views) {}

    /// How much of the teacher a step keeps; `None` for a method without a teacher.
    fn teacher_momentum(&self) -> Option<Schedule> {
        None
    }
}

/// The methods, by their key in a config: `{"simclr": {...}}`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum MethodConfig {
    /// SimCLR.
    #[serde(rename = "simclr")]
    SimClr(SimClrConfig),
    /// DINO.
    #[serde(rename = "dino")]
    Dino(DinoConfig),
}

impl MethodConfig {
    /// The key, as in [`CATALOG`].
    pub fn name(&self) -> &'static str {
        match self {
            Self::SimClr(_) => "simclr",
            Self::Dino(_) => "dino",
        }
    }

    /// Builds the objective; its queues, centres and predictors are registered on `path`.
    ///
    /// # Errors
    /// [`MethodError`] where a hyper-parameter is out of range.
    pub fn build(&self, _path: &Path) -> Result<Box<dyn Method>, MethodError> {
        Ok(match self {
            Self::SimClr(config) => Box::new(simclr::SimClr::new(config)?),
            Self::Dino(config) => Box::new(dino::Dino::new(config)?),
        })
    }
}

/// Why an objective can't be built.
#[derive(Debug, thiserror::Error)]
#[error("method.{key}: expected {expected}, found {found}")]
pub struct MethodError {
    /// The key in the config, below `method`.
    pub key: &'static str,
    /// The allowed range.
    pub expected: &'static str,
    /// The value.
    pub found: f64,
}

/// Refuses a `value` of `key` that isn't a positive finite number.
fn positive(key: &'static str, value: f64) -> Result<f64, MethodError> {
    if value > 0.0 && value.is_finite() {
        Ok(value)
    } else {
        Err(MethodError {
            key,
            expected: "a positive number",
            found: value,
        })
    }
}

/// Refuses a `value` of `key` outside of `0..=1`.
fn share(key: &'static str, value: f64) -> Result<f64, MethodError> {
    if (0.0..=1.0).contains(&value) {
        Ok(value)
    } else {
        Err(MethodError {
            key,
            expected: "a number in 0..=1",
            found: value,
        })
    }
}
