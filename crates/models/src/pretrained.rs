//! Weights of other programs: recognized by their names, and brought under those of the encoders
//! here, which are torchvision's and timm's.

use std::collections::BTreeMap;
use std::fmt;

use tch::Tensor;

use crate::{
    ConvNextConfig, ConvNextSize, EncoderConfig, Normalize, ResNetConfig, ResNetNorm, Stem,
    VitConfig, VitPool, VitSize, resample_positions,
};

/// Whose names the weights of an encoder have.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WeightSource {
    /// torchvision's ResNets.
    Torchvision,
    /// timm's vision transformers.
    Timm,
    /// timm's ConvNeXt.
    TimmConvNext,
    /// DINOv2's own code.
    Dinov2,
    /// `Dinov2Model` and `Dinov2WithRegistersModel` of Hugging Face's transformers.
    HuggingFaceDinov2,
    /// `ViTModel` of Hugging Face's transformers.
    HuggingFaceVit,
}

impl fmt::Display for WeightSource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Torchvision => "a torchvision ResNet",
            Self::Timm => "a timm vision transformer",
            Self::TimmConvNext => "a timm ConvNeXt",
            Self::Dinov2 => "a vision transformer of DINOv2",
            Self::HuggingFaceDinov2 => "a Hugging Face Dinov2Model",
            Self::HuggingFaceVit => "a Hugging Face ViTModel",
        })
    }
}

/// What wraps an encoder in files of models with a head, or of training.
const PREFIXES: [&str; 5] = ["dinov2_with_registers.", "dinov2.", "vit.", "backbone.", "module."];
/// Names of what is not part of an encoder: classifiers, and the tokens of masked patches.
/// But for the last normalization of ConvNeXt, which timm has in its head.
const PASSED_OVER: [&str; 5] = ["fc.", "head.", "classifier.", "pooler.", "mask_token"];

/// The name without what wraps the encoder.
fn bare(name: &str) -> &str {
    PREFIXES.iter().find_map(|prefix| name.strip_prefix(prefix)).unwrap_or(name)
}

impl WeightSource {
    /// Whose the tensors called `names` are, if they are known.
    pub fn detect<'a>(names: impl IntoIterator<Item = &'a str>) -> Option<Self> {
        let names: Vec<&str> = names.into_iter().map(bare).collect();
        let has = |name: &str| names.contains(&name);
        if has("encoder.layer.0.layer_scale1.lambda1") {
            Some(Self::HuggingFaceDinov2)
        } else if has("embeddings.patch_embeddings.projection.weight") {
            Some(Self::HuggingFaceVit)
        } else if has("register_tokens") || has("mask_token") {
            Some(Self::Dinov2)
        } else if has("patch_embed.proj.weight") {
            Some(Self::Timm)
        } else if has("stages.0.blocks.0.conv_dw.weight") {
            Some(Self::TimmConvNext)
        } else if has("layer1.0.conv1.weight") {
            Some(Self::Torchvision)
        } else {
            None
        }
    }

    /// The name of a tensor here; `None` for one that encoders don't have. The queries, keys and
    /// values of Hugging Face are called `q`, `k` and `v` until they are joined.
    fn rename(self, name: &str) -> Option<String> {
        let name = bare(name);
        let last_norm = self == Self::TimmConvNext && name.starts_with("head.norm.");
        if !last_norm && PASSED_OVER.iter().any(|prefix| name.starts_with(prefix)) {
            return None;
        }
        match self {
            Self::Torchvision | Self::Timm | Self::TimmConvNext => Some(name.to_owned()),
            Self::Dinov2 => Some(match name {
                "register_tokens" => "reg_token".to_owned(),
                name => without_chunk(name),
            }),
            Self::HuggingFaceDinov2 | Self::HuggingFaceVit => hugging_face(name),
        }
    }
}

