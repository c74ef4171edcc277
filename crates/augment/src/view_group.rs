//! Groups of views, as configurations give them.

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::Number;

use crate::recipe::MAX_SIZE;
use crate::{Recipe, Transform};

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

impl ViewGroup {
    /// A recipe for each view of the group, for images of `image_size` pixels.
    pub fn recipes(&self, image_size: usize) -> impl Iterator<Item = Recipe> {
        let size = self.size.pixels(image_size);
        let recipe = Recipe { size, transforms: self.transforms.clone() };
        std::iter::repeat_n(recipe, self.count)
    }
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
            (Some(pixels @ 2..=MAX_SIZE), _) => Ok(Self::Pixels(pixels)),
            (_, Some(fraction)) if fraction > 0.0 && fraction <= 1.0 => {
                Ok(Self::Fraction(fraction))
            }
            _ => Err(D::Error::custom(format!(
                "expected a fraction of image_size above 0 and at most 1, or 2 to {MAX_SIZE} \
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
                {"type": "integer", "minimum": 2, "maximum": MAX_SIZE},
            ],
        })
    }
}
