//! Transformer blocks: pre-norm self-attention and an MLP, each with a residual connection.

use tch::nn::Path;
use tch::{Kind, Tensor};

use super::WEIGHTS;
use super::config::VitShape;
use crate::{LayerNorm, Linear, WeightRng};

/// Hidden features of the perceptron for each feature.
const MLP_RATIO: i64 = 4;

/// # Reference
/// Dosovitskiy et al. 2020, arXiv 2010.11929, equations 2 and 3. LayerScale: Touvron et al. 2021,
/// arXiv 2103.17239, equation 6.
#[derive(Debug)]
pub(super) struct Block {
    norms: [LayerNorm; 2],
    qkv: Linear,
    projection: Linear,
    hidden: Linear,
    output: Linear,
    /// LayerScale: what the features of the two branches are multiplied by.
    scales: Option<[Tensor; 2]>,
    heads: i64,
    features: i64,
}

impl Block {
    /// Registers `norm1`, `attn.qkv`, `attn.proj`, `ls1`, `norm2`, `mlp.fc1`, `mlp.fc2` and `ls2`
    /// under `path`, `ls1` and `ls2` where there is an initial value for them.
    pub fn new(
        path: &Path,
        rng: WeightRng,
        shape: VitShape,
        layer_scale: Option<f64>,
        compute: Kind,
    ) -> Self {
        let VitShape { embed_dim: features, num_heads: heads, .. } = shape;
        let dense = |below: &str, name: &str, inputs, outputs| {
            let path = &(path / below) / name;
            Linear::with_rule(&path, rng, (inputs, outputs), WEIGHTS, compute)
        };
        let wide = MLP_RATIO * features;
        let options = (path.kind(), path.device());
        let scale = |name: &str, value: f64| {
            (path / name).add("gamma", Tensor::full([features], value, options), true)
        };
        Self {
            norms: ["norm1", "norm2"].map(|name| LayerNorm::new(&(path / name), features)),
            qkv: dense("attn", "qkv", features, 3 * features),
            projection: dense("attn", "proj", features, features),
            hidden: dense("mlp", "fc1", features, wide),
            output: dense("mlp", "fc2", wide, features),
            scales: layer_scale.map(|value| ["ls1", "ls2"].map(|name| scale(name, value))),
            heads,
            features,
        }
    }

    /// `kept` has the two factors by which drop path multiplies the branches of each image.
    ///
    /// # Shapes
    /// `x` `[n, tokens, features]`, `kept` `[2, n]` -> as `x`.
    pub fn forward(&self, x: &Tensor, kept: Option<&Tensor>) -> Tensor {
        let branch = |number: usize, branch: Tensor| {
            let branch = match &self.scales {
                Some(scales) => branch * &scales[number],
                None => branch,
            };
            match kept {
                Some(kept) => branch * kept.get(number as i64).view([-1, 1, 1]),
                None => branch,
            }
        };
        let x = x + branch(0, self.attention(&self.norms[0].forward(x)));
        let hidden = self.hidden.forward(&self.norms[1].forward(&x)).gelu("none");
        let output = branch(1, self.output.forward(&hidden));
        x + output
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
