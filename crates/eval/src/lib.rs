//! Measures what an encoder has learnt, without ever touching its weights.
//!
//! While training runs: contrastive and correlation accuracy ([`contrastive_correct`],
//! [`correlation_correct`]) and the collapse monitors ([`feature_std`], [`effective_rank`]).
//! Afterwards: [`extract`] the features of a labeled split and [`evaluate`] them by a
//! [`Protocol`]: multinomial logistic regression with its penalty chosen on a validation part of
//! train, or weighted nearest neighbors. Neither looks at the test split before its one final
//! score. [`few_labels`] does the same with a few labeled images a class.
//!
//! Without labels: [`stream`] hands features on as they are made, and a [`Gallery`] of them finds
//! an image's neighbors, near-duplicates and outliers.
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

mod collapse;
mod duplicates;
mod error;
mod extract;
mod features;
mod few_shot;
mod gallery;
mod knn;
mod lbfgs;
mod linear;
mod logistic;
mod metrics;
mod nearest;
mod outliers;
mod pca;
mod protocol;
mod score;
mod standard_scaler;
mod stratify;
mod trained;
mod tsne;
mod watch;

pub use self::collapse::{alignment, effective_rank, feature_std, uniformity};
pub use self::duplicates::{Duplicates, Pair};
pub use self::error::{Error, Result};
pub use self::extract::{extract, extract_labeled, labeled_splits, stream};
pub use self::features::Features;
pub use self::few_shot::{FewScores, FewSettings, SINGLE_LABEL_PENALTY, few_labels, few_labels_by};
pub use self::gallery::{Gallery, Near, Neighbors};
pub use self::knn::{Knn, KnnReport, KnnSettings};
pub use self::linear::{GridEdge, LinearReport, LinearSettings, PenaltyScore, choose};
pub use self::logistic::{Fit, LogisticProblem, LogisticSettings, Model};
pub use self::metrics::{
    Hits, contrastive_correct, contrastive_hits, correlation_correct, correlation_hits,
};
pub use self::nearest::nearest;
pub use self::outliers::Outlier;
pub use self::pca::{Plane, principal_plane};
pub use self::protocol::{OnSubset, Protocol, Report, evaluate};
pub use self::score::{ClassScore, FoldScores, MOST_CONFUSED, Score, wilson_interval};
pub use self::standard_scaler::StandardScaler;
pub use self::stratify::{TrainValSplit, stratified_holdout};
pub use self::trained::{RateScore, TrainedReport, classes_of};
pub use self::tsne::{tsne, usual_perplexity};
pub use self::watch::Watch;
