//! Evaluates trained encoders.
//!
//! A [`FrozenEncoder`] is the encoder of a run; it can be exported to safetensors and TorchScript.
//! [`LabeledFeatures`] are its features of a labeled data set, and [`evaluate`] scores them by a
//! [`Protocol`]: multinomial logistic regression, weighted nearest neighbors, a linear classifier
//! trained by SGD on augmented images, or fine-tuning of a copy of the encoder. None looks at the
//! test split before its one final score; without one, folds of train are scored. [`few_labels`]
//! does the same with a few labeled images a class.
//!
//! Without labels: [`FrozenEncoder::extract`] and [`FrozenEncoder::stream`] give features, which a
//! [`FeatureCache`] keeps, and which the processes of an [`EncodingGroup`] make together. A
//! [`Gallery`] of them finds an image's neighbors, near-duplicates, outliers, clusters and the
//! images to label next, and [`principal_plane`] and [`tsne`] map them to two dimensions. With some
//! labels a [`LabelPredictor`] labels the other images.
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

mod classifiers;
mod clustering;
mod embedding_2d;
mod encoding_group;
mod encoding_rank;
mod error;
mod export;
mod extract;
mod feature_cache;
mod features;
mod frozen_encoder;
mod on_progress;
mod predictions;
mod protocols;
mod retrieval;
mod score;
mod selection;

pub use self::classifiers::few_shot::{FewShotScores, FewShotSettings};
pub use self::classifiers::{
    Fit, Knn, KnnSettings, LogisticProblem, LogisticSettings, Mistake, Model, StandardScaler,
    expected_calibration_error, fit_temperature, mistakes,
};
pub use self::clustering::{Clusters, KMeansSettings};
pub use self::embedding_2d::{Plane, principal_plane, tsne, usual_perplexity};
pub use self::encoding_group::EncodingGroup;
pub use self::error::{Error, Result};
pub use self::export::{ExportError, Pixels};
pub use self::extract::{evaluation_splits, extract, extract_labeled, labeled_splits};
pub use self::feature_cache::FeatureCache;
pub use self::features::Features;
pub use self::frozen_encoder::{CheckpointChoice, FrozenEncoder, TrainingProgress};
pub use self::on_progress::OnProgress;
pub use self::predictions::Predictions;
pub use self::protocols::{
    CScore, Calibration, ClassifierSettings, CrossValidation, EncodedImages, GridEdge, KnnReport,
    LabelPredictor, LabeledData, LabeledFeatures, LinearReport, LinearSettings, Prediction,
    Protocol, ProtocolResult, RateScore, Report, SINGLE_LABEL_C, SgdReport, evaluate, few_labels,
};
pub use self::retrieval::{Duplicates, Gallery, Neighbor, Neighbors, Outlier, Pair, nearest};
pub use self::score::{ClassScore, FoldScores, MOST_CONFUSED, Score};
pub use self::selection::{Coverage, Pick, Selection, TypicalitySettings};
