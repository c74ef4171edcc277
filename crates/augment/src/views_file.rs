//! The views of an image, read from a file.

use files::OneLine;
use serde::Deserialize;
use serde::de::IgnoredAny;
use serde_json::Value;

use crate::{Recipe, Transform, ViewGroup};

/// The views that a file gives: a configuration of a run, the record of one (`config.json`), or
/// `{"image_size": 96, "views": [...]}` alone. What a configuration says beside them is not read.
#[derive(Clone, Debug, PartialEq)]
pub struct ViewsFile {
    /// Side in pixels of a view of size 1.
    pub image_size: usize,
    /// Groups of views, in order.
    pub views: Vec<ViewGroup>,
}

/// What is wrong in a file of views.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{}{}: {}", OneLine(.origin), place(.line_column), OneLine(.message))]
pub struct ViewsError {
    /// The file, or what the text is called.
    pub origin: String,
    /// Line and column, from 1, of what is no JSON, an unknown key, or of another type.
    pub line_column: Option<[usize; 2]>,
    /// What was expected, and what was found.
    pub message: String,
}

fn place(line_column: &Option<[usize; 2]>) -> String {
    line_column.map_or_else(String::new, |[line, column]| format!(":{line}:{column}"))
}

/// The keys of a configuration. Those that are not read are here so that others are errors.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
#[expect(dead_code, reason = "known keys that are not read")]
struct Document {
    image_size: usize,
    views: Option<Vec<ViewGroup>>,
    augment: Option<AugmentSection>,
    #[serde(rename = "$schema")]
    schema: Option<IgnoredAny>,
    seed: Option<IgnoredAny>,
    encoder: Option<IgnoredAny>,
    projection: Option<IgnoredAny>,
    method: Option<IgnoredAny>,
    optimizer: Option<IgnoredAny>,
    probe: Option<IgnoredAny>,
    train: Option<IgnoredAny>,
    health: Option<IgnoredAny>,
    checkpoint: Option<IgnoredAny>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct AugmentSection {
    views: Vec<ViewGroup>,
    #[expect(dead_code, reason = "a known key that is not read")]
    probe: Option<ProbeSection>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
#[expect(dead_code, reason = "a known key that is not read")]
struct ProbeSection {
    transforms: Vec<Transform>,
}

impl ViewsFile {
    /// Reads a text that comes from `origin`.
    ///
    /// # Errors
    /// [`ViewsError`], naming `origin` and, where JSON ends or a type doesn't fit, the line.
    pub fn parse(text: &str, origin: &str) -> Result<ViewsFile, ViewsError> {
        let record: Option<Value> = serde_json::from_str(text).ok();
        let config = record.as_ref().filter(|record| record.get("format").is_some());
        let config = config.and_then(|record| record.get("config")).map(Value::to_string);
        let document = serde_json::from_str(config.as_deref().unwrap_or(text));
        let document: Document = document.map_err(|error| parse_error(origin, &error))?;
        let found = match (document.views, document.augment) {
            (Some(views), None) | (None, Some(AugmentSection { views, .. })) => {
                return Ok(ViewsFile { image_size: document.image_size, views });
            }
            (None, None) => "none",
            (Some(_), Some(_)) => "`views` and `augment.views`",
        };
        let message = format!("expected one list of views, found {found}");
        Err(ViewsError { origin: origin.to_owned(), line_column: None, message })
    }

    /// A recipe for each view of an image. `origin` is for messages.
    ///
    /// # Errors
    /// If there is no view, or a recipe cannot be followed.
    pub fn recipes(&self, origin: &str) -> Result<Vec<Recipe>, ViewsError> {
        let wrong = |message| ViewsError { origin: origin.to_owned(), line_column: None, message };
        let mut recipes = Vec::new();
        for (index, group) in self.views.iter().enumerate() {
            for recipe in group.recipes(self.image_size) {
                recipe.validate().map_err(|error| wrong(format!("views.{index}: {error}")))?;
                recipes.push(recipe);
            }
        }
        match recipes.is_empty() {
            true => Err(wrong("expected at least one view, found none".to_owned())),
            false => Ok(recipes),
        }
    }
}

fn parse_error(origin: &str, error: &serde_json::Error) -> ViewsError {
    let (line, column) = (error.line(), error.column());
    let message = error.to_string();
    let context = format!(" at line {line} column {column}");
    ViewsError {
        origin: origin.to_owned(),
        line_column: Some([line, column]),
        message: files::json_message(message.trim_end_matches(&context)),
    }
}
