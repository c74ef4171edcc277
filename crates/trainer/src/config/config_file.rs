//! Files of settings: whole configurations, parts of them, and records of runs.

use std::path::Path;

use serde::Deserialize;
use serde_json::{Map, Value};

use super::{Config, ConfigError, renamed, strict, suggestion};

/// What a file says of a configuration: all of it, or some keys that are set over those of another
/// one. The record of a run (its `config.json`, the output of `--dry-run`) is a whole one.
#[derive(Clone, Debug)]
pub struct ConfigFile {
    origin: String,
    document: Value,
    whole: Option<Config>,
}

impl ConfigFile {
    /// Reads a file.
    ///
    /// # Errors
    /// [`ConfigError`], naming the file and what is wrong in it.
    pub fn read(path: &Path) -> Result<Self, ConfigError> {
        let text = files::read_text(path)
            .map_err(|error| ConfigError::Read { path: path.to_owned(), source: error.source })?;
        Self::parse(&text, &path.display().to_string())
    }

    /// Reads a text that comes from `origin`.
    ///
    /// # Errors
    /// [`ConfigError`], naming `origin` and what is wrong.
    pub fn parse(text: &str, origin: &str) -> Result<Self, ConfigError> {
        let document: Option<Value> = serde_json::from_str(text).ok();
        let of_record = document.as_ref().and_then(config_of_record).cloned();
        let (text, document) = match of_record {
            Some(config) => (config.to_string(), Some(config)),
            None => (text.to_owned(), document),
        };
        let missing = serde_json::from_str::<Config>(&text)
            .is_err_and(|error| error.to_string().starts_with("missing field"));
        match document {
            Some(document @ Value::Object(_)) if missing => {
                if let Some((key, new)) = renamed::in_document(&document) {
                    return Err(ConfigError::Renamed { origin: origin.to_owned(), key, new });
                }
                Ok(Self { origin: origin.to_owned(), document, whole: None })
            }
            _ => {
                let whole = Config::parse(&text, origin)?;
                let document = whole.document();
                Ok(Self { origin: origin.to_owned(), document, whole: Some(whole) })
            }
        }
    }

    /// The configuration, if the file has all of it.
    pub fn whole(&self) -> Option<&Config> {
        self.whole.as_ref()
    }

    /// Name of the method, if the file has one.
    pub fn method(&self) -> Option<&str> {
        let method = self.document.get("method")?.as_object()?;
        method.keys().next().map(String::as_str)
    }

    /// What the file says of the dotted `key`, if anything.
    pub fn get(&self, key: &str) -> Option<&Value> {
        self.document.pointer(&format!("/{}", key.replace('.', "/")))
    }

    /// The configuration `base` with what the file says. Objects are merged key by key; lists, and
    /// objects that choose among several kinds (a method, an encoder), are replaced where they
    /// differ in kind.
    ///
    /// # Errors
    /// [`ConfigError::InFile`] for the first key that isn't there or whose value doesn't fit.
    pub fn over(&self, base: &Config) -> Result<Config, ConfigError> {
        if let Some(whole) = &self.whole {
            return Ok(whole.clone());
        }
        let mut config = base.clone();
        let mut settings = Vec::new();
        leaves("", &self.document, &base.document(), &mut settings);
        for (key, value) in settings {
            config = set(&config, &key, value).map_err(|message| ConfigError::InFile {
                origin: self.origin.clone(),
                key,
                message,
            })?;
        }
        Ok(config)
    }
}

/// The configuration in the record of a run.
fn config_of_record(document: &Value) -> Option<&Value> {
    document.get("format")?;
    document.get("config").filter(|config| config.is_object())
}

/// The settings of `given` below `key` that are assigned as a whole to a document like `base`.
fn leaves(key: &str, given: &Value, base: &Value, settings: &mut Vec<(String, Value)>) {
    match (given, base) {
        (Value::Object(given), Value::Object(base)) if !other_kind(given, base) => {
            for (part, value) in given {
                let below = if key.is_empty() { part.clone() } else { format!("{key}.{part}") };
                leaves(&below, value, base.get(part).unwrap_or(&Value::Null), settings);
            }
        }
        (given, _) => settings.push((key.to_owned(), given.clone())),
    }
}

/// Whether these are two kinds of one thing, as `{"adam": {}}` and `{"sgd": {}}`.
fn other_kind(given: &Map<String, Value>, base: &Map<String, Value>) -> bool {
    let one = |map: &Map<String, Value>| map.keys().next().filter(|_| map.len() == 1).cloned();
    matches!((one(given), one(base)), (Some(a), Some(b)) if a != b)
}

