//! Scores as text: a line per protocol and a table of the classes.

use std::fmt::Write;

use eval::{FoldScores, ProtocolResult, Report, Score, TrainingProgress};

use crate::commands::evaluate::measurement::Measured;

/// Maximum number of classes in the table.
const MOST_ROWS: usize = 20;
/// Maximum length of a class name.
const NAME_CHARS: usize = 24;

/// A title and a few lines per protocol.
pub fn text(measured: &Measured) -> String {
    let state = match (measured.trained, &measured.init) {
        (TrainingProgress { step: 0, .. }, None) => "untrained weights".to_owned(),
        (TrainingProgress { step: 0, .. }, Some(file)) => {
            format!("before training, with {}", file.display())
        }
        (TrainingProgress { epoch, step }, _) => format!("after epoch {epoch}, step {step}"),
    };
    let run = measured.run.display();
    let title = format!("{run} ({state}), accuracy on the test split\n");
    title + &measured.results.iter().map(lines).collect::<String>()
}

/// The results of a protocol: with all training images, over folds, and per number of labels.
fn lines(result: &ProtocolResult) -> String {
    let score = result.report.test();
    let [low, high] = score.interval95.map(|bound| 100.0 * bound);
    let mut text = format!(
        "{:<8} {:>6.2} %   95 % interval {low:.2} to {high:.2}   {} of {}   {}\n",
        result.name(),
        100.0 * score.accuracy,
        score.correct,
        score.total,
        choice(&result.report),
    );
    if let Some(folds) = result.report.folds() {
        text += &spread(folds, &format!("over {} folds", folds.accuracies.len()));
    }
    for few in &result.few_labels {
        let (labels, draws) = (few.labels_per_class, few.draws.accuracies.len());
        let (labels, draws) = (counted(labels, "label"), counted(draws, "subset"));
        text += &spread(&few.draws, &format!("with {labels} per class, over {draws}"));
    }
    text
}

/// The hyperparameters and warnings.
fn choice(report: &Report) -> String {
    match report {
        Report::Linear(linear) => {
            let mut text = format!("C {}", linear.c);
            if linear.c_at_edge.is_some() {
                text += ", at the edge of the grid";
            }
            if !linear.converged {
                text += ", not converged";
            }
            text
        }
        Report::Knn(knn) => format!("k {}, temperature {}", knn.k, knn.temperature),
        Report::Sgd(trained) | Report::Finetune(trained) => {
            let edge = match trained.learning_rate_at_edge {
                Some(_) => ", at the edge of the grid",
                None => "",
            };
            format!("learning rate {}{edge}", trained.learning_rate)
        }
    }
}

/// A line of mean and standard deviation.
fn spread(scores: &FoldScores, over: &str) -> String {
    let (mean, std) = (100.0 * scores.mean, 100.0 * scores.std);
    match scores.accuracies.len() {
        1 => format!("         {mean:>6.2} % {over}\n"),
        _ => format!("         {mean:>6.2} ± {std:.2} % {over}\n"),
    }
}

/// `1 subset`, `5 subsets`.
fn counted(number: usize, noun: &str) -> String {
    let plural = if number == 1 { "" } else { "s" };
    format!("{number} {noun}{plural}")
}

/// The accuracy of each class by each protocol, and its most frequent confusion by the first. Of
/// many classes, those with the lowest accuracy by the first protocol.
pub fn classes(results: &[ProtocolResult], class_names: &[String]) -> String {
    let Some(first) = results.first().map(|result| result.report.test()) else {
        return String::new();
    };
    let mut rows: Vec<usize> = (0..first.per_class.len()).collect();
    rows.retain(|&class| first.per_class[class].total > 0);
    let all = rows.len();
    let accuracy = |class: usize| first.per_class[class].accuracy.unwrap_or(0.0);
    let mut title = "class".to_owned();
    if all > MOST_ROWS {
        rows.sort_by(|&a, &b| accuracy(a).total_cmp(&accuracy(b)));
        rows.truncate(MOST_ROWS);
        title = format!("least of {all}");
    }
    let name = |class: usize| {
        let name = class_names.get(class).cloned();
        let name = name.unwrap_or_else(|| class.to_string());
        name.chars().take(NAME_CHARS).collect::<String>()
    };
    let widths = rows.iter().map(|&class| name(class).chars().count());
    let width = widths.max().unwrap_or(0).max(title.len());
    let mut text = format!("\n{title:<width$}  images");
    for result in results {
        let _ = write!(text, "  {:>8}", result.name());
    }
    let with_matrix = first.confusion.is_some();
    text += if with_matrix { "   most confused with\n" } else { "\n" };
    for &class in &rows {
        let _ = write!(text, "{:<width$}  {:>6}", name(class), first.per_class[class].total);
        for result in results {
            let share = result.report.test().per_class[class].accuracy;
            let _ = write!(text, "  {:>6.2} %", 100.0 * share.unwrap_or(0.0));
        }
        if let Some((other, count)) = most_often(first, class) {
            let _ = write!(text, "   {} ({count})", name(other));
        }
        text.push('\n');
    }
    text
}

/// The other class that images of `class` are most confused with, and how many are; the lower one
/// of two equals.
fn most_often(score: &Score, class: usize) -> Option<(usize, u64)> {
    let row = score.confusion.as_ref()?.get(class)?;
    let others = row.iter().copied().enumerate();
    let others = others.filter(|&(other, count)| other != class && count > 0);
    others.rev().max_by_key(|&(_, count)| count)
}

#[cfg(test)]
mod tests {
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
                "accuracy": 0.5, "interval95": [0.4, 0.6], "correct": 5, "total": 10,
                "per_class": per_class, "confusion": confusion,
            },
            "k": 20, "temperature": 0.07, "train_images": 10, "features": 4, "folds": null,
        }});
        ProtocolResult {
            protocol: Protocol::Knn(Default::default()),
            report: serde_json::from_value(report).unwrap(),
            few_labels: Vec::new(),
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
}
