//! Labels of WebDataset samples: members with the same name up to the first dot are one sample, and
//! its label is in the member `.cls` or under `label` or `cls` in `.json`.

use std::collections::HashMap;
use std::path::Path;

use serde_json::Value;

use super::read_at::damaged;
use crate::Error;

/// The endings of members with labels, after the first dot.
const LABELS: [&str; 2] = ["cls", "json"];
/// Longer members have no label.
pub(super) const MAX_LABEL_BYTES: u64 = 1 << 20;
/// Longer labels are text of another kind.
const MAX_LETTERS: usize = 200;

/// Labels by the key of their sample.
#[derive(Default)]
pub(super) struct Samples {
    keys: HashMap<String, u32>,
    labels: LabelTexts,
}

/// Different texts, numbered.
#[derive(Default)]
pub(super) struct LabelTexts {
    texts: Vec<String>,
    numbers: HashMap<String, u32>,
}

impl LabelTexts {
    pub fn number(&mut self, text: &str) -> u32 {
        if let Some(&number) = self.numbers.get(text) {
            return number;
        }
        let number = self.texts.len() as u32;
        self.texts.push(text.to_owned());
        self.numbers.insert(text.to_owned(), number);
        number
    }

    pub fn into_texts(self) -> Vec<String> {
        self.texts
    }
}

/// Whether a member may have the label of a sample.
pub(super) fn may_be_label(name: &str) -> bool {
    split(name).is_some_and(|(_, ending)| LABELS.contains(&ending))
}

/// The key of the sample, and the ending after it.
fn split(name: &str) -> Option<(&str, &str)> {
    let base = name.rfind('/').map_or(0, |at| at + 1);
    let dot = base + name[base..].find('.')?;
    Some((&name[..dot], &name[dot + 1..]))
}

impl Samples {
    /// Adds the label in `content`, the member `name` of the archive at `path`; whether there is
    /// one.
    pub fn add(&mut self, path: &Path, name: &str, content: &[u8]) -> Result<bool, Error> {
        let (key, ending) = split(name).expect("the name of a label");
        let label = match ending {
            "cls" => match text(content) {
                Ok(text) => Some(text),
                Err(found) => {
                    let expected = "the number or name of a class";
                    return Err(damaged(&path.join(name), expected, found));
                }
            },
            _ => in_json(content),
        };
        let Some(label) = label else { return Ok(false) };
        // No label, by a common convention.
        if !label.is_empty() && label.parse().is_ok_and(|number: i64| number < 0) {
            return Ok(true);
        }
        if !label.is_empty() {
            let number = self.labels.number(&label);
            self.keys.insert(key.to_owned(), number);
        }
        Ok(true)
    }

    /// The number of the label of the image `name`.
    pub fn label(&self, name: &str) -> Option<u32> {
        if self.keys.is_empty() {
            return None;
        }
        self.keys.get(split(name)?.0).copied()
    }

    /// The labels by their numbers.
    pub fn into_labels(self) -> Vec<String> {
        self.labels.into_texts()
    }
}

/// A line of text; else what is found.
fn text(content: &[u8]) -> Result<String, String> {
    let text = str::from_utf8(content).map_err(|_| "other bytes".to_owned())?.trim();
    if text.contains(char::is_control) || text.chars().count() > MAX_LETTERS {
        return Err(format!("{} bytes of text", content.len()));
    }
    Ok(text.to_owned())
}

fn in_json(content: &[u8]) -> Option<String> {
    let value: Value = serde_json::from_slice(content).ok()?;
    match value.get("label").or_else(|| value.get("cls"))? {
        Value::String(label) => text(label.as_bytes()).ok(),
        Value::Number(number) if number.is_i64() || number.is_u64() => Some(number.to_string()),
        _ => None,
    }
}
