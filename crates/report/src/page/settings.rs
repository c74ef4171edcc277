//! Settings: first where methods or runs differ, then once what they share.

use std::path::Path;

use serde_json::Value;

use super::scrolling;
use crate::comparison;
use crate::markup::escape;
use crate::{Comparison, Run};

/// A dotted key and what stands there, in the order of the file.
type Flat = Vec<(String, String)>;

/// The settings of every method.
pub fn by_method(comparison: &Comparison, runs: &[Run]) -> String {
    let methods = comparison::by_method(runs);
    let flat: Vec<(&str, Flat, Vec<Flat>)> = comparison
        .rows
        .iter()
        .map(|row| {
            let (own, common): (Vec<Flat>, Vec<Flat>) =
                methods[row.method.as_str()].iter().map(|run| split(run)).unzip();
            (row.method.as_str(), merged(&own), common)
        })
        .collect();
    let all: Vec<&Flat> = flat.iter().flat_map(|(_, _, common)| common).collect();
    let (shared, different) = common_to(&all);
    let rows: String = flat
        .iter()
        .map(|(method, own, common)| {
            let differing: Flat =
                merged(common).into_iter().filter(|(key, _)| different.contains(key)).collect();
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
    let summary = format!("The {} settings that all runs share", shared.len());
    scrolling("Settings by method", &table) + &folded(&summary, "Shared settings", &shared)
}

/// The settings of each run, called by its label: of one run all, of several first those that
/// differ.
pub fn by_run(labels: &[String], runs: &[&Run]) -> String {
    let all: Vec<Flat> = runs.iter().map(|run| flat(run)).collect();
    if let [only] = &all[..] {
        return scrolling("Settings", &list(only));
    }
    let (shared, different) = common_to(&all.iter().collect::<Vec<_>>());
    let differing = if different.is_empty() {
        "<p>All settings are the same.</p>\n".to_owned()
    } else {
        scrolling("Settings that differ", &side_by_side(labels, &all, &different))
    };
    let summary = format!("The {} settings that all runs share", shared.len());
    differing + &folded(&summary, "Shared settings", &shared)
}

/// A line for each of `keys`, a column for each run.
fn side_by_side(labels: &[String], all: &[Flat], keys: &[String]) -> String {
    let heads: String =
        labels.iter().map(|label| format!("<th scope=\"col\">{}</th>", escape(label))).collect();
    let rows = keys.iter().map(|key| {
        let values = all.iter().map(|flat| {
            let found = flat.iter().find(|(known, _)| known == key);
            let value = found.map_or("–", |(_, value)| value.as_str());
            format!("<td>{}</td>", escape(value))
        });
        let (key, values) = (escape(key), values.collect::<String>());
        format!("<tr><th scope=\"row\">{key}</th>{values}</tr>\n")
    });
    format!(
        "<table class=\"settings\">\n<thead>\n<tr><th scope=\"col\">Setting</th>{heads}</tr>\n</thead>\n<tbody>\n\
         {}</tbody>\n</table>\n",
        rows.collect::<String>()
    )
}

/// A line a setting.
fn list(settings: &Flat) -> String {
    let rows = settings.iter().map(|(key, value)| {
        let (key, value) = (escape(key), escape(value));
        format!("<tr><th scope=\"row\">{key}</th><td>{value}</td></tr>\n")
    });
    format!(
        "<table class=\"text\">\n<thead>\n<tr><th scope=\"col\">Setting</th><th scope=\"col\">Value</th></tr>\n\
         </thead>\n<tbody>\n{}</tbody>\n</table>\n",
        rows.collect::<String>()
    )
}

/// [`list`], behind a line that opens it.
fn folded(summary: &str, label: &str, settings: &Flat) -> String {
    format!(
        "<details>\n<summary>{summary}</summary>\n{}</details>\n",
        scrolling(label, &list(settings))
    )
}

/// Every setting of a run.
fn flat(run: &Run) -> Flat {
    let mut all = Flat::new();
    flatten("", &run.settings, &mut all);
    all.retain(|(key, _)| key != "$schema");
    all
}

/// The settings of the method itself, and all others.
fn split(run: &Run) -> (Flat, Flat) {
    let prefix = format!("method.{}.", run.method);
    // Seeds are told in the table of scores.
    let (own, common): (Flat, Flat) = flat(run)
        .into_iter()
        .filter(|(key, _)| key != "seed")
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
        if key.is_empty() { part.to_owned() } else { format!("{key}.{part}") }
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
        // Where something lies on the machine is nobody else's business.
        Value::String(text) if Path::new(text).is_absolute() => {
            let name = Path::new(text).file_name();
            let name = name.map_or("/".into(), |name| name.to_string_lossy());
            into.push((key.to_owned(), name.into_owned()));
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
        format!("<li><span>{}</span> <b>{}</b></li>", escape(key), escape(value))
    });
    format!("<ul class=\"chips\">{}</ul>", items.collect::<String>())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::sample;

    fn leaves(value: &Value) -> Flat {
        let mut flat = Flat::new();
        flatten("", value, &mut flat);
        flat
    }

    fn pairs(flat: &Flat) -> Vec<(&str, &str)> {
        flat.iter().map(|(key, value)| (key.as_str(), value.as_str())).collect()
    }

    #[test]
    fn leaves_have_dotted_keys() {
        let flat = leaves(&json!({"a": {"b": [1, 2], "c": "x"}, "d": [{"e": null}], "f": {}}));
        assert_eq!(pairs(&flat), [("a.b", "[1, 2]"), ("a.c", "x"), ("d.0.e", "null"), ("f", "{}")]);
    }

    #[test]
    fn what_differs_is_told_from_what_is_shared() {
        let (a, b) = (leaves(&json!({"x": 1, "y": 2})), leaves(&json!({"x": 1, "y": 3, "z": 4})));
        let (shared, different) = common_to(&[&a, &b]);
        assert_eq!(pairs(&shared), [("x", "1")]);
        assert_eq!(different, ["y", "z"]);
        assert_eq!(pairs(&merged(&[a, b])), [("x", "1"), ("y", "2 or 3"), ("z", "4")]);
    }

    #[test]
    fn a_path_is_told_by_its_name() {
        let flat = leaves(&json!({"weights": "/srv/someone/weights.bin", "set": "data/photos"}));
        assert_eq!(pairs(&flat), [("weights", "weights.bin"), ("set", "data/photos")]);
    }

    #[test]
    fn runs_are_told_apart_by_what_differs() {
        let folder = tempfile::tempdir().unwrap();
        let runs = [
            sample::finished(folder.path(), "a", 0, &[0.5]),
            sample::finished(folder.path(), "b<i>", 1, &[0.5]),
        ]
        .map(|path| Run::read(&path).unwrap());
        let one = by_run(&["x".to_owned()], &[&runs[0]]);
        assert!(one.contains("method.a.temperature") && !one.contains("<details"));
        let labels = ["x", "<y>"].map(str::to_owned);
        let html = by_run(&labels, &[&runs[0], &runs[1]]);
        let (differing, shared) = html.split_once("<details>").unwrap();
        let line = "<th scope=\"row\">seed</th><td>0</td><td>1</td>";
        assert!(differing.contains(line), "{differing}");
        let line = "<th scope=\"row\">method.a.form</th><td>seed</td><td>–</td>";
        assert!(differing.contains(line), "{differing}");
        assert!(differing.contains("&lt;y&gt;") && !html.contains("<i>"));
        assert!(shared.contains("train.batch_size") && !differing.contains("train.batch_size"));
        let same = by_run(&labels, &[&runs[0], &runs[0]]);
        assert!(same.contains("All settings are the same."));
    }
}
