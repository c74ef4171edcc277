//! Small run folders.

use std::fs;
use std::path::{Path, PathBuf};

use run::{
    BatchRecord, DataRecord, DataSource, EvaluationData, EvaluationImages, EvaluationRecord,
    FORMAT, History, ImageCounts, ProtocolRecord, RunRecord, Score, Summary, ThreadCounts,
    WeightsRecord, file,
};
use serde_json::json;

/// When the runs started.
pub const STARTED_AT: &str = "2026-11-28T09:30:00Z";

/// Writes a run without a summary: one epoch for each probe accuracy.
pub fn unfinished(parent: &Path, method: &str, seed: u64, probe: &[f64]) -> PathBuf {
    let folder = parent.join(format!("{}-seed{seed}", method.replace('/', "_")));
    fs::create_dir_all(&folder).unwrap();
    let mut methods = serde_json::Map::new();
    methods.insert(method.to_owned(), json!({"variant": "seed", "temperature": 0.1}));
    let record = RunRecord {
        format: FORMAT,
        version: "0.1.0".to_owned(),
        revision: "abc".to_owned(),
        started_at: STARTED_AT.to_owned(),
        device: "cpu".to_owned(),
        threads: ThreadCounts { libtorch: 2, workers: 1 },
        data: DataRecord {
            source: DataSource { paths: vec!["data/photos".into()], ..DataSource::default() },
            kind: "image folder".to_owned(),
            fingerprint: "f00".to_owned(),
            image_size: 96,
            images: ImageCounts { unlabeled: 1000, train: 900, test: 200 },
            unlabeled_is_train: false,
            held_out: 0,
            class_names: ["<script>", "dog"].map(str::to_owned).to_vec(),
        },
        batch: BatchRecord { unlabeled: 32, labeled: 32, steps_per_epoch: 10 },
        init: None,
        initial_knn: None,
        run_id: String::new(),
        has_checkpoint: false,
        segments: Vec::new(),
        config: json!({
            "seed": seed, "projection": {"hidden_dims": [128], "output_dim": 128}, "method": methods,
            "train": {"epochs": probe.len().max(1), "batch_size": 64, "precision": "bf16"},
        }),
    };
    fs::write(folder.join(file::CONFIG), json!(record).to_string()).unwrap();
    let lines: String = (1..)
        .zip(probe)
        .map(|(epoch, accuracy)| {
            let line = json!({
                "kind": "epoch", "epoch": epoch, "step": 10 * epoch, "loss": 1.0,
                "contrastive_acc": accuracy / 2.0, "correlation_acc": 0.5,
                "test_probe_acc": accuracy, "feature_std": 0.03, "effective_rank": 20.0,
                "images_per_sec": 64.0, "data_wait": 0.0, "train_secs": 10.0, "eval_secs": 2.0,
            });
            format!("{line}\n")
        })
        .collect();
    fs::write(folder.join(file::METRICS), lines).unwrap();
    folder
}

/// Writes a run with a summary, and a linear but no kNN score.
pub fn finished(parent: &Path, method: &str, seed: u64, probe: &[f64]) -> PathBuf {
    let folder = unfinished(parent, method, seed, probe);
    let summary = Summary {
        run: folder.clone(),
        version: "0.1.0".to_owned(),
        revision: "abc".to_owned(),
        device: "cpu".to_owned(),
        steps: 10 * probe.len() as u64,
        epochs: probe.len() as u32,
        train_secs: 30.0,
        peak_memory_bytes: Some(1_073_741_824),
        peak_gpu_memory_bytes: None,
        images_per_sec: 80.0,
        stopped_early: false,
        history: History::default(),
    };
    fs::write(folder.join(file::SUMMARY), json!(summary).to_string()).unwrap();
    let evaluation = evaluation("linear", 0.5, summary.steps);
    fs::write(folder.join(file::EVALUATION), json!(evaluation).to_string()).unwrap();
    folder
}

/// Scores on 200 test images by one protocol, after `step` steps.
pub fn evaluation(protocol: &str, accuracy: f64, step: u64) -> EvaluationRecord {
    let score = Score {
        accuracy,
        balanced_accuracy: accuracy,
        macro_f1: accuracy,
        top5: Some(0.9),
        chance: 0.1,
        interval95: [0.4, 0.6],
        correct: (200.0 * accuracy) as u64,
        total: 200,
        per_class: Vec::new(),
        confusion: None,
    };
    let scores = ProtocolRecord {
        accuracy,
        initial_accuracy: Some(0.25),
        test: score,
        settings: json!({}),
        cross_validation: None,
        folds: None,
        few_labels: Vec::new(),
        details: serde_json::Map::new(),
    };
    EvaluationRecord {
        run: "run".into(),
        method: "simclr".to_owned(),
        seed: 0,
        untrained: false,
        init: None,
        epoch: step / 10,
        step,
        weights: WeightsRecord {
            checkpoint: Some(file::checkpoint(step)),
            epoch: step / 10,
            step,
            teacher: false,
            sha256: "00".to_owned(),
        },
        split: "test".to_owned(),
        data: EvaluationData {
            source: DataSource::default(),
            kind: "image folder".to_owned(),
            fingerprint: "f00".to_owned(),
            images: EvaluationImages { train: 900, test: 200 },
            folds: 0,
            class_names: Vec::new(),
        },
        version: "0.1.0".to_owned(),
        revision: "abc".to_owned(),
        device: "cpu".to_owned(),
        threads: 1,
        protocols: [(protocol.to_owned(), scores)].into(),
    }
}
