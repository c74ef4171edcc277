//! Vision transformers with the parameter names of timm, so that weights are interchangeable.
//!
//! Patches become tokens, a class token goes before them, every token gets an embedding of its
//! position, and twelve blocks (`block.rs`) follow. An image's features are its class token after
//! the last normalization; there is no classifier (`head`). Tokens stay in the kind of the master
//! weights from block to block; what is multiplied inside is in the kind of computing.

mod block;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use tch::nn::Path;
use tch::{Kind, Tensor};

use crate::{Conv2d, Encoder, Init, InputSizes, LayerNorm, Mode, ModelError, WeightRng};
use block::Block;

const BLOCKS: usize = 12;
/// Largest side of the images that position embeddings are laid out for.
const LARGEST: i64 = 4096;
/// Of position embeddings and dense layers.
const WEIGHTS: Init = Init::Normal { deviation: 0.02 };

/// A vision transformer without its classifier.
///
/// # Reference
/// Dosovitskiy et al. 2020, arXiv 2010.11929, section 3.1, in the sizes of Touvron et al. 2020,
/// arXiv 2012.12877, table 1. No dropout, no stochastic depth. Initial weights are those of timm:
/// normal with deviation 0.02 (truncated there at a hundred deviations), 1e-6 for the class token,
/// PyTorch's own for the convolution that makes the patches.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct VitConfig {
    /// Features, and heads of attention.
    pub size: VitSize,
    /// Side of the patches in pixels: 8, 12 or 16.
    pub patch_size: i64,
    /// Side in pixels of the images that position embeddings are laid out for, a multiple of
    /// `patch_size`. Those of images of other sides are interpolated.
    pub img_size: i64,
}

/// Features, and heads of attention.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum VitSize {
    /// 192 features, 3 heads.
    Tiny,
    /// 384 features, 6 heads.
    Small,
}

#[derive(Debug)]
pub(crate) struct Vit {
    patches: Conv2d,
    class_token: Tensor,
    positions: Tensor,
    blocks: Vec<Block>,
    norm: LayerNorm,
    patch: i64,
    features: i64,
    compute: Kind,
    master: Kind,
}

impl Vit {
    pub(crate) fn new(
        config: &VitConfig,
        path: &Path,
        rng: WeightRng,
        compute: Kind,
    ) -> Result<Self, ModelError> {
        let &VitConfig { size, patch_size: patch, img_size: image } = config;
        if ![8, 12, 16].contains(&patch) {
            return Err(ModelError::Patch { found: patch });
        }
        if image < patch || image > LARGEST || image % patch != 0 {
            return Err(ModelError::NotWholePatches { patch, most: LARGEST, found: image });
        }
        let (features, heads) = match size {
            VitSize::Tiny => (192, 3),
            VitSize::Small => (384, 6),
        };
        let add = |name: &str, tokens: i64, rule| {
            let drawn = rng.draw(&path.path(name), &[1, tokens, features], rule);
            path.add(name, drawn.to_device(path.device()).to_kind(path.kind()), true)
        };
        let across = image / patch;
        let projection = &(path / "patch_embed") / "proj";
        let blocks = path / "blocks";
        Ok(Self {
            class_token: add("cls_token", 1, Init::Normal { deviation: 1e-6 }),
            positions: add("pos_embed", 1 + across * across, WEIGHTS),
            patches: Conv2d::patches(&projection, rng, (3, features), patch, compute),
            blocks: (0..BLOCKS)
                .map(|number| Block::new(&(&blocks / number), rng, features, heads, compute))
                .collect(),
            norm: LayerNorm::new(&(path / "norm"), features),
            patch,
            features,
            compute,
            master: path.kind(),
        })
    }

    /// What is added to the tokens of an image of `across` x `across` patches; to a zero token in
    /// front of them too, which thereby becomes the class token.
    ///
    /// # Shapes
    /// `[1, 1 + across^2, features]`
    fn added(&self, across: i64) -> Tensor {
        let own = ((self.positions.size()[1] - 1) as f64).sqrt() as i64;
        let first = self.positions.narrow(1, 0, 1) + &self.class_token;
        let grid = self.positions.narrow(1, 1, own * own);
        let grid = match across == own {
            true => grid,
            // As timm does, so that a network that learned one size gives the same features here at
            // another.
            false => grid
                .reshape([1, own, own, self.features])
                .permute([0, 3, 1, 2])
                .internal_upsample_bicubic2d_aa([across, across], false, None, None)
                .flatten(2, 3)
                .transpose(1, 2),
        };
        Tensor::cat(&[first, grid], 1)
    }
}

impl Encoder for Vit {
    fn forward(&self, images: &Tensor, _mode: Mode) -> Tensor {
        let patches = self.patches.forward(&images.to_kind(self.compute));
        let tokens = patches.flatten(2, 3).transpose(1, 2).to_kind(self.master);
        // A row of zeros in front, not an expanded class token: a traced encoder keeps no number of
        // images.
        let tokens = tokens.constant_pad_nd([0, 0, 1, 0]);
        let mut x = tokens + self.added(images.size()[2] / self.patch);
        for block in &self.blocks {
            x = block.forward(&x);
        }
        self.norm.forward(&x.select(1, 0))
    }

    fn feature_size(&self) -> i64 {
        self.features
    }

    fn input_sizes(&self) -> InputSizes {
        InputSizes::multiples_of(self.patch)
    }

    fn uses_batch_statistics(&self) -> bool {
        false
    }
}

#[cfg(test)]
mod tests;
