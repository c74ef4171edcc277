use eval::Protocol;
use serde_json::json;

use super::*;

/// A k-NN report with that matrix.
fn result(confusion: &[Vec<u64>]) -> ProtocolResult {
    let class = |(class, row): (usize, &Vec<u64>)| {
        let total: u64 = row.iter().sum();
        let accuracy = (total > 0).then(|| row[class] as f64 / total as f64);
        json!({"correct": row[class], "total": total, "accuracy": accuracy})
    };
    let per_class: Vec<_> = confusion.iter().enumerate().map(class).collect();
    let report = json!({"knn": {
        "test": {
            "accuracy": 0.5, "balanced_accuracy": 0.5, "macro_f1": 0.5, "top5": null,
            "chance": 0.5, "interval95": [0.4, 0.6], "correct": 5, "total": 10,
            "per_class": per_class, "confusion": confusion,
        },
        "k": 20, "temperature": 0.07, "train_images": 10, "features": 4, "folds": null,
        "cross_validation": null,
    }});
    ProtocolResult {
        protocol: Protocol::Knn(Default::default()),
        report: serde_json::from_value(report).unwrap(),
        few_labels: Vec::new(),
    }
}

#[test]
fn numbers_have_three_digits() {
    for (number, text) in
        [(31.622_776_601_683_793, "31.6"), (1e-4, "0.0001"), (100.0, "100"), (0.003, "0.003")]
    {
        assert_eq!(significant(number), text);
    }
}

#[test]
fn each_class_has_a_row_with_what_it_is_taken_for() {
    let found = result(&[vec![3, 1, 1], vec![0, 2, 0], vec![0; 3]]);
    let names = ["cat", "dog"].map(str::to_owned);
    let table = classes(&[found], &names);
    let rows: Vec<&str> = table.lines().skip(1).collect();
    assert_eq!(
        rows,
        [
            "class  images       knn   most confused with",
            "cat         5   60.00 %   dog (1)",
            "dog         2  100.00 %",
        ],
        "a class without test images has none"
    );
}

#[test]
fn of_many_classes_the_worst_are_listed() {
    let row = |class: usize| {
        let mut row = vec![0; 30];
        row[class] = class as u64 + 1;
        row[(class + 1) % 30] += 30 - class as u64;
        row
    };
    let found = result(&(0..30).map(row).collect::<Vec<_>>());
    let table = classes(&[found], &[]);
    assert_eq!(table.lines().count(), 2 + MOST_ROWS);
    assert!(table.contains("least of 30"), "{table}");
    assert!(table.lines().nth(2).unwrap().starts_with("0 "), "{table}");
}
