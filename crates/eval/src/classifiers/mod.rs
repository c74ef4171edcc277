//! Classifiers of features.

mod calibration;
pub mod few_shot;
mod knn;
mod lbfgs;
mod logistic;
mod mistakes;
mod scaler;

pub use self::calibration::{expected_calibration_error, fit_temperature};
pub use self::knn::{Knn, KnnSettings};
pub use self::logistic::{Fit, LogisticProblem, LogisticSettings, Model};
pub use self::mistakes::{Mistake, mistakes};
pub use self::scaler::StandardScaler;
