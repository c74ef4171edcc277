//! Heads on the encoder's features: projection heads and multi-layer perceptrons.

mod dino_head;
mod mlp;
mod projection;

pub use self::dino_head::{DinoHead, DinoHeadConfig};
pub use self::mlp::{Mlp, MlpConfig, Norm};
pub use self::projection::{ProjectionConfig, ProjectionHead};
