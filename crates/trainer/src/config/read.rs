//! Reading a configuration, and changing single settings of one.

use std::path::Path;

use serde::Deserialize;
use serde_json::{Value, json};

use super::{Config, ConfigError, optional, renamed, strict, suggestion};

impl Config {
    /// Reads a file.
    ///
    /// # Errors
    /// [`ConfigError`], naming the file and the line.
    pub fn read(path: &Path) -> Result<Self, ConfigError> {
        let text = files::read_text(path)
            .map_err(|error| ConfigError::Read { path: path.to_owned(), source: error.source })?;
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
                message: files::json_message(message.trim_end_matches(&context)),
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
        let bad = |message| ConfigError::BadValue { assignment: assignment.to_owned(), message };
        if let Some(example) = suggestion::example(key, value.as_str().unwrap_or_default()) {
            let message = format!("expected an object, such as {example}, found a word");
            return Err(bad(message));
        }
        let mut document = self.document();
        optional::fill(&mut document);
        let place = find(&mut document, key)?;
        *place = match value {
            value if value.is_number() && optional::SCHEDULES.contains(&key) => {
                json!({ "constant": value })
            }
            value => suggestion::in_place_of(place, value),
        };
        if let Some((key, new)) = renamed::in_document(&document) {
            return Err(ConfigError::Renamed { origin: given(), key, new });
        }
        let config = Self::deserialize(&document)
            .map_err(|error| bad(files::json_message(&error.to_string())))?;
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
    let pointer = key.replace('~', "~0").replace('/', "~1").replace('.', "/");
    let pointer = format!("/{pointer}");
    // The borrow would last for both otherwise.
    if document.pointer(&pointer).is_none() {
        return Err(unknown(document, key));
    }
    Ok(document.pointer_mut(&pointer).expect("it was there"))
}

/// The error for a `key` that is not in `document`.
fn unknown(document: &Value, key: &str) -> ConfigError {
    let (mut at, mut parent) = (document, String::new());
    for part in key.split('.') {
        let next = match at {
            Value::Object(map) => map.get(part),
            Value::Array(list) => part.parse::<usize>().ok().and_then(|index| list.get(index)),
            _ => None,
        };
        let Some(next) = next else {
            return unknown_below(document, key, &parent, at, part);
        };
        at = next;
        parent = if parent.is_empty() { part.to_owned() } else { format!("{parent}.{part}") };
    }
    unknown_below(document, key, &parent, at, "")
}

/// The same where `parent`, which is `at`, has no `part`.
fn unknown_below(document: &Value, key: &str, parent: &str, at: &Value, part: &str) -> ConfigError {
    let known = match at {
        Value::Object(map) => map.keys().cloned().collect::<Vec<_>>().join(", "),
        Value::Array(list) => format!("0 to {}", list.len().saturating_sub(1)),
        _ => "no keys".to_owned(),
    };
    let parent_name = parent.rsplit('.').next().unwrap_or(parent);
    let known = match parent_name {
        "" => format!("the config has {known}"),
        name => format!("{name} has {known}"),
    };
    let hint = match (suggestion::example(parent, part), suggestion::similar_key(document, key)) {
        (Some(example), _) => format!("{known}; set all of it: {parent}={example}"),
        (None, Some(similar)) if parent.is_empty() => format!("did you mean {similar}?"),
        (None, Some(similar)) => format!("{known}; did you mean {similar}?"),
        (None, None) => known,
    };
    ConfigError::UnknownKey { key: key.to_owned(), hint }
}
