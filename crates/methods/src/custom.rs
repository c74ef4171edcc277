//! The configuration of a method that is implemented outside of this workspace.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// Names a method that the program brings along which trains by it. Nothing here can build it; a
/// run says with it what it was trained by.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct CustomConfig {
    /// Its name, for people.
    pub name: String,
    /// Its hyper-parameters, all of them; the program that brings it along checks them.
    pub settings: Value,
}
