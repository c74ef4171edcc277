//! Layers with weights. Master weights keep the store's dtype; a layer casts them to its compute
//! dtype in each forward pass.

mod batch_norm;
mod conv2d;
mod layer_norm;
mod linear;

pub use self::batch_norm::BatchNorm;
pub use self::conv2d::Conv2d;
pub use self::layer_norm::LayerNorm;
pub use self::linear::Linear;

use tch::Tensor;
use tch::nn::Path;

use crate::{Init, WeightRng};

/// Draws the initial values of a weight and registers it under `path`.
fn draw(path: &Path, rng: WeightRng, name: &str, shape: &[i64], rule: Init) -> Tensor {
    let drawn = rng.draw(&path.path(name), shape, rule);
    path.add(name, drawn.to_device(path.device()).to_kind(path.kind()), true)
}
