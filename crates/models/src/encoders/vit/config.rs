//! Configuration of a vision transformer.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{ModelError, Normalize};

/// Patch sizes of published networks.
const PATCH_SIZES: [i64; 4] = [8, 12, 14, 16];
/// Largest side of the images that position embeddings are laid out for.
const LARGEST: i64 = 4096;
/// Most register tokens, and the largest of the other numbers of a [`VitShape`].
const MOST_REGISTERS: i64 = 64;
const MOST: i64 = 8192;

/// A vision transformer without its classifier.
///
/// # Reference
/// Dosovitskiy et al. 2020, arXiv 2010.11929, section 3.1 and table 1; tiny and small are of
/// Touvron et al. 2020, arXiv 2012.12877, table 1. No dropout. Initial weights are those of timm:
/// normal with deviation 0.02 (truncated there at a hundred deviations), 1e-6 for class token and
/// registers, PyTorch's own for the convolution that makes the patches.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct VitConfig {
    /// Embedding dimension, heads of attention and blocks.
    pub size: VitSize,
    /// Side of the patches in pixels: 8, 12, 14 or 16.
    pub patch_size: i64,
    /// Side in pixels of the images that position embeddings are laid out for, a multiple of
    /// `patch_size`. Those of images of other sides are interpolated.
    pub img_size: i64,
    /// Optional: initial value of LayerScale; `null` for none. DINOv2's is 1e-5.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub layer_scale: Option<f64>,
    /// Optional: register tokens beside the class token, 0 to 64; 0 if missing.
    #[serde(default, skip_serializing_if = "is_default")]
    pub register_tokens: i64,
    /// Optional: position embeddings for patches only, not for class and register tokens; `false`
    /// if missing. timm's DINOv2 networks with registers are such.
    #[serde(default, skip_serializing_if = "is_default")]
    pub no_embed_class: bool,
    /// Optional: stochastic depth of the student; `null` for none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub drop_path: Option<DropPathConfig>,
    /// Optional: which tokens are the features; `token` if missing.
    #[serde(default, skip_serializing_if = "is_default")]
    pub pool: VitPool,
    /// Optional: what the network subtracts from pixels and divides them by; `none` if missing.
    #[serde(default, skip_serializing_if = "is_default")]
    pub normalize: Normalize,
}

/// Whether a setting has the value that a missing key stands for.
pub(crate) fn is_default<T: Default + PartialEq>(value: &T) -> bool {
    *value == T::default()
}

/// Embedding dimension, heads of attention and blocks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum VitSize {
    /// 192 features, 3 heads, 12 blocks.
    Tiny,
    /// 384 features, 6 heads, 12 blocks.
    Small,
    /// 768 features, 12 heads, 12 blocks.
    Base,
    /// 1024 features, 16 heads, 24 blocks.
    Large,
    /// Numbers of one's own.
    Custom(VitShape),
}

/// Numbers of a vision transformer, named as timm's.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct VitShape {
    /// Features of a token, a multiple of `num_heads`.
    pub embed_dim: i64,
    /// Heads of attention.
    pub num_heads: i64,
    /// Blocks.
    pub depth: i64,
}

impl VitSize {
    /// The sizes that have a name.
    pub const NAMED: [Self; 4] = [Self::Tiny, Self::Small, Self::Base, Self::Large];

    /// Its numbers.
    pub fn shape(self) -> VitShape {
        let (embed_dim, num_heads, depth) = match self {
            Self::Tiny => (192, 3, 12),
            Self::Small => (384, 6, 12),
            Self::Base => (768, 12, 12),
            Self::Large => (1024, 16, 24),
            Self::Custom(shape) => return shape,
        };
        VitShape { embed_dim, num_heads, depth }
    }
}

/// Which tokens are the features.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum VitPool {
    /// The class token after the last normalization.
    #[default]
    Token,
    /// The mean of the patches, then normalized: timm's `avg` with its `fc_norm`.
    Avg,
}

/// Stochastic depth: a branch of a block is left out for an image with some probability, and scaled
/// by 1 / (1 - it) else.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct DropPathConfig {
    /// Probability, 0 and above, below 1.
    pub rate: f64,
    /// How it grows from block to block.
    pub rule: DropPathRule,
}

/// How the probability grows from block to block.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum DropPathRule {
    /// The same in every block, as DINOv2 trains.
    Uniform,
    /// From 0 in the first block to `rate` in the last one, as in timm.
    Linear,
}

impl DropPathConfig {
    /// The probability in each of `depth` blocks.
    pub fn rates(&self, depth: i64) -> Vec<f64> {
        let last = (depth - 1).max(1) as f64;
        let rate = |block: i64| match self.rule {
            DropPathRule::Uniform => self.rate,
            DropPathRule::Linear => self.rate * block as f64 / last,
        };
        (0..depth).map(rate).collect()
    }
}

impl VitConfig {
    /// The network of Dosovitskiy et al. in this size, without what was added since.
    pub fn new(size: VitSize, patch_size: i64, img_size: i64) -> Self {
        Self {
            size,
            patch_size,
            img_size,
            layer_scale: None,
            register_tokens: 0,
            no_embed_class: false,
            drop_path: None,
            pool: VitPool::Token,
            normalize: Normalize::default(),
        }
    }

    /// Checks the ranges of the numbers.
    ///
    /// # Errors
    /// [`ModelError`] of the first one that is out of its range.
    pub(crate) fn validate(&self) -> Result<(), ModelError> {
        let &Self { patch_size: patch, img_size: image, .. } = self;
        if !PATCH_SIZES.contains(&patch) {
            return Err(ModelError::Patch { found: patch });
        }
        if image < patch || image > LARGEST || image % patch != 0 {
            return Err(ModelError::NotWholePatches { patch, most: LARGEST, found: image });
        }
        let range =
            |key: &'static str, good: bool, expected: &'static str, found: String| match good {
                true => Ok(()),
                false => Err(ModelError::Range { key, expected, found }),
            };
        let VitShape { embed_dim, num_heads, depth } = self.size.shape();
        let positive = |number: i64| (1..=MOST).contains(&number);
        let whole = "positive numbers up to 8192, embed_dim a multiple of num_heads";
        let good = positive(embed_dim) && positive(num_heads) && positive(depth);
        let found = format!("{embed_dim} features, {num_heads} heads and {depth} blocks");
        range("encoder.vit.size.custom", good && embed_dim % num_heads == 0, whole, found)?;
        let good = (0..=MOST_REGISTERS).contains(&self.register_tokens);
        let found = self.register_tokens.to_string();
        range("encoder.vit.register_tokens", good, "a number from 0 to 64", found)?;
        if let Some(value) = self.layer_scale {
            let expected = "null or a positive number";
            let good = value > 0.0 && value.is_finite();
            range("encoder.vit.layer_scale", good, expected, value.to_string())?;
        }
        if let Some(DropPathConfig { rate, .. }) = self.drop_path {
            let expected = "a number from 0, below 1";
            let good = (0.0..1.0).contains(&rate);
            range("encoder.vit.drop_path.rate", good, expected, rate.to_string())?;
        }
        self.normalize.validate("encoder.vit.normalize")
    }
}