/// `blocks.CHUNK.NUMBER.` of training checkpoints as `blocks.NUMBER.`
fn without_chunk(name: &str) -> String {
    let number = |part: &&str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit());
    let parts: Vec<&str> = name.split('.').collect();
    match &parts[..] {
        ["blocks", chunk, block, rest @ ..] if number(chunk) && number(block) => {
            format!("blocks.{block}.{}", rest.join("."))
        }
        _ => name.to_owned(),
    }
}

/// A name of Hugging Face's as timm's.
fn hugging_face(name: &str) -> Option<String> {
    if let Some(rest) = name.strip_prefix("encoder.layer.") {
        let (number, rest) = rest.split_once('.')?;
        const PARTS: [(&str, &str); 15] = [
            ("attention.attention.query.", "attn.q."),
            ("attention.attention.key.", "attn.k."),
            ("attention.attention.value.", "attn.v."),
            ("attention.output.dense.", "attn.proj."),
            ("layer_scale1.lambda1", "ls1.gamma"),
            ("layer_scale2.lambda1", "ls2.gamma"),
            ("layernorm_before.", "norm1."),
            ("layernorm_after.", "norm2."),
            ("norm1.", "norm1."),
            ("norm2.", "norm2."),
            ("intermediate.dense.", "mlp.fc1."),
            ("output.dense.", "mlp.fc2."),
            ("mlp.fc1.", "mlp.fc1."),
            ("mlp.fc2.", "mlp.fc2."),
            ("mlp.", "mlp."),
        ];
        let part = PARTS.iter().find_map(|(theirs, ours)| {
            Some(format!("blocks.{number}.{ours}{}", rest.strip_prefix(theirs)?))
        });
        return Some(part.unwrap_or_else(|| name.to_owned()));
    }
    let renamed = match name {
        "embeddings.cls_token" => "cls_token",
        "embeddings.register_tokens" => "reg_token",
        "embeddings.position_embeddings" => "pos_embed",
        "embeddings.mask_token" => return None,
        "embeddings.patch_embeddings.projection.weight" => "patch_embed.proj.weight",
        "embeddings.patch_embeddings.projection.bias" => "patch_embed.proj.bias",
        "layernorm.weight" => "norm.weight",
        "layernorm.bias" => "norm.bias",
        other => other,
    };
    Some(renamed.to_owned())
}

/// What a file of weights is of, by the names and shapes of its tensors.
#[derive(Clone, Debug, PartialEq)]
pub struct WeightsInfo {
    /// Whose names it has.
    pub source: WeightSource,
    /// The encoder, where names and shapes say all of it.
    pub encoder: Option<EncoderConfig>,
    /// The normalization of pixels that the weights were trained with, where it is known:
    /// ImageNet's for torchvision, ConvNeXt and DINOv2. Vision transformers of timm and of Hugging
    /// Face's `ViTModel` don't say theirs.
    pub normalize: Option<Normalize>,
}

impl WeightsInfo {
    /// What the tensors of these names and shapes are of, if they are known.
    pub fn of(tensors: &[(String, Vec<i64>)]) -> Option<Self> {
        let source = WeightSource::detect(tensors.iter().map(|(name, _)| name.as_str()))?;
        let shapes: BTreeMap<String, &[i64]> = tensors
            .iter()
            .filter_map(|(name, shape)| Some((source.rename(name)?, &shape[..])))
            .collect();
        let encoder = match source {
            WeightSource::Torchvision => resnet(&shapes).map(EncoderConfig::ResNet),
            WeightSource::TimmConvNext => convnext(&shapes).map(EncoderConfig::ConvNext),
            _ => vit(source, &shapes).map(EncoderConfig::Vit),
        };
        let scaled = shapes.contains_key("blocks.0.ls1.gamma");
        let normalize = match source {
            WeightSource::Torchvision | WeightSource::TimmConvNext => true,
            WeightSource::Dinov2 | WeightSource::HuggingFaceDinov2 => true,
            WeightSource::Timm => scaled,
            WeightSource::HuggingFaceVit => false,
        };
        let normalize = normalize.then_some(Normalize::IMAGENET);
        let encoder = encoder.map(|encoder| encoder.with_normalize(normalize.unwrap_or_default()));
        Some(Self { source, encoder, normalize })
    }
}

