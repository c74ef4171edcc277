//! What may change when a run is resumed, and what makes runs comparable.

use std::path::Path;

use models::Precision;
use run::{DataRecord, file};
use serde_json::{Map, Value};
use sha2::{Digest, Sha256};

use crate::{Config, Error, RunRecord};

/// Checks that the run in `folder`, which `record` describes, can be resumed as `method` with
/// `config`: only what doesn't change its past may differ. Returns `config`, with the precision of
/// the run where it says `auto`.
///
/// # Errors
/// [`Error::ConfigChanged`] with the first key that differs.
pub fn check_resume(
    record: &RunRecord,
    folder: &Path,
    method: &str,
    mut config: Config,
) -> Result<Config, Error> {
    let path = folder.join(file::CONFIG);
    let changed = |key: &str, expected: String, found: String| {
        Err(Error::ConfigChanged { path: path.clone(), key: key.to_owned(), expected, found })
    };
    if method != record.config.method.name() {
        return changed("method", record.config.method.name().to_owned(), method.to_owned());
    }
    if config.train.precision == Precision::Auto {
        config.train.precision = record.config.train.precision;
    }
    let may_change = [MAY_DIFFER, MAY_CHANGE].concat();
    let (before, after) = (record.config.document(), config.document());
    match first_difference(&before, &after, &may_change) {
        Some((key, expected, found)) => changed(&key, expected.to_string(), found.to_string()),
        None => Ok(config),
    }
}

/// Checks that the run in `folder`, which `record` describes, is resumed with the data that it
/// began with.
///
/// # Errors
/// [`Error::ConfigChanged`] where the fingerprints differ.
pub fn check_data(record: &RunRecord, folder: &Path, data: &DataRecord) -> Result<(), Error> {
    if record.data.fingerprint == data.fingerprint {
        return Ok(());
    }
    let describe = |data: &DataRecord| {
        let paths: Vec<_> = data.source.paths.iter().map(|path| path.to_string_lossy()).collect();
        let place = if paths.is_empty() { "the built-in set".into() } else { paths.join(", ") };
        format!("{place} with fingerprint {}", data.fingerprint)
    };
    Err(Error::ConfigChanged {
        path: folder.join(file::CONFIG),
        key: "data".to_owned(),
        expected: describe(&record.data),
        found: describe(data),
    })
}

/// The first setting, other than the seed, in which two runs are different trainings: its dotted
/// key and the two values. `None` for runs over whose seeds a mean may be taken.
pub fn first_mismatch(a: &RunRecord, b: &RunRecord) -> Option<(String, String, String)> {
    let records = [a, b];
    let methods = records.map(|record| record.config.method.name().to_owned());
    let data = records.map(|record| record.data.fingerprint.clone());
    for (key, [here, there]) in [("method", methods), ("data.fingerprint", data)] {
        if here != there {
            return Some((key.to_owned(), here, there));
        }
    }
    let may_differ = [MAY_DIFFER, &["seed"]].concat();
    let (here, there) = (a.config.document(), b.config.document());
    let found = first_difference(&here, &there, &may_differ);
    found.map(|(key, here, there)| (key, here.to_string(), there.to_string()))
}

impl Config {
    /// The settings in which `other` differs: their dotted keys, the values here and there.
    pub fn differences(&self, other: &Self) -> Vec<(String, Value, Value)> {
        differences("", &self.document(), &other.document(), &["$schema"])
    }

    /// A SHA-256 over all settings that can't change on resume, in hexadecimal digits.
    pub fn fingerprint(&self) -> String {
        let mut settings = leaves("", &self.document());
        settings.retain(|(key, _)| !MAY_DIFFER.contains(&&**key) && !MAY_CHANGE.contains(&&**key));
        // The order of keys in a document depends on how the program was built.
        settings.sort_unstable();
        let mut hash = Sha256::new();
        for (key, value) in settings {
            hash.update(format!("{key}={value}\n"));
        }
        files::hex(&hash.finalize())
    }
}

/// Keys that say how long to train: they may change on resume, beside those of [`MAY_DIFFER`].
const MAY_CHANGE: &[&str] = &["train.epochs", "train.max_steps", "train.patience"];

/// Keys that say where to train and what to keep: they don't change what is learned. Nor does where
/// a teacher's file is, since its SHA-256 is a key too.
const MAY_DIFFER: &[&str] = &[
    "$schema",
    "method.distill.teacher",
    "train.device",
    "train.micro_batch",
    "train.workers",
    "train.log_every",
    "health.on_collapse",
    "health.on_regression",
    "checkpoint.every_epochs",
    "checkpoint.every_steps",
    "checkpoint.every_minutes",
    "checkpoint.keep_last",
];

/// Where two documents differ: the dotted key, the value in the first and the value in the second.
type Difference = (String, Value, Value);

/// The first place where two documents differ, other than at the keys `may`.
pub(super) fn first_difference(a: &Value, b: &Value, may: &[&str]) -> Option<Difference> {
    differences("", a, b, may).into_iter().next()
}

/// Every place below `key` where two documents differ, other than at the keys `may`.
fn differences(key: &str, a: &Value, b: &Value, may: &[&str]) -> Vec<Difference> {
    if a == b || may.contains(&key) {
        return Vec::new();
    }
    let below = |part: &str| {
        if key.is_empty() { part.to_owned() } else { format!("{key}.{part}") }
    };
    match (a, b) {
        (Value::Object(a), Value::Object(b)) => {
            let more = b.keys().filter(|key| !a.contains_key(*key));
            let part = |of: &Map<String, Value>, key| of.get(key).cloned().unwrap_or(Value::Null);
            a.keys()
                .chain(more)
                .flat_map(|key| differences(&below(key), &part(a, key), &part(b, key), may))
                .collect()
        }
        (Value::Array(a), Value::Array(b)) if a.len() == b.len() => (0..)
            .zip(a.iter().zip(b))
            .flat_map(|(index, (a, b))| differences(&below(&format!("{index}")), a, b, may))
            .collect(),
        _ => vec![(key.to_owned(), a.clone(), b.clone())],
    }
}

/// The dotted keys and values of everything below `key` that is neither list nor object nor null.
fn leaves(key: &str, value: &Value) -> Vec<(String, String)> {
    let below = |part: &str| match key {
        "" => part.to_owned(),
        key => format!("{key}.{part}"),
    };
    match value {
        Value::Null => Vec::new(),
        Value::Object(parts) => {
            parts.iter().flat_map(|(part, value)| leaves(&below(part), value)).collect()
        }
        Value::Array(parts) => (0..)
            .zip(parts)
            .flat_map(|(index, value)| leaves(&below(&format!("{index}")), value))
            .collect(),
        leaf => vec![(key.to_owned(), leaf.to_string())],
    }
}
