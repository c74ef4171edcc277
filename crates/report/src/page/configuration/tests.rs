use serde_json::json;

use super::*;
use crate::tests::sample;

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
    let by_run = |labels: &[String], runs: &[&Run]| by_run(labels, runs).into_string();
    let one = by_run(&["x".to_owned()], &[&runs[0]]);
    let key = "method.<wbr>a.<wbr>temperature";
    assert!(one.starts_with("<details><summary>") && one.contains(key), "{one}");
    let labels = ["x", "<y>"].map(str::to_owned);
    let html = by_run(&labels, &[&runs[0], &runs[1]]);
    let (differing, shared) = html.split_once("<details>").unwrap();
    let line = "<th scope=\"row\">seed</th><td>0</td><td>1</td>";
    assert!(differing.contains(line), "{differing}");
    let line = "<th scope=\"row\">method.<wbr>a.<wbr>variant</th><td>seed</td><td>–</td>";
    assert!(differing.contains(line), "{differing}");
    assert!(differing.contains("&lt;y&gt;") && !html.contains("<i>"));
    let key = "train.<wbr>batch_<wbr>size";
    assert!(shared.contains(key) && !differing.contains(key));
    let same = by_run(&labels, &[&runs[0], &runs[0]]);
    assert!(same.contains("All runs have the same configuration."));
}
