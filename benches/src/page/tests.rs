//! From the numbers to the page.

use serde_json::{Value, json};

use super::*;

fn record(part: &str, subject: &str, contender: &str, metric: &str, value: f64) -> Value {
    json!({
        "part": part, "subject": subject, "contender": contender, "metric": metric, "value": value
    })
}

fn numbers() -> Value {
    let mut records = Vec::new();
    for (who, ns) in
        [("portable", 40_000.0), ("AVX2", 10_000.0), ("torchvision v1 (PIL)", 600_000.0)]
    {
        for factor in [1.0, 1.1, 0.9] {
            records.push(record("augmentation", "seed", who, "ns a view", factor * ns));
        }
    }
    let rate = "images a processor second";
    records.extend([
        record("augmentation", "seed", "torchvision v2 (tensors)", "ns a view", 700_000.0),
        record("loader", "1", "kernels", "views a second", 98_000.0),
        record("loader", "2", "kernels", "views a second", 190_000.0),
        record("loader", "2", "kernels, through memory", "views a second", 189_000.0),
        record("loader", "2", "loader", "views a second", 180_000.0),
        record("memory", "1000000", "loader", "bytes at first", 5e7),
        record("memory", "1000000", "loader", "bytes at last", 6e7),
        record("training", "step", "twinview, f32", "images a second", 90.0),
        record("training", "step", "PyTorch, default", "images a second", 45.0),
        record("training", "step", "twinview, f32", "seconds: wait", 0.5),
        record("training", "step", "twinview, f32", "seconds: forward", 1.5),
        record("training", "step", "twinview, f32", "share of waiting", 0.005),
        record("all-reduce", "45 MB", "1", "seconds", 2e-8),
        record("all-reduce", "45 MB", "2", "seconds", 0.03),
        record("ranks", "ResNet-18", "1", "images a second", 40.0),
        record("ranks", "ResNet-18", "2", "images a second", 36.0),
        record("growth", "100000", "twinview", "seconds to open", 0.002),
        record("photos", "packing", "twinview", rate, 500.0),
        record("photos", "packing", "Pillow, the same work", rate, 400.0),
        record("photos", "packing", "OpenCV, decoding only", rate, 625.0),
        record("stores", "96", "aspect", "ns a view", 50_000.0),
        record("stores", "96", "encoded", "ns a view", 500_000.0),
        record("stores", "224", "encoded", "ns a view", 800_000.0),
        record("python", "96", "twinview, Rust", "decoded: views a second a core", 100_000.0),
        record("python", "96", "twinview, Python", "decoded: views a second a core", 90_000.0),
        record("python", "96", "torchvision", "decoded: views a second a core", 1_000.0),
        record("python", "96", "torchvision", "files: views a second a core", 500.0),
    ]);
    json!({
        "records": records,
        "software": {"torchvision": "0.26.0"},
        "command": "cargo xtask bench --peers",
        "machine": {
            "date": "2026-01-02", "revision": "abc", "changed": true, "features": ["avx2"],
            "memory_bytes": 2.5e9
        }
    })
}

#[test]
fn numbers_become_rows_and_verdicts() {
    let page = render(&numbers()).unwrap();
    for row in [
        "| command | `cargo xtask bench --peers` |",
        "| source revision | abc, with changes |",
        "| cores, memory | unknown, 2.50 GB |",
        "| 45 MB | 20.0 ns | 30.0 ms |  | 1.50 GB |",
        "| ResNet-18 | 40.0 | 36.0 |  | 0.900 x |",
        "| other libraries | torchvision 0.26.0 |",
        "| seed | ns a view | views a second | spread | ratio |\n| :-- | --: | --: | --: | --: |",
        "| AVX2 | 10,000 | 100,000 | 20.0 % | 1.00 x |",
        "| torchvision v1 (PIL) | 600,000 | 1,667 | 20.0 % | 60.0 x |",
        "| torchvision v2 (tensors) | 700,000 | 1,429 |  | 70.0 x |",
        "| 2 | 190,000 | 189,000 | 180,000 | 5.56 % | 5.00 % |  |",
        "a tenth of 1,000,000 views: 50.00 MB; after all: 60.00 MB.",
        "| twinview, f32 | 90.0 |  | 2.00 x | 0.500 % |  |",
        "| twinview, f32 | 2.00 s | 25.0 % |  | 75.0 % |",
        "| 100,000 |  |  | 2.00 ms |",
        "| Pillow, the same work | 400 |  | 1.25 x |",
        // Above and below a lower bound, above and below an upper one, unmeasured, equal.
        "seed recipe, AVX2, views a second on one core | at least 70,000 | 100,000 | met, 42.9 % above |",
        "| seed recipe, times torchvision | at least 50.0 x | 60.0 x | met, 20.0 % above |",
        "| seed recipe, times albumentations | at least 10.0 x |  | not measured |",
        "times PyTorch's default | at least 3.00 x | 2.00 x | **not met**, 33.3 % below |",
        "worker threads: 2 | at most 5.00 % | 5.56 % | **not met**, 11.1 % above |",
        "memory over 1000000 views | at most 1.00 % | 20.0 % | **not met**,",
        "waiting for views in training, f32 | at most 1.00 % | 0.500 % | met, 50.0 % below |",
        "OpenCV, decoding only (libjpeg-turbo) | at least 0.800 x | 0.800 x | met, 0 % above |",
        "| 96 x 96 pixels | ns a view | views a second | spread | ratio to encoded |\n",
        "| aspect | 50,000 | 20,000 |  | 0.100 x |",
        "\n\n| 224 x 224 pixels | ns a view",
        "\n## Loaders in Python\n",
        "| twinview, Rust | 100,000 |  | 0.900 x |  |  |  |",
        "| torchvision | 1,000 |  | 90.0 x | 500 |  |  |",
        "What was tried",
    ] {
        assert!(page.contains(row), "no `{row}` in:\n{page}");
    }
    assert!(!page.contains("AVX-512"), "{page}");
    let without = json!({"records": [], "machine": {}});
    assert!(!render(&without).unwrap().contains("Python\n"));
    assert!(page.lines().all(|line| line.starts_with('|') || line.chars().count() <= 100));
    assert!(render(&json!({"records": [{"part": "x"}]})).is_err());
    assert!(render(&json!({})).is_err());
}

#[test]
fn numbers_are_short() {
    let shown = [-999.0, 0.0, 0.012, 0.25, 1.5, 12.34, 1_234_567.4].map(short);
    assert_eq!(shown, ["-999", "0", "0.0120", "0.250", "1.50", "12.3", "1,234,567"]);
    assert_eq!(percent(0.0123), "1.23 %");
}
