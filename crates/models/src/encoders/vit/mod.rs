//! Vision transformers with the parameter names of timm, so that weights are interchangeable.
//!
//! Patches become tokens, class and register tokens go before them, tokens get an embedding of
//! their position, and blocks (`block.rs`) follow. An image's features are its class token after
//! the last normalization, or the mean of its patches; there is no classifier (`head`). Tokens stay
//! in the kind of the master weights from block to block; what is multiplied inside is in the kind
//! of computing.

mod block;
mod config;
mod positions;

pub use self::config::{DropPathConfig, DropPathRule, VitConfig, VitPool, VitShape, VitSize};
pub use self::positions::resample_positions;

pub(super) use self::config::is_default;

use tch::nn::Path;
use tch::{Kind, Tensor};

use crate::{Conv2d, Encoder, Init, InputSizes, LayerNorm, Mode, ModelError, Tokens, WeightRng};
use block::Block;

/// Name of the mask token, DINOv2's. It is learned by methods that mask patches, and no part of the
/// encoder that they export.
pub const MASK_TOKEN: &str = "mask_token";
/// Of position embeddings and dense layers.
const WEIGHTS: Init = Init::Normal { deviation: 0.02 };
/// Of class and register tokens.
const PREFIX: Init = Init::Normal { deviation: 1e-6 };

