//! Classifiers of features.

pub mod few_shot;
mod knn;
mod lbfgs;
mod logistic;
mod mistakes;
mod scaler;

pub use self::knn::{Knn, KnnSettings};
pub use self::logistic::{Fit, LogisticProblem, LogisticSettings, Model};
pub use self::mistakes::{Mistake, mistakes};
pub use self::scaler::StandardScaler;
