use serde_json::json;

use super::*;

fn numbers() -> Value {
    let mut records = Records::default();
    for (who, ns) in
        [("portable", 40_000.0), ("AVX2", 10_000.0), ("torchvision v1 (PIL)", 600_000.0)]
    {
        for factor in [1.0, 1.1, 0.9] {
            records.add("augmentation", "seed", who, "ns a view", factor * ns);
        }
    }
    for (threads, who, rate) in
        [("1", "kernels", 98_000.0), ("2", "kernels", 190_000.0), ("2", "loader", 180_000.0)]
    {
        records.add("loader", threads, who, "views a second", rate);
    }
    for (metric, bytes) in [("bytes at first", 5e7), ("bytes at last", 6e7)] {
        records.add("memory", "1000000", "loader", metric, bytes);
    }
    for (who, rate) in [("twinview, f32", 90.0), ("PyTorch, default", 45.0)] {
        records.add("training", "step", who, "images a second", rate);
    }
    for (part, secs) in [("wait", 0.5), ("forward", 1.5)] {
        records.add("training", "step", "twinview, f32", &format!("seconds: {part}"), secs);
    }
    records.add("growth", "100000", "twinview", "seconds to open", 0.002);
    records.add("photos", "packing", "twinview", "images a processor second", 500.0);
    records.add("photos", "packing", "Pillow, the same work", "images a processor second", 400.0);
    records.read_line(r#"{"software":{"torchvision":"0.26.0"}}"#).unwrap();
    let mut numbers = records.to_json();
    numbers["machine"] =
        json!({"date": "2026-01-02", "revision": "abc", "changed": true, "features": ["avx2"]});
    numbers["command"] = json!("cargo xtask bench --peers");
    numbers
}

/// The cells of the row that begins so.
fn row<'a>(page: &'a str, first: &str) -> Vec<&'a str> {
    let line = page.lines().find(|line| line.starts_with(&format!("| {first} |")));
    let line = line.unwrap_or_else(|| panic!("no row `{first}` in:\n{page}"));
    line.trim_matches('|').split('|').map(str::trim).collect()
}

#[test]
fn numbers_become_rows() {
    let page = render(&numbers()).unwrap();
    assert_eq!(row(&page, "source revision")[1], "abc, with changes");
    assert_eq!(row(&page, "other libraries")[1], "torchvision 0.26.0");
    assert_eq!(row(&page, "AVX2")[1..], ["10,000", "100,000", "20.0 %", "1.00 x"]);
    assert_eq!(row(&page, "torchvision v1 (PIL)")[4], "60.0 x");
    assert_eq!(row(&page, "2")[1..4], ["190,000", "180,000", "5.56 %"]);
    assert_eq!(row(&page, "twinview, f32")[1..4], ["90.0", "", "2.00 x"]);
    assert!(page.contains("| twinview, f32 | 2.00 s | 25.0 % |  | 75.0 % |"), "{page}");
    assert_eq!(row(&page, "100,000")[3], "2.00 ms");
    assert_eq!(row(&page, "Pillow, the same work")[3], "1.25 x");
}

#[test]
fn targets_are_judged() {
    let page = render(&numbers()).unwrap();
    let verdict = |first: &str| row(&page, first)[3].to_owned();
    assert_eq!(verdict("seed recipe, AVX2, views a second on one core"), "met, 42.9 % above");
    assert_eq!(verdict("seed recipe, times torchvision"), "met, 20.0 % above");
    assert_eq!(verdict("seed recipe, times albumentations"), "not measured");
    assert_eq!(
        verdict("fastest training step, times PyTorch's default"),
        "**not met**, 33.3 % below"
    );
    assert_eq!(
        verdict("what the loader adds to the kernels, worker threads: 2"),
        "**not met**, 11.1 % above"
    );
    assert!(verdict("growth of the loader's memory over 1000000 views").starts_with("**not met**"));
    assert!(page.contains("What was tried"));
}

#[test]
fn without_numbers_there_is_no_page() {
    assert!(render(&json!({"records": [{"part": "x"}]})).is_err());
    assert!(render(&json!({})).is_err());
}