impl fmt::Display for WeightsInfo {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.source)?;
        match &self.encoder {
            Some(EncoderConfig::ResNet(config)) => write!(f, " of depth {}", config.depth),
            Some(EncoderConfig::ConvNext(_)) => f.write_str(" of size tiny"),
            Some(EncoderConfig::Vit(config)) => {
                let shape = config.size.shape();
                let (dim, depth, patch) = (shape.embed_dim, shape.depth, config.patch_size);
                write!(f, " of {dim} features and {depth} blocks, patches of {patch} pixels")?;
                if config.register_tokens > 0 {
                    write!(f, ", {} registers", config.register_tokens)?;
                }
                write!(f, ", position embeddings for {} pixels", config.img_size)
            }
            _ => Ok(()),
        }
    }
}

/// Blocks of a vision transformer or of a stage.
fn count(shapes: &BTreeMap<String, &[i64]>, prefix: &str) -> i64 {
    let numbers = shapes
        .keys()
        .filter_map(|name| name.strip_prefix(prefix)?.split('.').next()?.parse::<i64>().ok());
    numbers.max().map_or(0, |last| last + 1)
}

fn resnet(shapes: &BTreeMap<String, &[i64]>) -> Option<ResNetConfig> {
    let bottleneck = shapes.contains_key("layer1.0.conv3.weight");
    let depth = match (count(shapes, "layer3."), bottleneck) {
        (2, false) => 18,
        (6, false) => 34,
        (6, true) => 50,
        _ => return None,
    };
    // The two small stems have the same weights.
    let imagenet = shapes.get("conv1.weight")?.get(2) == Some(&7);
    let batch = shapes.contains_key("bn1.running_mean");
    (imagenet && batch).then(|| ResNetConfig::new(depth, Stem::ImageNet, ResNetNorm::Batch))
}

fn convnext(shapes: &BTreeMap<String, &[i64]>) -> Option<ConvNextConfig> {
    let width = *shapes.get("stem.0.weight")?.first()?;
    let size = match (width, count(shapes, "stages.2.blocks.")) {
        (96, 9) => ConvNextSize::Tiny,
        _ => return None,
    };
    Some(ConvNextConfig { size, drop_path: 0.0, normalize: Normalize::NONE })
}

fn vit(source: WeightSource, shapes: &BTreeMap<String, &[i64]>) -> Option<VitConfig> {
    let dim = *shapes.get("cls_token")?.last()?;
    let depth = count(shapes, "blocks.");
    let size = VitSize::NAMED.into_iter().find(|size| {
        let shape = size.shape();
        (shape.embed_dim, shape.depth) == (dim, depth)
    })?;
    let patch = *shapes.get("patch_embed.proj.weight")?.get(2)?;
    let registers = shapes.get("reg_token").and_then(|shape| shape.get(1)).copied().unwrap_or(0);
    let rows = *shapes.get("pos_embed")?.get(1)?;
    let (across, classes) = grid(rows, 1 + registers)?;
    let img_size = across.checked_mul(patch)?;
    Some(VitConfig {
        layer_scale: shapes.contains_key("blocks.0.ls1.gamma").then_some(1e-5),
        register_tokens: registers,
        // Of a class token alone it is moved into the token where there are registers.
        no_embed_class: classes == 0 || (registers > 0 && source != WeightSource::Timm),
        pool: match shapes.contains_key("fc_norm.weight") {
            true => VitPool::Avg,
            false => VitPool::Token,
        },
        ..VitConfig::new(size, patch, img_size)
    })
}

