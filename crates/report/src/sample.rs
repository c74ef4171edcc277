//! Small run folders for tests.

use std::fs;
use std::path::{Path, PathBuf};

use serde_json::json;

/// Writes a run without a summary: one epoch for each probe accuracy.
pub fn unfinished(parent: &Path, method: &str, seed: u64, probe: &[f64]) -> PathBuf {
    let folder = parent.join(format!("{}-seed{seed}", method.replace('/', "_")));
    fs::create_dir_all(&folder).unwrap();
    let mut methods = serde_json::Map::new();
    methods.insert(method.to_owned(), json!({"form": "seed", "temperature": 0.1}));
    let record = json!({
        "version": "0.1.0", "revision": "abc", "device": "cpu", "threads": [2, 1],
        "data": {
            "path": "data/photos", "kind": "image folder", "fingerprint": "f00", "image_size": 96,
            "images": [1000, 900, 200], "class_names": ["<script>", "dog"],
        },
        "batch": {"unlabeled": 32, "labeled": 32, "steps_per_epoch": 10},
        "config": {
            "seed": seed, "projection": {"hidden": 128, "output": 128}, "method": methods,
            "train": {"epochs": probe.len().max(1), "batch_size": 64, "precision": "bf16"},
        },
    });
    fs::write(folder.join("config.json"), record.to_string()).unwrap();
    let lines: String = (1..)
        .zip(probe)
        .map(|(epoch, accuracy)| {
            let line = json!({
                "kind": "epoch", "epoch": epoch, "step": 10 * epoch, "loss": 1.0, "c_acc": accuracy / 2.0,
                "r_acc": 0.5, "test_p_acc": accuracy, "feature_std": 0.03, "effective_rank": 20.0,
                "images_per_sec": 64.0, "data_wait": 0.0, "train_secs": 10.0, "eval_secs": 2.0,
            });
            format!("{line}\n")
        })
        .collect();
    fs::write(folder.join("metrics.jsonl"), lines).unwrap();
    folder
}

/// Writes a run with a summary, and a linear but no kNN score.
pub fn finished(parent: &Path, method: &str, seed: u64, probe: &[f64]) -> PathBuf {
    let folder = unfinished(parent, method, seed, probe);
    let summary = json!({
        "steps": 10 * probe.len(), "epochs": probe.len(), "train_secs": 30.0, "images_per_sec": 80.0,
        "peak_memory_bytes": 1_073_741_824u64,
    });
    fs::write(folder.join("summary.json"), summary.to_string()).unwrap();
    let evaluation = json!({"protocols": {"linear": {"accuracy": 0.5}}});
    fs::write(folder.join("evaluation.json"), evaluation.to_string()).unwrap();
    folder
}
