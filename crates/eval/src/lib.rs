//! Measures what an encoder has learnt, without ever touching its weights.
//!
//! While training runs: contrastive and correlation accuracy ([`contrastive_correct`],
//! [`correlation_correct`]) and the collapse monitors ([`feature_std`], [`effective_rank`]). Afterwards:
//! [`extract`] the features of a labelled split and [`evaluate`] them by a [`Protocol`]: multinomial
//! logistic regression with its penalty chosen on a validation part of train, or weighted nearest
//! neighbours. Neither looks at the test split before its one final score.
//!
//! ```
//! use eval::{Features, Knn, KnnSettings};
//! use tch::Tensor;
//!
//! // Features of four images of two classes, and of an image that is to be told.
//! let rows = Tensor::from_slice2(&[[1.0f32, 0.0], [0.9, 0.1], [0.0, 1.0], [0.2, 0.8]]);
//! let train = Features::new(rows, &[0, 0, 1, 1])?;
//! let knn = Knn::new(&train, &KnnSettings { k: 3, temperature: 0.07 })?;
//! assert_eq!(knn.predict(&Tensor::from_slice2(&[[0.1f32, 0.7]])), [1]);
//! # Ok::<(), eval::Error>(())
//! ```

mod error;
mod extract;
mod features;
mod knn;
mod lbfgs;
mod linear;
mod logistic;
mod metrics;
mod monitor;
mod nearest;
mod protocol;
mod score;
mod standardise;
mod stratify;

pub use self::error::{Error, Result};
pub use self::extract::{extract, extract_labelled, labelled_splits};
pub use self::features::Features;
pub use self::knn::{Knn, KnnReport, KnnSettings, Neighbours};
pub use self::linear::{Edge, LinearReport, LinearSettings, PenaltyScore};
pub use self::logistic::{Fit, LogisticProblem, LogisticSettings, Model};
pub use self::metrics::{
    Hits, contrastive_correct, contrastive_hits, correlation_correct, correlation_hits,
};
pub use self::monitor::{alignment, effective_rank, feature_std, uniformity};
pub use self::nearest::nearest;
pub use self::protocol::{Protocol, Report, evaluate};
pub use self::score::{ClassScore, FoldScores, Score, wilson_interval};
pub use self::stratify::{Holdout, stratified_holdout};
