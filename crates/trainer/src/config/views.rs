//! The views of an image, as a configuration gives them.

use augment::{Recipe, Transform, ViewGroup, ViewSize};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::Config;

/// The views of each image.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct AugmentConfig {
    /// Groups of views that the objective compares. The views of size 1 come first, at least two:
    /// these are the global ones, the only ones that a teacher sees. Smaller ones are local views
    /// (multi-crop).
    pub views: Vec<ViewGroup>,
    /// The view that the probe is trained on, of size 1.
    pub probe: ProbeView,
}

/// The view that the probe is trained on.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ProbeView {
    /// Random transforms, in order.
    pub transforms: Vec<Transform>,
}

impl Config {
    /// A recipe for every view of an image that the objective compares, the global ones first.
    pub fn view_recipes(&self) -> Vec<Recipe> {
        self.augment.views.iter().flat_map(|group| group.recipes(self.image_size)).collect()
    }

    /// Number of global views.
    pub fn global_views(&self) -> usize {
        let groups = self.augment.views.iter().filter(|group| self.is_global(group));
        groups.map(|group| group.count).sum()
    }

    /// The recipe of the view that the probe is trained on.
    pub fn probe_recipe(&self) -> Recipe {
        Recipe { size: self.image_size, transforms: self.augment.probe.transforms.clone() }
    }

    /// Whether the views of `group` are global ones.
    pub(super) fn is_global(&self, group: &ViewGroup) -> bool {
        group.size.pixels(self.image_size) == self.image_size
    }
}

/// `value` as the configuration writes it, for messages.
pub(super) fn written(size: ViewSize) -> String {
    serde_json::to_value(size).unwrap_or(Value::Null).to_string()
}
