//! The configurations that are part of the program, so that it runs from any folder.

use clap::ValueEnum;
use trainer::{Config, ConfigError};

use crate::failure::Failure;

/// A method's name, its recommended settings and, where it is one of the seed's, the seed's.
type Builtin = (&'static str, &'static str, Option<&'static str>);

macro_rules! embedded {
    ($name:literal) => {
        include_str!(concat!("../../../configs/", $name, ".json"))
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

/// Which of the built-in settings.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Settings {
    /// As published for ResNet-18, the same for all methods but for what is a method's own; for a
    /// GPU.
    Recommended,
    /// As published by the seed repository, with its small encoder; for a CPU too.
    Seed,
}

/// The built-in configuration of `method`, where it has such settings.
///
/// # Errors
/// [`ConfigError`] never for a method of the registry: a test reads them all.
pub fn config(method: &str, settings: Settings) -> Option<Result<Config, ConfigError>> {
    let (name, recommended, seed) = CONFIGS.iter().find(|(name, ..)| *name == method)?;
    let (text, folder) = match settings {
        Settings::Recommended => (*recommended, ""),
        Settings::Seed => ((*seed)?, "seed/"),
    };
    let origin = format!("built-in configs/{folder}{name}.json");
    Some(Config::parse(text, &origin))
}

/// The same of a method of the registry, which may lack the seed's settings.
///
/// # Errors
/// A usage error where it does.
pub fn require(method: &str, settings: Settings) -> Result<Config, Failure> {
    match config(method, settings) {
        Some(config) => Ok(config?),
        None => Err(Failure::usage(format!(
            "{method} has no settings of the seed repository; --settings recommended has it"
        ))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_method_has_valid_built_in_configs() {
        for entry in methods::METHODS {
            let recommended = config(entry.name, Settings::Recommended).unwrap().unwrap();
            recommended.validate().unwrap();
            assert_eq!(recommended.method.name(), entry.name);
            let seed = config(entry.name, Settings::Seed);
            assert_eq!(seed.is_some(), entry.has_seed_form(), "{}", entry.name);
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
            let recommended = config(method, Settings::Recommended).unwrap();
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
