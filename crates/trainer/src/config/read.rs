//! Reading a configuration, and changing single settings of one.

use std::path::Path;

use serde::Deserialize;
use serde_json::Value;

use super::{Config, ConfigError, renamed, strict};

impl Config {
    /// Reads a file.
    ///
    /// # Errors
    /// [`ConfigError`], naming the file and the line.
    pub fn read(path: &Path) -> Result<Self, ConfigError> {
        let text = std::fs::read_to_string(path)
            .map_err(|source| ConfigError::Read { path: path.to_owned(), source })?;
        Self::parse(&text, &path.display().to_string())
    }

    /// Reads a text that comes from `origin`.
    ///
    /// # Errors
    /// [`ConfigError`], naming `origin` and, where JSON ends or a type doesn't fit, the line.
    pub fn parse(text: &str, origin: &str) -> Result<Self, ConfigError> {
        let read = || -> Result<(Self, Value), serde_json::Error> {
            Ok((serde_json::from_str(text)?, serde_json::from_str(text)?))
        };
        if let Some((key, new)) =
            serde_json::from_str(text).ok().and_then(|document| renamed::in_document(&document))
        {
            return Err(ConfigError::Renamed { origin: origin.to_owned(), key, new });
        }
        let (config, given) = read().map_err(|error| {
            let message = error.to_string();
            let context = format!(" at line {} column {}", error.line(), error.column());
            ConfigError::Parse {
                origin: origin.to_owned(),
                line: error.line(),
                column: error.column(),
                message: message.trim_end_matches(&context).to_owned(),
            }
        })?;
        strict::check("", &given, &config.document())
            .map_err(|mismatch| ConfigError::Form { origin: origin.to_owned(), mismatch })?;
        Ok(config)
    }

    /// The same configuration with `KEY=VALUE` applied; the key is a dotted path, the value JSON
    /// (or else a string).
    ///
    /// # Errors
    /// [`ConfigError`] for a key that isn't there and a value that doesn't fit.
    pub fn with(&self, assignment: &str) -> Result<Self, ConfigError> {
        let (key, text) = assignment
            .split_once('=')
            .ok_or_else(|| ConfigError::NotAnAssignment(assignment.to_owned()))?;
        let value = serde_json::from_str(text).unwrap_or_else(|_| Value::String(text.to_owned()));
        let given = || format!("--set {assignment}");
        if let Some((key, new)) = renamed::in_key(key) {
            return Err(ConfigError::Renamed { origin: given(), key, new });
        }
        let mut document = self.document();
        *find(&mut document, key)? = value;
        if let Some((key, new)) = renamed::in_document(&document) {
            return Err(ConfigError::Renamed { origin: given(), key, new });
        }
        let bad = |message| ConfigError::BadValue { assignment: assignment.to_owned(), message };
        let config = Self::deserialize(&document).map_err(|error| bad(error.to_string()))?;
        strict::check("", &document, &config.document()).map_err(|error| bad(error.to_string()))?;
        Ok(config)
    }

    /// The configuration as JSON, optional keys included.
    pub fn document(&self) -> Value {
        let mut document = serde_json::to_value(self).expect("a config is always valid JSON");
        if self.train.max_steps.is_none() {
            document["train"]["max_steps"] = Value::Null;
        }
        document
    }
}

/// The place of the dotted path `key` in `document`.
fn find<'a>(document: &'a mut Value, key: &str) -> Result<&'a mut Value, ConfigError> {
    let mut at = document;
    let mut parent = String::from("the config");
    for part in key.split('.') {
        let known = match &*at {
            Value::Object(map) => map.keys().cloned().collect::<Vec<_>>().join(", "),
            Value::Array(list) => format!("0 to {}", list.len().saturating_sub(1)),
            _ => "no keys".to_owned(),
        };
        let next = match at {
            Value::Object(map) => map.get_mut(part),
            Value::Array(list) => part.parse::<usize>().ok().and_then(|index| list.get_mut(index)),
            _ => None,
        };
        at = next.ok_or_else(|| ConfigError::UnknownKey {
            key: key.to_owned(),
            parent: parent.clone(),
            known,
        })?;
        parent = part.to_owned();
    }
    Ok(at)
}
