//! Configurations: first the keys in which methods or runs differ, then those that they share.

use std::path::Path;

use maud::{Markup, html};
use serde_json::Value;

use crate::comparison;
use crate::html::{breakable, scroll_box, table};
use crate::{Comparison, Run};

/// Dotted keys and their values, in the order of the file.
type Flat = Vec<(String, String)>;

/// The configuration of every method.
pub fn by_method(comparison: &Comparison, runs: &[Run]) -> Markup {
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
    let headings = ["Method", "Method parameters", "Other differences"];
    let rows = html! {
        @for (method, own, common) in &flat {
            @let mut others = merged(common);
            @let () = others.retain(|(key, _)| different.contains(key));
            tr {
                th scope="row" { (method) }
                td { (chips(own)) }
                td { (chips(&others)) }
            }
        }
    };
    html! {
        (scroll_box("Configuration by method", &table(Some("text"), None, &headings, &rows)))
        (folded_shared(&shared))
    }
}

/// The configuration of each run, called by its label: of one run all of it, collapsed, of several
/// first the differences.
pub fn by_run(labels: &[String], runs: &[&Run]) -> Markup {
    let all: Vec<Flat> = runs.iter().map(|run| flat(run)).collect();
    if let [only] = &all[..] {
        return folded(&format!("{} keys", only.len()), "Configuration", only);
    }
    let (shared, different) = common_to(&all.iter().collect::<Vec<_>>());
    html! {
        @if different.is_empty() {
            p { "All runs have the same configuration." }
        } @else {
            (scroll_box("Differences", &side_by_side(labels, &all, &different)))
        }
        (folded_shared(&shared))
    }
}

/// A row for each of `keys`, a column for each run.
fn side_by_side(labels: &[String], all: &[Flat], keys: &[String]) -> Markup {
    let mut headings = vec!["Key"];
    headings.extend(labels.iter().map(String::as_str));
    let value = |flat: &Flat, key: &String| {
        let found = flat.iter().find(|(known, _)| known == key);
        found.map_or_else(|| "–".to_owned(), |(_, value)| value.clone())
    };
    table(
        Some("differences"),
        None,
        &headings,
        &html! {
            @for key in keys {
                tr {
                    th scope="row" { (breakable(key, &['.', '_'])) }
                    @for flat in all { td { (value(flat, key)) } }
                }
            }
        },
    )
}

/// A row for each key.
fn list(flat: &Flat) -> Markup {
    table(
        Some("text"),
        None,
        &["Key", "Value"],
        &html! {
            @for (key, value) in flat {
                tr { th scope="row" { (breakable(key, &['.', '_'])) } td { (value) } }
            }
        },
    )
}

/// [`list`] of the keys that all runs share, collapsed.
fn folded_shared(shared: &Flat) -> Markup {
    let summary = format!("{} keys with the same value in all runs", shared.len());
    folded(&summary, "Shared configuration", shared)
}

/// [`list`], collapsed to a line.
fn folded(summary: &str, label: &str, flat: &Flat) -> Markup {
    html! {
        details {
            summary { (summary) }
            (scroll_box(label, &list(flat)))
        }
    }
}

/// The whole configuration of a run.
fn flat(run: &Run) -> Flat {
    let mut all = Flat::new();
    flatten("", &run.settings, &mut all);
    all.retain(|(key, _)| key != "$schema");
    all
}

/// The parameters of the method, and the rest.
fn split(run: &Run) -> (Flat, Flat) {
    let prefix = format!("method.{}.", run.method);
    // The table of scores has the seeds.
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
        // A page does not reveal where files are.
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

/// The configurations of several runs of one method; different values are joined by "or".
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

/// The keys that all runs have with the same value, and the other keys.
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

fn chips(flat: &Flat) -> Markup {
    html! {
        @if flat.is_empty() {
            "–"
        } @else {
            ul.chips {
                @for (key, value) in flat { li { span { (key) } " " b { (value) } } }
            }
        }
    }
}

#[cfg(test)]
mod tests;
