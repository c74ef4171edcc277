//! Built-in configurations, compiled in so that the program runs from any folder.

use clap::ValueEnum;
use trainer::{Config, ConfigError};

use crate::app::failure::Failure;

/// A method, its recommended configuration and, if it has one, that of the seed repository.
type Builtin = (&'static str, &'static str, Option<&'static str>);

macro_rules! embedded {
    ($name:literal) => {
        include_str!(concat!("../../../../configs/", $name, ".json"))
    };
}

#[rustfmt::skip]
const CONFIGS: &[Builtin] = &[
    ("simclr", embedded!("simclr"), Some(embedded!("seed/simclr"))),
    ("nnclr", embedded!("nnclr"), Some(embedded!("seed/nnclr"))),
    ("dcl", embedded!("dcl"), Some(embedded!("seed/dcl"))),
    ("barlow_twins", embedded!("barlow_twins"), Some(embedded!("seed/barlow_twins"))),
    ("hsic_twins", embedded!("hsic_twins"), Some(embedded!("seed/hsic_twins"))),
    ("twist", embedded!("twist"), Some(embedded!("seed/twist"))),
    ("moco", embedded!("moco"), Some(embedded!("seed/moco"))),
    ("dino", embedded!("dino"), Some(embedded!("seed/dino"))),
    ("byol", embedded!("byol"), None),
    ("simsiam", embedded!("simsiam"), None),
    ("vicreg", embedded!("vicreg"), None),
    ("swav", embedded!("swav"), None),
];

/// A set of built-in configurations.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Preset {
    /// ResNet-18 with published hyperparameters; for a GPU.
    Recommended,
    /// Small encoder with the original repository's hyperparameters; runs on a CPU.
    Seed,
}

/// The built-in configuration of `method`, if it has one.
///
/// # Errors
/// [`ConfigError`] never for a method of the registry: a test reads them all.
pub fn config(method: &str, preset: Preset) -> Option<Result<Config, ConfigError>> {
    let (name, recommended, seed) = CONFIGS.iter().find(|(name, ..)| *name == method)?;
    let (text, folder) = match preset {
        Preset::Recommended => (*recommended, ""),
        Preset::Seed => ((*seed)?, "seed/"),
    };
    let origin = format!("built-in configs/{folder}{name}.json");
    Some(Config::parse(text, &origin))
}

/// The built-in configuration of a registered method.
///
/// # Errors
/// A usage error if the method has no such preset.
pub fn require(method: &str, preset: Preset) -> Result<Config, Failure> {
    match config(method, preset) {
        Some(config) => Ok(config?),
        None => {
            Err(Failure::usage(format!("{method} has no seed preset; use --preset recommended")))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_method_has_valid_built_in_configs() {
        for entry in methods::METHODS {
            let recommended = config(entry.name, Preset::Recommended).unwrap().unwrap();
            recommended.validate().unwrap();
            assert_eq!(recommended.method.name(), entry.name);
            let seed = config(entry.name, Preset::Seed);
            assert_eq!(seed.is_some(), entry.has_seed_variant(), "{}", entry.name);
            if let Some(seed) = seed {
                let seed = seed.unwrap();
                seed.validate().unwrap();
                assert_eq!(seed.method.name(), entry.name);
            }
        }
        assert_eq!(CONFIGS.len(), methods::METHODS.len());
    }

    #[test]
    fn recommended_settings_differ_in_what_is_a_method_s_own() {
        let shared = |method: &str| {
            let recommended = config(method, Preset::Recommended).unwrap();
            let mut document = recommended.unwrap().document();
            for own in ["method", "projection", "optimizer"] {
                document.as_object_mut().unwrap().remove(own);
            }
            document["augment"]["views"] = serde_json::Value::Null;
            document
        };
        for entry in methods::METHODS {
            assert_eq!(shared(entry.name), shared("simclr"), "{}", entry.name);
        }
    }
}
