//! JSON for people: what fits on a line stands on one.

use serde_json::Value;

/// Longest line.
const WIDTH: usize = 120;

/// `value` as JSON of lines that are no longer than need be.
pub fn pretty(value: &Value) -> String {
    lines(value, 0, 0)
}

/// `value`, whose first line is `used` columns behind an indentation by `depth`.
fn lines(value: &Value, depth: usize, used: usize) -> String {
    let short = on_one_line(value);
    if depth > 0 && 2 * depth + used + short.len() < WIDTH {
        return short;
    }
    let inner = "  ".repeat(depth + 1);
    let outer = "  ".repeat(depth);
    let (open, close, parts): (_, _, Vec<String>) = match value {
        Value::Object(map) if !map.is_empty() => {
            let part = |(key, value): (&String, &Value)| {
                let key = Value::from(key.as_str()).to_string();
                format!("{inner}{key}: {}", lines(value, depth + 1, key.len() + 2))
            };
            ("{", "}", map.iter().map(part).collect())
        }
        Value::Array(list) if !list.is_empty() => {
            let part = |value| format!("{inner}{}", lines(value, depth + 1, 0));
            ("[", "]", list.iter().map(part).collect())
        }
        _ => return short,
    };
    format!("{open}\n{}\n{outer}{close}", parts.join(",\n"))
}

fn on_one_line(value: &Value) -> String {
    match value {
        Value::Object(map) => {
            let part = |(key, value): (&String, &Value)| {
                format!("{}: {}", Value::from(key.as_str()), on_one_line(value))
            };
            format!("{{{}}}", map.iter().map(part).collect::<Vec<_>>().join(", "))
        }
        Value::Array(list) => {
            format!("[{}]", list.iter().map(on_one_line).collect::<Vec<_>>().join(", "))
        }
        value => value.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn what_fits_stands_on_one_line() {
        let long = "x".repeat(80);
        let value = json!({"a": [1, 2], "b": {"c": long, "d": long}, "e": {}});
        let expected = format!(
            "{{\n  \"a\": [1, 2],\n  \"b\": {{\n    \"c\": \"{long}\",\n    \"d\": \"{long}\"\n  }},\n  \"e\": {{}}\n}}"
        );
        assert_eq!(pretty(&value), expected);
        assert_eq!(serde_json::from_str::<Value>(&pretty(&value)).unwrap(), value);
    }
}
