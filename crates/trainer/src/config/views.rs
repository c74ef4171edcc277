//! The views of an image, as a configuration gives them.

use augment::{Recipe, Transform};
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::{Number, Value};

use super::Config;

/// Largest side of a view in pixels.
const MAX_PIXELS: usize = 4096;

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

/// Some views that are made in the same way.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ViewGroup {
    /// Number of views.
    pub count: usize,
    /// Side of the views: a fraction of `image_size`, above 0 and at most 1, or pixels, 2 to 4096.
    pub size: ViewSize,
    /// Random transforms, in order.
    pub transforms: Vec<Transform>,
}

/// The view that the probe is trained on.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ProbeView {
    /// Random transforms, in order.
    pub transforms: Vec<Transform>,
}

/// Side of a view. In JSON one number: up to 1 it is a fraction of `image_size`, above 1 it counts
/// pixels.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum ViewSize {
    /// A fraction of `image_size`, above 0 and at most 1.
    Fraction(f64),
    /// Pixels, 2 to 4096.
    Pixels(usize),
}

impl ViewSize {
    /// The side in pixels, at least 1, for images of `image_size` pixels.
    pub fn pixels(self, image_size: usize) -> usize {
        match self {
            Self::Fraction(fraction) => ((fraction * image_size as f64).round() as usize).max(1),
            Self::Pixels(pixels) => pixels,
        }
    }
}

impl Serialize for ViewSize {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match *self {
            Self::Fraction(fraction) => serializer.serialize_f64(fraction),
            Self::Pixels(pixels) => serializer.serialize_u64(pixels as u64),
        }
    }
}

impl<'de> Deserialize<'de> for ViewSize {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let number = Number::deserialize(deserializer)?;
        let pixels = number.as_u64().and_then(|pixels| usize::try_from(pixels).ok());
        match (pixels, number.as_f64()) {
            (Some(pixels @ 2..=MAX_PIXELS), _) => Ok(Self::Pixels(pixels)),
            (_, Some(fraction)) if fraction > 0.0 && fraction <= 1.0 => {
                Ok(Self::Fraction(fraction))
            }
            _ => Err(D::Error::custom(format!(
                "expected a fraction of image_size above 0 and at most 1, or 2 to {MAX_PIXELS} \
                 pixels, found {number}"
            ))),
        }
    }
}

impl JsonSchema for ViewSize {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "ViewSize".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "description": "A fraction of image_size, above 0 and at most 1, or pixels.",
            "anyOf": [
                {"type": "number", "exclusiveMinimum": 0, "maximum": 1},
                {"type": "integer", "minimum": 2, "maximum": MAX_PIXELS},
            ],
        })
    }
}

impl Config {
    /// A recipe for every view of an image that the objective compares, the global ones first.
    pub fn view_recipes(&self) -> Vec<Recipe> {
        let recipes = self.augment.views.iter().flat_map(|group| {
            let size = group.size.pixels(self.image_size);
            let recipe = Recipe { size, transforms: group.transforms.clone() };
            std::iter::repeat_n(recipe, group.count)
        });
        recipes.collect()
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
