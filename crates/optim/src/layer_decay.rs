//! Layer-wise decay of the learning rate: layers near the pixels change less than those near the
//! features.

use models::FlatParameters;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use tch::Tensor;

use crate::{Error, Interval};

/// Learning rates of an encoder's layers, as factors of the learning rate.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct LayerDecayConfig {
    /// Which layers are of one level.
    pub rule: LayerDecayRule,
    /// Factor from a level to the one before it, above 0 and at most 1; DINOv2's is 0.9.
    pub decay: f64,
    /// Factor of the layer that makes patches beside that of its level, above 0 and at most 1;
    /// DINOv2's is 0.2, timm has none (1).
    pub patch_embed: f64,
}

/// Which layers are of one level. The first level has tokens, position embeddings and the layer
/// that makes patches, or the stem of a ResNet; then every block is one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum LayerDecayRule {
    /// The last normalization is a level of its own, so that the last block has one `decay`.
    Dinov2,
    /// The last normalization is of the last block's level, which has the whole learning rate.
    Timm,
}

impl LayerDecayConfig {
    pub(crate) fn validate(&self, key: &str) -> Result<(), Error> {
        for (name, value) in [("decay", self.decay), ("patch_embed", self.patch_embed)] {
            let key = format!("{key}.layer_decay.{name}");
            Interval::Positive.check(&key, value)?;
            if value > 1.0 {
                let (expected, found) = ("a number above 0, at most 1", value.to_string());
                return Err(Error::Range { key, expected, found });
            }
        }
        Ok(())
    }

    /// The factor of every weight: 1 for what is not of the encoder, and for all of an encoder
    /// whose layers have no levels.
    ///
    /// # Shapes
    /// `[weights]`, in their dtype and on their device
    pub(crate) fn factors(&self, parameters: &FlatParameters) -> Tensor {
        let factors = parameters.flat().ones_like();
        let parts = parameters.named(&factors);
        let names: Vec<&str> = parts.iter().map(|(name, _)| name.as_str()).collect();
        let levels = Levels::of(&names);
        for (name, part) in &parts {
            let _ = part.shallow_clone().fill_(self.factor(name, &levels));
        }
        factors
    }

    /// The factor of the parameter called `name`.
    pub(crate) fn factor(&self, name: &str, levels: &Levels) -> f64 {
        let Some(name) = name.strip_prefix(ENCODER) else { return 1.0 };
        let blocks = levels.blocks.len() as i32;
        let top = match self.rule {
            LayerDecayRule::Dinov2 => blocks + 1,
            LayerDecayRule::Timm => blocks,
        };
        let level = match levels.level(name) {
            Some(level) => level,
            None => return 1.0,
        };
        let patches = if name.starts_with("patch_embed.") { self.patch_embed } else { 1.0 };
        patches * self.decay.powi(top - level.min(top))
    }
}

const ENCODER: &str = "encoder.";

/// The blocks of an encoder, from the pixels on.
#[derive(Debug)]
pub(crate) struct Levels {
    /// Beginnings of the names of their parameters.
    blocks: Vec<String>,
}

impl Levels {
    /// The blocks of the encoder among parameters of these names.
    pub(crate) fn of(names: &[&str]) -> Self {
        let mut blocks: Vec<String> = Vec::new();
        for name in names.iter().filter_map(|name| name.strip_prefix(ENCODER)) {
            if let Some(block) = block(name)
                && !blocks.contains(&block)
            {
                blocks.push(block);
            }
        }
        Self { blocks }
    }

    /// 0 for what comes before the blocks, 1 and more for these, one more for what follows; none
    /// where there are no blocks.
    fn level(&self, name: &str) -> Option<i32> {
        if self.blocks.is_empty() {
            return None;
        }
        let level = match block(name) {
            Some(block) => 1 + self.blocks.iter().position(|known| *known == block)?,
            None if name.starts_with("norm.") || name.starts_with("fc_norm.") => {
                self.blocks.len() + 1
            }
            None => 0,
        };
        Some(level as i32)
    }
}

/// `blocks.N` of a vision transformer, `layerN.M` of a ResNet.
fn block(name: &str) -> Option<String> {
    let mut parts = name.split('.');
    let (first, second) = (parts.next()?, parts.next()?);
    let stage = first.strip_prefix("layer").is_some_and(|number| number.parse::<u32>().is_ok());
    let of_block = (first == "blocks" || stage) && second.parse::<u32>().is_ok();
    of_block.then(|| format!("{first}.{second}"))
}
