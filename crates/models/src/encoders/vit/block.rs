//! Transformer blocks: pre-norm self-attention and an MLP, each with a residual connection.

use tch::nn::Path;
use tch::{Kind, Tensor};

use super::WEIGHTS;
use crate::{LayerNorm, Linear, WeightRng};

/// Hidden features of the perceptron for each feature.
const MLP_RATIO: i64 = 4;

/// # Reference
/// Dosovitskiy et al. 2020, arXiv 2010.11929, equations 2 and 3.
#[derive(Debug)]
pub(super) struct Block {
    norms: [LayerNorm; 2],
    qkv: Linear,
    projection: Linear,
    hidden: Linear,
    output: Linear,
    heads: i64,
    features: i64,
}

impl Block {
    /// Registers `norm1`, `attn.qkv`, `attn.proj`, `norm2`, `mlp.fc1` and `mlp.fc2` under `path`.
    pub fn new(path: &Path, rng: WeightRng, features: i64, heads: i64, compute: Kind) -> Self {
        let dense = |below: &str, name: &str, inputs, outputs| {
            let path = &(path / below) / name;
            Linear::with_rule(&path, rng, (inputs, outputs), WEIGHTS, compute)
        };
        let wide = MLP_RATIO * features;
        Self {
            norms: ["norm1", "norm2"].map(|name| LayerNorm::new(&(path / name), features)),
            qkv: dense("attn", "qkv", features, 3 * features),
            projection: dense("attn", "proj", features, features),
            hidden: dense("mlp", "fc1", features, wide),
            output: dense("mlp", "fc2", wide, features),
            heads,
            features,
        }
    }

    /// # Shapes
    /// `x` `[n, tokens, features]` -> the same.
    pub fn forward(&self, x: &Tensor) -> Tensor {
        let x = x + self.attention(&self.norms[0].forward(x));
        let hidden = self.hidden.forward(&self.norms[1].forward(&x)).gelu("none");
        x + self.output.forward(&hidden)
    }

    fn attention(&self, x: &Tensor) -> Tensor {
        let (tokens, per_head) = (x.size()[1], self.features / self.heads);
        let qkv = self.qkv.forward(x);
        let qkv = qkv.view([-1, tokens, 3, self.heads, per_head]);
        let parts = qkv.permute([2, 0, 3, 1, 4]).unbind(0);
        let no_mask = None::<Tensor>;
        let seen = Tensor::scaled_dot_product_attention(
            &parts[0], &parts[1], &parts[2], no_mask, 0.0, false, None, false,
        );
        self.projection.forward(&seen.transpose(1, 2).flatten(2, 3))
    }
}
