//! Metrics of features and projections.
//!
//! - Contrastive and correlation accuracy of two views: [`contrastive_correct`],
//!   [`correlation_correct`].
//! - Collapse: [`feature_std`], [`effective_rank`], [`dead_features`].
//! - Alignment and uniformity on the unit sphere: [`alignment`], [`uniformity`].
//! - With labels, accuracy of a vote of the nearest images: [`KnnVote`].
//!
//! ```
//! use tch::Tensor;
//!
//! // Features [batch, features] of two views of three images.
//! let first = Tensor::from_slice2(&[[1.0f32, 0.0], [0.0, 1.0], [-1.0, 0.1]]);
//! let second = Tensor::from_slice2(&[[0.9f32, 0.1], [0.2, 1.0], [-1.0, 0.0]]);
//! assert_eq!(metrics::contrastive_hits(&first, &second).accuracy(), 1.0);
//! assert!(metrics::effective_rank(&first) > 1.5);
//! ```

mod accuracy;
mod collapse;
mod knn;
mod unit_sphere;

pub use self::accuracy::{
    Hits, contrastive_correct, contrastive_hits, correlation_correct, correlation_hits,
};
pub use self::collapse::{dead_features, effective_rank, feature_std};
pub use self::knn::KnnVote;
pub use self::unit_sphere::{alignment, uniformity, unit_rows};