/// Patches in a row, and rows before those of patches, of position embeddings: none, that of the
/// class token, or those of all `prefix` tokens.
fn grid(rows: i64, prefix: i64) -> Option<(i64, i64)> {
    let across = |patches: i64| {
        let across = (patches.max(0) as f64).sqrt().round() as i64;
        (across > 0 && across * across == patches).then_some(across)
    };
    [0, 1, prefix].into_iter().find_map(|before| Some((across(rows - before)?, before)))
}

/// The token that stands in for masked patches among the tensors of a file, as DINOv2's own and
/// Hugging Face's files have it.
pub fn mask_token(tensors: &[(String, Tensor)]) -> Option<&Tensor> {
    let is = |name: &str| ["mask_token", "embeddings.mask_token"].contains(&bare(name));
    tensors.iter().find(|(name, _)| is(name)).map(|(_, token)| token)
}

/// Brings tensors of `source` under the names that `encoder` has, and makes position embeddings fit
/// it: those of another grid of patches are interpolated as in [`resample_positions`], that of the
/// class token is added to the token where the encoder has none. Classifiers and mask tokens are
/// left out; what is not known stays as it is.
pub fn convert_weights(
    source: WeightSource,
    tensors: Vec<(String, Tensor)>,
    encoder: &EncoderConfig,
) -> Vec<(String, Tensor)> {
    let renamed =
        tensors.into_iter().filter_map(|(name, tensor)| Some((source.rename(&name)?, tensor)));
    let mut tensors: BTreeMap<String, Tensor> = renamed.collect();
    join_queries(&mut tensors);
    if let EncoderConfig::Vit(config) = encoder {
        fit_positions(&mut tensors, config);
        if config.pool == VitPool::Avg && !tensors.contains_key("fc_norm.weight") {
            for part in ["weight", "bias"] {
                if let Some(tensor) = tensors.remove(&format!("norm.{part}")) {
                    tensors.insert(format!("fc_norm.{part}"), tensor);
                }
            }
        }
    }
    tensors.into_iter().collect()
}

/// Joins queries, keys and values that are apart.
fn join_queries(tensors: &mut BTreeMap<String, Tensor>) {
    let queries: Vec<String> =
        tensors.keys().filter(|name| name.contains(".attn.q.")).cloned().collect();
    for query in queries {
        let names =
            ["q", "k", "v"].map(|part| query.replace(".attn.q.", &format!(".attn.{part}.")));
        if !names.iter().all(|name| tensors.contains_key(name)) {
            continue;
        }
        let parts = names.map(|name| tensors.remove(&name).expect("it is there"));
        let same = |part: &Tensor| part.dim() > 0 && part.size()[1..] == parts[0].size()[1..];
        if parts.iter().all(same) {
            tensors.insert(query.replace(".attn.q.", ".attn.qkv."), Tensor::cat(&parts, 0));
        }
    }
}

fn fit_positions(tensors: &mut BTreeMap<String, Tensor>, config: &VitConfig) {
    let prefix = 1 + config.register_tokens;
    let Some(positions) = tensors.get("pos_embed") else { return };
    let [1, rows, _] = positions.size()[..] else { return };
    let own = config.img_size / config.patch_size;
    let Some((across, before)) = grid(rows, prefix) else { return };
    let patches = positions.narrow(1, before, across * across);
    let patches = resample_positions(&patches, [across; 2], [own; 2]);
    let first = positions.narrow(1, 0, before);
    let positions = match (config.no_embed_class, before) {
        (true, 0) => patches,
        (true, 1) => {
            let Some(token) = tensors.get("cls_token") else { return };
            if token.size() != first.size() {
                return;
            }
            let token = token + first;
            tensors.insert("cls_token".to_owned(), token);
            patches
        }
        (false, before) if before == prefix => Tensor::cat(&[first, patches], 1),
        _ => return,
    };
    tensors.insert("pos_embed".to_owned(), positions);
}
