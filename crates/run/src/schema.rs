//! The fields of a record, with type and description, from the type itself.

use schemars::JsonSchema;
use schemars::generate::SchemaSettings;
use serde_json::Value;

/// A field of a record.
#[derive(Debug, PartialEq)]
pub struct Field {
    /// Its key, dotted where it lies in another field.
    pub key: String,
    /// Its type in JSON.
    pub kind: String,
    /// What it is.
    pub description: String,
}

/// The fields of `T`, those of records in it included, but for what is in a field of `closed`.
pub fn fields<T: JsonSchema>(closed: &[&str]) -> Vec<Field> {
    let mut settings = SchemaSettings::draft2020_12();
    settings.inline_subschemas = true;
    let schema = settings.into_generator().into_root_schema_for::<T>().to_value();
    let mut found = Vec::new();
    collect("", &schema, closed, &mut found);
    found
}

/// Appends the fields of the object `schema`, which is at `prefix`.
fn collect(prefix: &str, schema: &Value, closed: &[&str], found: &mut Vec<Field>) {
    for (key, field) in schema["properties"].as_object().into_iter().flatten() {
        let key = format!("{prefix}{key}");
        found.push(Field {
            kind: kind(field),
            description: field["description"].as_str().unwrap_or_default().replace('\n', " "),
            key: key.clone(),
        });
        if closed.contains(&key.as_str()) {
            continue;
        }
        for inner in [field].into_iter().chain(field["anyOf"].as_array().into_iter().flatten()) {
            collect(&format!("{key}."), inner, closed, found);
            collect(&format!("{key}[]."), &inner["items"], closed, found);
            collect(&format!("{key}.*."), &inner["additionalProperties"], closed, found);
        }
    }
}

/// The type of `schema` in JSON, in words.
fn kind(schema: &Value) -> String {
    if let Some(options) = schema["anyOf"].as_array() {
        return joined(options.iter().map(kind));
    }
    if let Some(options) = schema["oneOf"].as_array() {
        return joined(options.iter().map(|option| format!("`{}`", option["const"])));
    }
    match &schema["type"] {
        Value::String(name) if name == "array" => format!("array of {}", kind(&schema["items"])),
        Value::String(name) => name.clone(),
        Value::Array(names) => joined(names.iter().map(|name| {
            let whole = name == "array";
            let items = || format!("array of {}", kind(&schema["items"]));
            if whole { items() } else { name.as_str().unwrap_or_default().to_owned() }
        })),
        _ => "any".to_owned(),
    }
}

fn joined(parts: impl Iterator<Item = String>) -> String {
    parts.collect::<Vec<_>>().join(" or ")
}
