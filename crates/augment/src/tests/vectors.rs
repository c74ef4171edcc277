//! Reads reference vectors: cases in JSON, tensors in safetensors.

use std::path::PathBuf;

use safetensors::{Dtype, SafeTensors};
use serde_json::Value;

/// One pair of files: cases in JSON, tensors by name.
pub struct Vectors {
    pub json: Value,
    bytes: Vec<u8>,
}

impl Vectors {
    pub fn read(name: &str) -> Vectors {
        let folder = std::env::var_os("TWINVIEW_REFERENCE").map_or_else(
            || PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../../tests/reference")),
            PathBuf::from,
        );
        let read = |extension: &str| {
            let path = folder.join(name).with_extension(extension);
            std::fs::read(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
        };
        Vectors { json: serde_json::from_slice(&read("json")).unwrap(), bytes: read("safetensors") }
    }

    /// The cases in the JSON file, of which there are some.
    pub fn cases(&self) -> impl Iterator<Item = &Value> {
        let cases = self.json["cases"].as_array().unwrap();
        assert!(!cases.is_empty(), "no cases");
        cases.iter()
    }

    /// A tensor of bytes and its shape.
    pub fn bytes(&self, key: &str) -> (Vec<u8>, Vec<usize>) {
        let tensors = SafeTensors::deserialize(&self.bytes).unwrap();
        let tensor = tensors.tensor(key).unwrap();
        assert_eq!(tensor.dtype(), Dtype::U8, "{key}");
        (tensor.data().to_vec(), tensor.shape().to_vec())
    }

    /// A tensor of floats and its shape.
    pub fn floats(&self, key: &str) -> (Vec<f32>, Vec<usize>) {
        let tensors = SafeTensors::deserialize(&self.bytes).unwrap();
        let tensor = tensors.tensor(key).unwrap();
        assert_eq!(tensor.dtype(), Dtype::F32, "{key}");
        let (values, _) = tensor.data().as_chunks();
        let values = values.iter().map(|bytes| f32::from_le_bytes(*bytes)).collect();
        (values, tensor.shape().to_vec())
    }
}

/// A JSON number.
pub fn number(value: &Value) -> f64 {
    value.as_f64().unwrap_or_else(|| panic!("{value} is a number"))
}

/// A list of JSON numbers.
pub fn numbers<const N: usize>(value: &Value) -> [f64; N] {
    let list = value.as_array().unwrap_or_else(|| panic!("{value} is a list"));
    std::array::from_fn(|i| number(&list[i]))
}
