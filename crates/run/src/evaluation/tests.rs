use std::fs;

use serde_json::json;

use super::*;

fn record(confusion: Value) -> Value {
    let fold = json!({"mean": 0.5, "std": 0.0, "accuracies": [0.5], "images": [4]});
    json!({
        "run": "run", "method": "simclr", "seed": 0, "untrained": false, "init": null,
        "epoch": 1, "step": 10,
        "weights": {
            "checkpoint": "step-000000010.safetensors", "epoch": 1, "step": 10,
            "teacher": false, "sha256": "00",
        },
        "split": "test",
        "data": {
            "paths": [], "labels": "auto", "skip_bad": false,
            "kind": "image folder", "fingerprint": "f00",
            "images": {"train": 8, "test": 4}, "folds": 0, "class_names": ["cat", "dog"],
        },
        "version": "1", "revision": "abc", "device": "cpu", "threads": 1,
        "protocols": {"knn": {
            "accuracy": 0.75, "initial_accuracy": 0.5,
            "test": {
                "accuracy": 0.75, "balanced_accuracy": 0.75, "macro_f1": 0.7,
                "top5": null, "chance": 0.5, "interval95": [0.3, 0.95], "correct": 3, "total": 4,
                "per_class": [{"correct": 3, "total": 4, "accuracy": 0.75}],
                "confusion": confusion,
            },
            "settings": {"k": 20},
            "cross_validation": {"seed": 0, "folds": fold, "chosen": null},
            "few_labels": [{
                "labels_per_class": 1, "seed": 0, "subsets": fold, "chosen": null,
                "converged": true,
            }],
            "k": 8,
        }},
    })
}

fn read(value: &Value) -> Result<Option<EvaluationRecord>, Error> {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join(file::EVALUATION), value.to_string()).unwrap();
    EvaluationRecord::read(folder.path())
}

#[test]
fn what_is_written_is_read() {
    let value = record(json!([[2, 0], [1, 1]]));
    let read = read(&value).unwrap().unwrap();
    assert_eq!(read.protocols["knn"].details["k"], 8);
    assert_eq!(read.protocols["knn"].test.confusion, Some(vec![vec![2, 0], vec![1, 1]]));
    assert_eq!(serde_json::to_value(&read).unwrap(), value);
}

#[test]
fn a_confusion_matrix_is_square() {
    let error = read(&record(json!([[1, 2], [3]]))).unwrap_err().to_string();
    assert!(error.contains("evaluation.json: expected as many"), "{error}");
}

#[test]
fn no_file_is_no_evaluation() {
    assert!(EvaluationRecord::read(Path::new("/nonexistent")).unwrap().is_none());
}
