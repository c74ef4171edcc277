//! Where a data set is read from.

use std::path::PathBuf;

use schemars::JsonSchema;
use serde::{Deserialize, Deserializer, Serialize};

/// The value of [`DataSource::labels`] that stands for labels from folders, where there are such.
const AUTO: &str = "auto";

/// Where a data set is read from, and how: all that it takes to open it again.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct DataSource {
    /// Absolute paths, in order; none for the built-in synthetic set and for images made in memory.
    #[serde(default, alias = "path", deserialize_with = "one_or_several")]
    #[schemars(with = "Vec<PathBuf>")]
    pub paths: Vec<PathBuf>,
    /// Where labels are from: `auto`, `folders`, `none`, or the absolute path of a CSV file.
    #[serde(default = "auto")]
    pub labels: String,
    /// Whether unreadable images are left out.
    #[serde(default)]
    pub skip_bad: bool,
}

impl Default for DataSource {
    fn default() -> Self {
        Self { paths: Vec::new(), labels: auto(), skip_bad: false }
    }
}

fn auto() -> String {
    AUTO.to_owned()
}

/// A list of paths, or one path or null, as earlier versions wrote.
fn one_or_several<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<PathBuf>, D::Error> {
    #[derive(Deserialize)]
    #[serde(untagged)]
    enum Paths {
        Several(Vec<PathBuf>),
        One(Option<PathBuf>),
    }
    Ok(match Paths::deserialize(deserializer)? {
        Paths::Several(paths) => paths,
        Paths::One(path) => path.into_iter().collect(),
    })
}