/// `config` with `value` at the dotted `key`; an error says what is wrong with it.
fn set(config: &Config, key: &str, value: Value) -> Result<Config, String> {
    let mut document = config.document();
    if key == "$schema" {
        document["$schema"] = value;
    } else {
        let pointer = format!("/{}", key.replace('~', "~0").replace('/', "~1").replace('.', "/"));
        let known = similar(&document, key);
        let place = document.pointer_mut(&pointer).ok_or_else(|| match known {
            Some(known) => format!("no such key; did you mean {known}?"),
            None => "no such key".to_owned(),
        })?;
        *place = suggestion::in_place_of(place, value);
    }
    let config =
        Config::deserialize(&document).map_err(|error| files::json_message(&error.to_string()))?;
    strict::check("", &document, &config.document()).map_err(|error| error.to_string())?;
    Ok(config)
}

/// The key of `document` that is most like `key`, if one is much like it: by its last part, at any
/// depth.
fn similar(document: &Value, key: &str) -> Option<String> {
    let last = |key: &str| key.rsplit('.').next().unwrap_or_default().to_owned();
    let mut known = Vec::new();
    keys("", document, &mut known);
    known
        .into_iter()
        .map(|candidate| {
            let (of_part, whole) = (last(&candidate), strsim::jaro_winkler(&candidate, key));
            (strsim::jaro_winkler(&of_part, &last(key)), whole, candidate)
        })
        .filter(|(likeness, ..)| *likeness > 0.85)
        .max_by(|a, b| (a.0, a.1).partial_cmp(&(b.0, b.1)).unwrap_or(std::cmp::Ordering::Equal))
        .map(|(.., key)| key)
}

fn keys(above: &str, value: &Value, known: &mut Vec<String>) {
    for (part, value) in value.as_object().into_iter().flatten() {
        let key = if above.is_empty() { part.clone() } else { format!("{above}.{part}") };
        keys(&key, value, known);
        known.push(key);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tests::tiny_config;

    fn over(text: &str) -> Result<Config, String> {
        let file = ConfigFile::parse(text, "my.json").map_err(|error| error.to_string())?;
        file.over(&tiny_config("simclr")).map_err(|error| error.to_string())
    }

    #[test]
    fn a_part_is_set_over_another_configuration() {
        let base = tiny_config("simclr");
        let text = r#"{"$schema": "s.json", "train": {"epochs": 7, "max_steps": 5},
            "method": {"simclr": {"temperature": 0.3}},
            "optimizer": {"sgd": {"lr": {"constant": 0.1}, "momentum": 0.9, "nesterov": false,
                "weight_decay": {"constant": 0.0}, "exclude_bias_and_norm": true}}}"#;
        let config = over(text).unwrap();
        let mut expected = base.document();
        expected["$schema"] = "s.json".into();
        expected["train"]["epochs"] = 7.into();
        expected["train"]["max_steps"] = 5.into();
        expected["method"]["simclr"]["temperature"] = 0.3.into();
        let given: Value = serde_json::from_str(text).unwrap();
        expected["optimizer"] = given["optimizer"].clone();
        assert_eq!(config.document(), expected);
        assert_eq!(over("{}").unwrap(), base);
    }

    #[test]
    fn a_whole_configuration_and_a_record_need_no_other() {
        let config = tiny_config("dino");
        let text = config.document().to_string();
        for text in [text.clone(), format!(r#"{{"format": 2, "config": {text}}}"#)] {
            let file = ConfigFile::parse(&text, "my.json").unwrap();
            assert_eq!((file.whole(), file.method()), (Some(&config), Some("dino")));
            assert_eq!(file.over(&tiny_config("simclr")).unwrap(), config);
        }
    }

    #[test]
    fn what_is_wrong_is_named() {
        for (text, says) in [
            (r#"{"seed": 1, "sed": 1}"#, "my.json:1:"),
            (r#"{"train": {"epochs": 1}, "batch_size": 1}"#, "train.batch_size"),
            (r#"{"train": {"epochs": 1}, "seed": "x"}"#, "my.json: seed: expected a whole number"),
            (r#"{"train": {"epochs": 1}, "method": {"simcrl": {}}}"#, "my.json: method: "),
            (r#"{"train": {"steps": 1}}"#, "my.json"),
            (r#"{"encoder": {"vit": {"size": "tiny"}}}"#, "expected the key"),
            ("[1]", "my.json"),
            ("{", "expected more"),
        ] {
            let error = over(text).unwrap_err();
            assert!(error.contains(says), "{text}: {error}");
        }
        let file = ConfigFile::parse(r#"{"optimizer": {"adam": {}}}"#, "my.json").unwrap();
        assert!(file.get("optimizer.adam").is_some() && file.get("seed").is_none());
    }
}
