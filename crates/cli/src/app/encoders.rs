//! Encoders by name, with published settings for the size of the images.

use clap::ValueEnum;
use models::{
    ConvConfig, ConvNextConfig, ConvNextSize, EncoderConfig, Normalize, Pool, ResNetConfig,
    ResNetNorm, Stem, VitConfig, VitSize,
};
use trainer::{Config, ConfigError};

/// An encoder.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum EncoderName {
    /// ResNet-18.
    #[value(name = "resnet18")]
    ResNet18,
    /// ResNet-50.
    #[value(name = "resnet50")]
    ResNet50,
    /// Vision transformer of 192 features, trained with AdamW.
    VitTiny,
    /// Vision transformer of 384 features, trained with AdamW.
    VitSmall,
    /// Vision transformer of 768 features, trained with AdamW.
    VitBase,
    /// ConvNeXt of 768 features, trained with AdamW.
    #[value(name = "convnext-tiny")]
    ConvNextTiny,
    /// Four strided convolutions, for a CPU.
    Convnet,
}

/// Images up to this side are for the stem of CIFAR-10.
const SMALL: usize = 40;
/// Images from this side on have patches of 16 pixels, as ImageNet's of 224; smaller ones of 8, so
/// that there are enough of them.
const PATCHES_OF_16: usize = 160;
/// Smallest side that four strided convolutions take.
const FOUR_CONVOLUTIONS: usize = 31;

/// AdamW of DINO (Caron et al. 2021, arXiv 2104.14294, section 3), for 256 images a step.
const DINO_ADAMW: &str = r#"optimizer={"adamw": {
    "lr": {"warmup_cosine": {"start": 0.0, "peak": 0.0005, "end": 1e-06, "warmup_fraction": 0.1}},
    "betas": [0.9, 0.999], "epsilon": 1e-08,
    "weight_decay": {"cosine": {"start": 0.04, "end": 0.4}}, "exclude_bias_and_norm": true}}"#;
/// AdamW of MoCo v3 (Chen et al. 2021, arXiv 2104.02057, section 4), also for SimCLR, BYOL and SwAV
/// there; for 256 images a step.
const MOCO_V3_ADAMW: &str = r#"optimizer={"adamw": {
    "lr": {"warmup_cosine": {"start": 0.0, "peak": 0.00015, "end": 0.0, "warmup_fraction": 0.13}},
    "betas": [0.9, 0.999], "epsilon": 1e-08,
    "weight_decay": {"constant": 0.1}, "exclude_bias_and_norm": true}}"#;

impl EncoderName {
    /// Its configuration for the images and views of `config`.
    pub fn config(self, config: &Config) -> EncoderConfig {
        let side = config.image_size;
        let resnet = |depth| {
            let stem = if side <= SMALL { Stem::Small } else { Stem::ImageNet };
            EncoderConfig::ResNet(ResNetConfig::new(depth, stem, ResNetNorm::Batch))
        };
        let vit = |size| {
            let patch_size = if side >= PATCHES_OF_16 { 16 } else { 8 };
            EncoderConfig::Vit(VitConfig::new(size, patch_size, side as i64))
        };
        match self {
            Self::ResNet18 => resnet(18),
            Self::ResNet50 => resnet(50),
            Self::VitTiny => vit(VitSize::Tiny),
            Self::VitSmall => vit(VitSize::Small),
            Self::VitBase => vit(VitSize::Base),
            Self::ConvNextTiny => EncoderConfig::ConvNext(ConvNextConfig {
                size: ConvNextSize::Tiny,
                drop_path: 0.0,
                normalize: Normalize::NONE,
            }),
            Self::Convnet => {
                let smallest = config.view_recipes().iter().map(|view| view.size).min();
                let few = smallest.is_some_and(|side| side < FOUR_CONVOLUTIONS);
                let layers = if few { 3 } else { 4 };
                EncoderConfig::Conv(ConvConfig { width: 128, layers, pool: Pool::Mean })
            }
        }
    }

    /// The optimizer that it is trained with in place of a preset's, for 256 images a step.
    ///
    /// # Errors
    /// Never: a test sets them all.
    pub fn set_optimizer(self, config: Config) -> Result<Config, ConfigError> {
        match self {
            _ if !self.has_optimizer() => Ok(config),
            _ if ["dino", "dinov2"].contains(&config.method.name()) => config.with(DINO_ADAMW),
            _ => config.with(MOCO_V3_ADAMW),
        }
    }

    /// Whether it has an optimizer of its own.
    pub fn has_optimizer(self) -> bool {
        matches!(self, Self::VitTiny | Self::VitSmall | Self::VitBase | Self::ConvNextTiny)
    }
}

/// The name of an encoder in messages.
pub fn encoder_name(encoder: &EncoderConfig) -> String {
    match encoder {
        EncoderConfig::Conv(_) => "convnet".to_owned(),
        EncoderConfig::ResNet(config) => format!("resnet{}", config.depth),
        EncoderConfig::ConvNext(config) => match config.size {
            ConvNextSize::Tiny => "convnext-tiny".to_owned(),
        },
        EncoderConfig::Vit(config) => match config.size {
            VitSize::Tiny => "vit-tiny".to_owned(),
            VitSize::Small => "vit-small".to_owned(),
            VitSize::Base => "vit-base".to_owned(),
            VitSize::Large => "vit-large".to_owned(),
            VitSize::Custom(_) => "vit".to_owned(),
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::app::presets::Preset;

    fn encoder(name: EncoderName, method: &str, image_size: usize) -> String {
        let mut config = Preset::Gpu.config(method).unwrap();
        config.image_size = image_size;
        serde_json::to_string(&name.config(&config)).unwrap()
    }

    #[test]
    fn an_encoder_fits_the_size_of_the_images() {
        for (name, method, size, says) in [
            (EncoderName::ResNet18, "simclr", 32, r#""depth":18,"stem":"small""#),
            (EncoderName::ResNet50, "simclr", 96, r#""depth":50,"stem":"imagenet""#),
            (EncoderName::VitTiny, "dino", 96, r#""size":"tiny","patch_size":8,"img_size":96"#),
            (EncoderName::VitSmall, "dino", 224, r#""patch_size":16,"img_size":224"#),
            (EncoderName::Convnet, "dino", 96, r#""layers":4,"pool":"mean""#),
            (EncoderName::Convnet, "dino", 32, r#""layers":3"#),
            (EncoderName::Convnet, "simclr", 32, r#""layers":4"#),
        ] {
            let found = encoder(name, method, size);
            assert!(found.contains(says), "{name:?} {size}: {found}");
        }
    }

    #[test]
    fn transformers_are_trained_with_adamw() {
        for (method, peak) in [("dino", 0.0005), ("byol", 0.00015)] {
            let config = Preset::Gpu.config(method).unwrap();
            let other = EncoderName::ResNet50.set_optimizer(config.clone()).unwrap();
            assert_eq!(other, config);
            let config = EncoderName::VitTiny.set_optimizer(config).unwrap();
            config.validate().unwrap();
            let lr = &config.document()["optimizer"]["adamw"]["lr"]["warmup_cosine"]["peak"];
            assert_eq!(*lr, peak);
        }
    }
}
