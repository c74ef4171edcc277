//! Settings for a run that goes on from trained weights (`--init-weights`), so that what they know
//! isn't lost: smaller steps, smallest near the pixels, after heads had time to learn.

use models::EncoderConfig;
use serde_json::Value;
use trainer::{Config, ConfigError, ViewSize};

use crate::app::given::Given;

/// Factor of the learning rate.
const LR_FACTOR: f64 = 0.1;
/// Layer decay of DINOv2.
const LAYER_DECAY: &str = r#"{"rule": "dinov2", "decay": 0.9, "patch_embed": 0.2}"#;
/// Fraction of the steps in which only heads learn.
const FREEZE_ENCODER: f64 = 0.1;
/// Weight of KoLeo, DINOv2's.
const KOLEO: f64 = 0.1;

/// `config` for going on, where nothing else is `given`, and what was changed, in words.
///
/// # Errors
/// [`ConfigError`] never: the values fit their keys.
pub fn continuing(mut config: Config, given: &Given) -> Result<(Config, Vec<String>), ConfigError> {
    let mut changed = Vec::new();
    if let EncoderConfig::Vit(vit) = &config.encoder {
        let patch = vit.patch_size as usize;
        changed.extend(fit_views(&mut config, patch, given));
    }
    if !given.lr() {
        config.scale_lr(LR_FACTOR);
        changed.push(format!("learning rate times {LR_FACTOR}"));
    }
    let document = config.document();
    let has = |pointer: &str| document.pointer(pointer).is_some_and(|value| !value.is_null());
    let layers = matches!(config.encoder, EncoderConfig::Vit(_) | EncoderConfig::ResNet(_));
    let key = "optimizer.adamw.layer_decay";
    if layers && has("/optimizer/adamw") && !given.has(key) {
        config = config.with(&format!("{key}={LAYER_DECAY}"))?;
        changed.push("layer decay 0.9".to_owned());
    }
    if !given.has("train.freeze_encoder") {
        config.train.freeze_encoder = Some(FREEZE_ENCODER);
        changed.push(format!("encoder frozen for {FREEZE_ENCODER} of the steps"));
    }
    let dino = document.pointer("/method/dino/variant").is_some_and(Value::is_object);
    let key = "method.dino.koleo";
    if dino && !given.has(key) {
        config = config.with(&format!("{key}={KOLEO}"))?;
        changed.push(format!("KoLeo {KOLEO}"));
    }
    Ok((config, changed))
}

/// Makes the sides of images and local views whole numbers of patches, where they weren't given.
fn fit_views(config: &mut Config, patch: usize, given: &Given) -> Option<String> {
    let nearest = |side: usize| ((side + patch / 2) / patch).max(1) * patch;
    let before = config.image_size;
    if !given.image_size() {
        config.image_size = nearest(config.image_size);
    }
    if !given.has("augment") {
        for group in &mut config.augment.views {
            let side = group.size.pixels(config.image_size);
            if side != config.image_size && side % patch != 0 {
                group.size = ViewSize::Pixels(nearest(side));
            }
        }
    }
    (config.image_size != before).then(|| format!("images of {} pixels", config.image_size))
}
