//! What the reader of JSON says, in words for people who don't know its types.

/// A message of `serde_json`, without its place, in plain words.
///
/// `unknown field` becomes `no key is called`, with the most similar known key.
pub fn json_message(message: &str) -> String {
    if let Some(rest) = message.strip_prefix("unknown field ") {
        let (key, known) = found_and_expected(rest);
        let meant = known.split(", ").map(|name| (strsim::jaro_winkler(name, &key), name));
        let meant = meant.filter(|(likeness, _)| *likeness >= 0.85);
        return match meant.max_by(|a, b| a.0.total_cmp(&b.0)) {
            Some((_, name)) => format!("no key is called {key}; did you mean {name}?"),
            None if known.is_empty() => format!("no key is called {key}, none is expected"),
            None => format!("no key is called {key}; the keys are {known}"),
        };
    }
    if let Some(rest) = message.strip_prefix("unknown variant ") {
        let (found, known) = found_and_expected(rest);
        return format!("expected {}, found {found}", or(&known));
    }
    if let Some(key) = message.strip_prefix("missing field ") {
        return format!("expected the key {}, found none", bare(key));
    }
    if let Some(key) = message.strip_prefix("duplicate field ") {
        return format!("expected the key {} once, found it twice", bare(key));
    }
    let wrong = message.strip_prefix("invalid type: ");
    let wrong = wrong.or_else(|| message.strip_prefix("invalid value: "));
    if let Some((found, expected)) = wrong.and_then(|wrong| wrong.split_once(", expected ")) {
        return format!("expected {}, found {}", kind(expected), value(found));
    }
    if let Some(rest) = message.strip_prefix("invalid length ")
        && let Some((found, expected)) = rest.split_once(", expected ")
    {
        return format!("expected {}, found {found}", kind(expected));
    }
    match message {
        text if text.starts_with("EOF while parsing") => {
            "expected more, found the end of the text (is a bracket or a quote missing?)".to_owned()
        }
        "trailing comma" => "expected a key or a value after the comma, found none".to_owned(),
        "key must be a string" => "expected a key in double quotes".to_owned(),
        "trailing characters" => "expected the end of the text, found more".to_owned(),
        other => other.replace('`', ""),
    }
}

/// "`x`, expected one of `a`, `b`", its two parts without decoration.
fn found_and_expected(text: &str) -> (String, String) {
    let (found, expected) = text.split_once(", ").unwrap_or((text, ""));
    let expected = ["expected one of ", "expected ", "there are no fields"]
        .iter()
        .find_map(|start| expected.strip_prefix(start))
        .unwrap_or(expected);
    (bare(found), bare(&expected.replace(" or ", ", ")))
}

fn bare(text: &str) -> String {
    text.replace('`', "")
}

/// "a, b, c" with an "or" before the last.
fn or(list: &str) -> String {
    match list.rsplit_once(", ") {
        Some((first, last)) => format!("{first} or {last}"),
        None => list.to_owned(),
    }
}

/// A Rust type or a kind of JSON, as people say it.
fn kind(expected: &str) -> String {
    let words = match expected {
        "u8" | "u16" | "u32" | "u64" | "usize" => "a whole number from 0",
        "i8" | "i16" | "i32" | "i64" | "isize" => "a whole number",
        "f32" | "f64" => "a number",
        "a boolean" => "true or false",
        "a string" => "a word in quotes",
        "a sequence" => "a list",
        "a map" | "string or map" | "map" => "an object",
        "newtype variant" | "struct variant" => "an object with its settings",
        "unit variant" => "a word without settings",
        text if text.starts_with("struct ") || text.starts_with("internally tagged") => "an object",
        text if text.starts_with("enum ") => "one of the known names",
        text if text.starts_with("an array of length ") => {
            return text.replace("an array of length", "a list of length");
        }
        text => return bare(text),
    };
    words.to_owned()
}

/// What was found, without the name of its type where the value tells.
fn value(found: &str) -> String {
    for start in ["string ", "integer ", "floating point ", "boolean "] {
        if let Some(value) = found.strip_prefix(start) {
            return bare(value);
        }
    }
    let words = match found {
        "null" | "unit value" => "null",
        "map" => "an object",
        "sequence" => "a list",
        "unit variant" => "a word",
        "newtype variant" | "struct variant" => "an object",
        text => return bare(text),
    };
    words.to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_message_names_a_type_of_the_program() {
        for (says, plain) in [
            (
                "unknown field `epoch`, expected one of `epochs`, `max_steps`",
                "no key is called epoch; did you mean epochs?",
            ),
            (
                "unknown field `zzz`, expected `lr` or `momentum`",
                "no key is called zzz; the keys are lr, momentum",
            ),
            (
                "unknown variant `tine`, expected `tiny` or `small`",
                "expected tiny or small, found tine",
            ),
            ("missing field `image_size`", "expected the key image_size, found none"),
            (
                "invalid type: string \"two\", expected u32",
                "expected a whole number from 0, found \"two\"",
            ),
            (
                "invalid value: integer `-1`, expected u32",
                "expected a whole number from 0, found -1",
            ),
            (
                "invalid type: floating point `0.1`, expected string or map",
                "expected an object, found 0.1",
            ),
            (
                "invalid type: unit variant, expected newtype variant",
                "expected an object with its settings, found a word",
            ),
            (
                "invalid length 1, expected an array of length 2",
                "expected a list of length 2, found 1",
            ),
            (
                "EOF while parsing an object",
                "expected more, found the end of the text (is a bracket or a quote missing?)",
            ),
            ("expected `,` or `}`", "expected , or }"),
        ] {
            assert_eq!(json_message(says), plain);
        }
    }
}
