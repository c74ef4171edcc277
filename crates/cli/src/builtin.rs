//! The configurations that are part of the program, so that it runs from any folder.

use trainer::{Config, ConfigError};

const CONFIGS: &[(&str, &str)] = &[
    ("simclr", include_str!("../../../configs/simclr.json")),
    ("dino", include_str!("../../../configs/dino.json")),
];

/// The built-in configuration of `method`.
///
/// # Errors
/// [`ConfigError`] never for a method of the registry: a test reads them all.
pub fn config(method: &str) -> Result<Config, ConfigError> {
    let (name, text) = CONFIGS
        .iter()
        .find(|(name, _)| *name == method)
        .copied()
        .unwrap_or(("", ""));
    Config::parse(text, &format!("built-in configs/{name}.json"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_method_has_a_valid_built_in_config_and_a_seed_config() {
        for entry in methods::CATALOG {
            let config = config(entry.name).unwrap();
            config.validate().unwrap();
            assert_eq!(config.method.name(), entry.name);
            let path = format!(
                "{}/../../configs/seed/{}.json",
                env!("CARGO_MANIFEST_DIR"),
                entry.name
            );
            let seed = Config::read(path.as_ref()).unwrap();
            seed.validate().unwrap();
            assert_eq!(seed.method.name(), entry.name);
        }
        assert_eq!(CONFIGS.len(), methods::CATALOG.len());
    }
}
