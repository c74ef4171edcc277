//! One way to write a configuration.
//!
//! What reads JSON into types is more lenient than what writes it: it takes a list for an object,
//! its values in the order of the keys, and `{"seed": null}` for `"seed"`. Nobody who reads such a
//! file knows what it says, and the [schema](crate::schema()) has no words for it, so only what
//! would be written is let through.

use files::OneLine;
use serde_json::Value;

/// A place where a document has another form than the one that is written.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("{}: expected {expected}, found {found}", OneLine(.key))]
pub struct Mismatch {
    /// The dotted key.
    pub key: String,
    /// The kind of JSON that is written there.
    pub expected: &'static str,
    /// The kind that stands there.
    pub found: &'static str,
}

/// Compares what was `given` with what is `written` for it; `key` is where both stand. Values may
/// differ.
pub fn check(key: &str, given: &Value, written: &Value) -> Result<(), Mismatch> {
    let below = |part: &str| match key {
        "" => part.to_owned(),
        key => format!("{key}.{part}"),
    };
    match (given, written) {
        // A key that isn't written is an optional one that says nothing: the types refuse unknown
        // ones.
        (Value::Object(given), Value::Object(written)) => given
            .iter()
            .filter_map(|(part, given)| Some((part, given, written.get(part)?)))
            .try_for_each(|(part, given, written)| check(&below(part), given, written)),
        (Value::Array(given), Value::Array(written)) if given.len() == written.len() => {
            (0..).zip(given.iter().zip(written)).try_for_each(|(index, (given, written))| {
                check(&below(&format!("{index}")), given, written)
            })
        }
        (given, written) if kind(given) == kind(written) => Ok(()),
        (given, written) => Err(Mismatch {
            key: if key.is_empty() { "the config" } else { key }.to_owned(),
            expected: kind(written),
            found: kind(given),
        }),
    }
}

fn kind(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "true or false",
        Value::Number(_) => "a number",
        Value::String(_) => "a word in quotes",
        Value::Array(_) => "a list",
        Value::Object(_) => "an object",
    }
}

#[cfg(test)]
mod tests {
    use crate::Config;
    use crate::tests::tiny_config;

    #[test]
    fn a_config_is_written_in_one_way() {
        let written = tiny_config("simclr").document().to_string();
        let settings = r#"{"variant":"seed","temperature":0.1}"#;
        assert!(written.contains(settings), "{written}");
        for (given, says) in [
            (
                r#"{"variant":{"seed":null},"temperature":0.1}"#,
                "a.json: method.simclr.variant: expected a word in quotes, found an object",
            ),
            (r#"["seed",0.1]"#, "a.json: method.simclr: expected an object, found a list"),
        ] {
            let error = Config::parse(&written.replace(settings, given), "a.json").unwrap_err();
            assert_eq!(error.to_string(), says);
        }
        let config = tiny_config("simclr").with(r#"train.reduction={"sum":null}"#);
        let error = config.unwrap_err().to_string();
        let says = "train.reduction: expected a word in quotes, found an object";
        assert!(error.ends_with(says), "{error}");
    }
}