#[derive(Debug)]
pub(crate) struct Vit {
    patches: Conv2d,
    class_token: Tensor,
    positions: Tensor,
    /// Register tokens `[1, registers, features]`.
    registers: Option<Tensor>,
    /// What masked patches are before positions are added, `[1, features]`; for methods that mask.
    mask_token: Option<Tensor>,
    blocks: Vec<Block>,
    norm: LayerNorm,
    /// Probability that drop path leaves a branch out, for each block.
    drop_path: Vec<f64>,
    /// Tokens in front of the patches.
    prefix: i64,
    no_embed_class: bool,
    pool: VitPool,
    patch: i64,
    /// Patches in a row of the images that position embeddings are for.
    across: i64,
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
        config.validate()?;
        let shape = config.size.shape();
        let (patch, features) = (config.patch_size, shape.embed_dim);
        let add = |name: &str, tokens: i64, rule| {
            let drawn = rng.draw(&path.path(name), &[1, tokens, features], rule);
            path.add(name, drawn.to_device(path.device()).to_kind(path.kind()), true)
        };
        let across = config.img_size / patch;
        let prefix = 1 + config.register_tokens;
        let embedded = if config.no_embed_class { 0 } else { prefix };
        let projection = &(path / "patch_embed") / "proj";
        let blocks = path / "blocks";
        // timm's name for what normalizes features rather than tokens.
        let norm = match config.pool {
            VitPool::Token => "norm",
            VitPool::Avg => "fc_norm",
        };
        let registers = config.register_tokens;
        Ok(Self {
            class_token: add("cls_token", 1, PREFIX),
            positions: add("pos_embed", embedded + across * across, WEIGHTS),
            registers: (registers > 0).then(|| add("reg_token", registers, PREFIX)),
            mask_token: None,
            patches: Conv2d::patches(&projection, rng, (3, features), patch, compute),
            blocks: (0..shape.depth)
                .map(|number| {
                    Block::new(&(&blocks / number), rng, shape, config.layer_scale, compute)
                })
                .collect(),
            norm: LayerNorm::new(&(path / norm), features),
            drop_path: config.drop_path.map_or(Vec::new(), |drop| drop.rates(shape.depth)),
            prefix,
            no_embed_class: config.no_embed_class,
            pool: config.pool,
            patch,
            across,
            features,
            compute,
            master: path.kind(),
        })
    }

    /// What is added to the tokens of an image of `grid` patches; to the zero tokens in front of
    /// them too, which thereby become the class and register tokens.
    ///
    /// # Shapes
    /// `[1, prefix + rows * columns, features]`
    fn added(&self, grid: [i64; 2]) -> Tensor {
        let own = [self.across; 2];
        let prefix: Vec<_> = [&self.class_token].into_iter().chain(&self.registers).collect();
        let prefix = Tensor::cat(&prefix, 1);
        let (prefix, patches) = match self.no_embed_class {
            true => (prefix, self.positions.shallow_clone()),
            false => {
                let patches = self.positions.narrow(1, self.prefix, own[0] * own[1]);
                (prefix + self.positions.narrow(1, 0, self.prefix), patches)
            }
        };
        Tensor::cat(&[prefix, resample_positions(&patches, own, grid)], 1)
    }

    /// The patches of images before positions are added.
    ///
    /// # Shapes
    /// `images` `[n, 3, h, w]` -> `[n, patches, features]`
    fn embed(&self, images: &Tensor) -> Tensor {
        let patches = self.patches.forward(&images.to_kind(self.compute));
        patches.flatten(2, 3).transpose(1, 2).to_kind(self.master)
    }

    /// Tokens after the last block.
    ///
    /// # Shapes
    /// `patches` `[n, patches, features]` of a `grid`, `kept` `[2 * blocks, n]` ->
    /// `[n, prefix + patches, features]`
    fn encode(&self, patches: &Tensor, grid: [i64; 2], kept: Option<&Tensor>) -> Tensor {
        // Rows of zeros in front, not expanded tokens: a traced encoder keeps no number of images.
        let tokens = patches.constant_pad_nd([0, 0, self.prefix, 0]);
        let mut x = tokens + self.added(grid);
        for (number, block) in (0..).zip(&self.blocks) {
            let kept = kept.map(|kept| kept.narrow(0, 2 * number, 2));
            x = block.forward(&x, kept.as_ref());
        }
        x
    }

    /// The factors of drop path for `images` images `[2 * blocks, images]`, if there is any.
    fn kept(&self, mode: Mode, images: &Tensor) -> Option<Tensor> {
        match mode {
            Mode::DropPath(key) if !self.drop_path.is_empty() => {
                let kept = key.draw(&self.drop_path, images.size()[0] as u64);
                Some(kept.to_device(images.device()).to_kind(self.master))
            }
            _ => None,
        }
    }

    /// Features and tokens of what [`encode`](Self::encode) gives.
    fn tokens(&self, encoded: &Tensor) -> Tokens {
        let patches = |x: &Tensor| x.slice(1, self.prefix, None, 1);
        match self.pool {
            VitPool::Token => {
                let tokens = self.norm.forward(encoded);
                Tokens { features: tokens.select(1, 0), patches: patches(&tokens) }
            }
            VitPool::Avg => {
                let patches = patches(encoded);
                let mean = patches.mean_dim([1i64].as_slice(), false, self.master);
                Tokens { features: self.norm.forward(&mean), patches }
            }
        }
    }

    /// Patches in a column and in a row of images.
    fn grid(&self, images: &Tensor) -> [i64; 2] {
        let size = images.size();
        [size[2] / self.patch, size[3] / self.patch]
    }

    fn encode_images(&self, images: &Tensor, mode: Mode) -> Tensor {
        let kept = self.kept(mode, images);
        self.encode(&self.embed(images), self.grid(images), kept.as_ref())
    }

    /// The same with `token` in the place of masked patches.
    ///
    /// # Shapes
    /// `masks` `[n, patches]`, `token` `[1, features]`
    fn encode_masked(&self, images: &Tensor, masks: &Tensor, token: &Tensor, mode: Mode) -> Tensor {
        let kept = self.kept(mode, images);
        let patches = token.where_self(&masks.unsqueeze(-1), &self.embed(images));
        self.encode(&patches, self.grid(images), kept.as_ref())
    }
}

impl Encoder for Vit {
    fn forward(&self, images: &Tensor, mode: Mode) -> Tensor {
        let encoded = self.encode_images(images, mode);
        match self.pool {
            // Only the class token is normalized.
            VitPool::Token => self.norm.forward(&encoded.select(1, 0)),
            VitPool::Avg => self.tokens(&encoded).features,
        }
    }

    fn forward_tokens(&self, images: &Tensor, mode: Mode) -> Option<Tokens> {
        Some(self.tokens(&self.encode_images(images, mode)))
    }

    fn add_mask_token(&mut self, path: &Path) -> bool {
        let options = (path.kind(), path.device());
        self.mask_token =
            Some(path.add(MASK_TOKEN, Tensor::zeros([1, self.features], options), true));
        true
    }

    fn forward_masked(&self, images: &Tensor, masks: &Tensor, mode: Mode) -> Option<Tokens> {
        let token = self.mask_token.as_ref()?;
        Some(self.tokens(&self.encode_masked(images, masks, token, mode)))
    }

    fn patch_size(&self) -> Option<i64> {
        Some(self.patch)
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

    fn drops_paths(&self) -> bool {
        !self.drop_path.is_empty()
    }
}

#[cfg(test)]
mod tests;
