//! The JSON Schema of a configuration, made of the types that read it.
//!
//! It lets through what [`Config::parse`] reads and nothing else, with one exception that JSON
//! Schema can't express: it takes `2.0` for a whole number, which the parser doesn't. What
//! [`Config::validate`] says of ranges is not in it.

use schemars::Schema;
use schemars::generate::SchemaSettings;
use schemars::transform::RecursiveTransform;
use serde_json::{Value, json};

use crate::Config;

/// The JSON Schema of a configuration, of draft 7, which editors know best.
pub fn schema() -> Value {
    let settings = SchemaSettings::draft07()
        .with_transform(RecursiveTransform(bound))
        .with_transform(RecursiveTransform(describe));
    let mut schema = settings.into_generator().into_root_schema_for::<Config>();
    schema.insert("title".to_owned(), json!("A configuration of twinview"));
    schema.to_value()
}

/// Puts the range of an integer type in the place of its name, which validators pass over.
fn bound(schema: &mut Schema) {
    let Some(format) = schema.remove("format") else {
        return;
    };
    let [least, most] = match format.as_str() {
        Some("uint" | "uint64") => [json!(0), json!(u64::MAX)],
        Some("uint32") => [json!(0), json!(u32::MAX)],
        Some("int64") => [json!(i64::MIN), json!(i64::MAX)],
        _ => return,
    };
    schema.insert("minimum".to_owned(), least);
    schema.insert("maximum".to_owned(), most);
}

/// Writes a description for people at an editor: no links into the documentation of the code.
fn describe(schema: &mut Schema) {
    let text = schema.get("description").and_then(Value::as_str);
    if let Some(text) = text.map(without_links) {
        schema.insert("description".to_owned(), json!(text));
    }
}

/// The text without what makes links of names: ``[`a`](b)`` and ``[`a`]`` become `` `a` ``.
fn without_links(text: &str) -> String {
    let mut plain = String::new();
    let mut rest = text;
    while let Some((before, link)) = rest.split_once("[`") {
        let Some((name, after)) = link.split_once("`]") else {
            break;
        };
        plain += &format!("{before}`{name}`");
        let target = after.strip_prefix('(').and_then(|after| after.split_once(')'));
        rest = target.map_or(after, |(_, after)| after);
    }
    plain + rest
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn descriptions_are_plain_text() {
        let text = "As [`Rank`](Self::Rank), or [`A::b`]; [0, 1] and [`open";
        assert_eq!(without_links(text), "As `Rank`, or `A::b`; [0, 1] and [`open");
    }

    #[test]
    fn no_type_is_left_without_its_range() {
        let text = schema().to_string();
        assert!(!text.contains("\"format\""), "{text}");
        assert!(text.contains(&format!("\"maximum\":{}", u32::MAX)));
    }
}
