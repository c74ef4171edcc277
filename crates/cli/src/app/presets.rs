//! Built-in configurations, compiled in so that the program runs from any folder.

use clap::ValueEnum;
use models::DeviceChoice;
use trainer::{Config, ConfigError};

use crate::app::failure::Failure;

/// A method, and its configurations in the presets `cpu`, `gpu` and `seed`.
type Builtin = (&'static str, [&'static str; 3]);

macro_rules! embedded {
    ($name:literal) => {
        (
            $name,
            [
                include_str!(concat!("../../../../configs/cpu/", $name, ".json")),
                include_str!(concat!("../../../../configs/gpu/", $name, ".json")),
                include_str!(concat!("../../../../configs/seed/", $name, ".json")),
            ],
        )
    };
}

const CONFIGS: &[Builtin] = &[
    embedded!("simclr"),
    embedded!("nnclr"),
    embedded!("dcl"),
    embedded!("barlow_twins"),
    embedded!("hsic_twins"),
    embedded!("twist"),
    embedded!("moco"),
    embedded!("dino"),
    embedded!("byol"),
    embedded!("simsiam"),
    embedded!("vicreg"),
    embedded!("swav"),
    embedded!("lejepa"),
    embedded!("visreg"),
    embedded!("distill"),
    embedded!("dinov2"),
];

/// Methods whose learning rate in the preset `gpu` doesn't depend on the batch size, as their
/// sources say.
const UNSCALED: [&str; 3] = ["simsiam", "hsic_twins", "visreg"];

/// Images that pass through the network in a run with the preset `cpu`: about half an hour on two
/// cores.
const CPU_IMAGES: usize = 150_000;
/// Most epochs of such a run; with 500 images these are as many.
const CPU_EPOCHS: usize = 300;

/// A set of built-in configurations.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Preset {
    /// Small encoder and heads; about half an hour on two cores, however many images.
    Cpu,
    /// ResNet-18 with published hyperparameters.
    Gpu,
    /// Small encoder with the original repository's hyperparameters.
    Seed,
}

impl Preset {
    /// The preset for a device.
    pub fn for_device(device: DeviceChoice) -> Result<Self, Failure> {
        let device = device.open().map_err(Failure::usage)?;
        Ok(if models::device_name(device) == "cpu" { Self::Cpu } else { Self::Gpu })
    }

    /// Its name on the command line, and of its folder in `configs`.
    pub fn name(self) -> &'static str {
        match self {
            Self::Cpu => "cpu",
            Self::Gpu => "gpu",
            Self::Seed => "seed",
        }
    }

    /// The configuration of a registered method.
    ///
    /// # Errors
    /// [`ConfigError`] never: a test reads them all.
    pub fn config(self, method: &str) -> Result<Config, ConfigError> {
        let builtin = CONFIGS.iter().find(|(name, _)| *name == method);
        let (_, [cpu, gpu, seed]) = builtin.expect("every method has built-in configurations");
        let text = match self {
            Self::Cpu => cpu,
            Self::Gpu => gpu,
            Self::Seed => seed,
        };
        Config::parse(text, &format!("built-in configs/{}/{method}.json", self.name()))
    }

    /// Whether the learning rate of `method` is meant for its batch size, and grows with it.
    pub fn scales_lr(self, method: &str) -> bool {
        self == Self::Gpu && !UNSCALED.contains(&method)
    }

    /// Epochs for a set of `images`, where the preset depends on their number.
    pub fn epochs(self, images: usize) -> Option<u32> {
        let epochs = CPU_IMAGES.div_ceil(images.max(1)).clamp(1, CPU_EPOCHS);
        (self == Self::Cpu).then_some(epochs as u32)
    }
}

#[cfg(test)]
mod tests;
