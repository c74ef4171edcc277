//! Settings: first where the methods differ, then once what they share.

use serde_json::Value;

use super::scrolling;
use crate::comparison::by_method;
use crate::markup::escape;
use crate::{Comparison, Run};

/// A dotted key and what stands there, in the order of the file.
type Flat = Vec<(String, String)>;

/// Keys that say where to run, who reads the file, or what is told elsewhere.
const NOT_SETTINGS: &[&str] = &["$schema", "seed"];

/// The settings of every method.
pub fn html(comparison: &Comparison, runs: &[Run]) -> String {
    let methods = by_method(runs);
    let flat: Vec<(&str, Flat, Vec<Flat>)> = comparison
        .rows
        .iter()
        .map(|row| {
            let (own, common): (Vec<Flat>, Vec<Flat>) = methods[row.method.as_str()]
                .iter()
                .map(|run| split(run))
                .unzip();
            (row.method.as_str(), merged(&own), common)
        })
        .collect();
    let all: Vec<&Flat> = flat.iter().flat_map(|(_, _, common)| common).collect();
    let (shared, different) = common_to(&all);
    let rows: String = flat
        .iter()
        .map(|(method, own, common)| {
            let differing: Flat = merged(common)
                .into_iter()
                .filter(|(key, _)| different.contains(key))
                .collect();
            format!(
                "<tr><th scope=\"row\">{}</th><td>{}</td><td>{}</td></tr>\n",
                escape(method),
                chips(own),
                chips(&differing)
            )
        })
        .collect();
    let table = format!(
        "<table class=\"text\">\n<thead>\n<tr><th scope=\"col\">Method</th><th scope=\"col\">Its own settings</th>\
         <th scope=\"col\">Other settings that differ</th></tr>\n</thead>\n<tbody>\n{rows}</tbody>\n</table>\n"
    );
    let items: String = shared
        .iter()
        .map(|(key, value)| {
            format!(
                "<tr><th scope=\"row\">{}</th><td>{}</td></tr>\n",
                escape(key),
                escape(value)
            )
        })
        .collect();
    let items = format!(
        "<table class=\"text\">\n<thead>\n<tr><th scope=\"col\">Setting</th><th scope=\"col\">Value</th></tr>\n\
         </thead>\n<tbody>\n{items}</tbody>\n</table>\n"
    );
    format!(
        "{}<details>\n<summary>The {} settings that all runs share</summary>\n{}</details>\n",
        scrolling("Settings by method", &table),
        shared.len(),
        scrolling("Shared settings", &items)
    )
}

/// The settings of the method itself, and all others.
fn split(run: &Run) -> (Flat, Flat) {
    let mut all = Flat::new();
    flatten("", &run.settings, &mut all);
    let prefix = format!("method.{}.", run.method);
    let (own, common): (Flat, Flat) = all
        .into_iter()
        .filter(|(key, _)| !NOT_SETTINGS.contains(&key.as_str()))
        .partition(|(key, _)| key.starts_with("method."));
    let own = own.into_iter().map(|(key, value)| {
        let short = key.strip_prefix(&prefix).unwrap_or(&key).to_owned();
        (short, value)
    });
    (own.filter(|(_, value)| value != "{}").collect(), common)
}

/// The leaves below `key`; a list of plain values is one leaf.
fn flatten(key: &str, value: &Value, into: &mut Flat) {
    let below = |part: &str| {
        if key.is_empty() {
            part.to_owned()
        } else {
            format!("{key}.{part}")
        }
    };
    match value {
        Value::Object(fields) if !fields.is_empty() => {
            for (name, value) in fields {
                flatten(&below(name), value, into);
            }
        }
        Value::Array(items) if items.iter().any(|item| item.is_object() || item.is_array()) => {
            for (index, item) in items.iter().enumerate() {
                flatten(&below(&index.to_string()), item, into);
            }
        }
        Value::String(text) => into.push((key.to_owned(), text.clone())),
        Value::Array(items) => {
            let items: Vec<String> = items.iter().map(ToString::to_string).collect();
            into.push((key.to_owned(), format!("[{}]", items.join(", "))));
        }
        other => into.push((key.to_owned(), other.to_string())),
    }
}

/// The settings of several runs of one method: values that differ stand side by side.
fn merged(runs: &[Flat]) -> Flat {
    let mut merged = Flat::new();
    for (key, value) in runs.iter().flatten() {
        match merged.iter_mut().find(|(known, _)| known == key) {
            None => merged.push((key.clone(), value.clone())),
            Some((_, values)) if values.split(" or ").any(|known| known == value) => {}
            Some((_, values)) => *values += &format!(" or {value}"),
        }
    }
    merged
}

/// What all runs have with the same value, and the keys of the rest.
fn common_to(all: &[&Flat]) -> (Flat, Vec<String>) {
    let mut shared = Flat::new();
    let mut different: Vec<String> = Vec::new();
    for setting in all.iter().copied().flatten() {
        if all.iter().all(|flat| flat.contains(setting)) {
            if !shared.contains(setting) {
                shared.push(setting.clone());
            }
        } else if !different.contains(&setting.0) {
            different.push(setting.0.clone());
        }
    }
    (shared, different)
}

fn chips(settings: &Flat) -> String {
    if settings.is_empty() {
        return "–".to_owned();
    }
    let items = settings.iter().map(|(key, value)| {
        format!(
            "<li><span>{}</span> <b>{}</b></li>",
            escape(key),
            escape(value)
        )
    });
    format!("<ul class=\"chips\">{}</ul>", items.collect::<String>())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn flat(value: &Value) -> Flat {
        let mut flat = Flat::new();
        flatten("", value, &mut flat);
        flat
    }

    fn pairs(flat: &Flat) -> Vec<(&str, &str)> {
        flat.iter()
            .map(|(key, value)| (key.as_str(), value.as_str()))
            .collect()
    }

    #[test]
    fn leaves_have_dotted_keys() {
        let flat = flat(&json!({"a": {"b": [1, 2], "c": "x"}, "d": [{"e": null}], "f": {}}));
        assert_eq!(
            pairs(&flat),
            [
                ("a.b", "[1, 2]"),
                ("a.c", "x"),
                ("d.0.e", "null"),
                ("f", "{}")
            ]
        );
    }

    #[test]
    fn what_differs_is_told_from_what_is_shared() {
        let (a, b) = (
            flat(&json!({"x": 1, "y": 2})),
            flat(&json!({"x": 1, "y": 3, "z": 4})),
        );
        let (shared, different) = common_to(&[&a, &b]);
        assert_eq!(pairs(&shared), [("x", "1")]);
        assert_eq!(different, ["y", "z"]);
        assert_eq!(
            pairs(&merged(&[a, b])),
            [("x", "1"), ("y", "2 or 3"), ("z", "4")]
        );
    }
}
