//! Scores as text: a line per protocol and a table of the classes.

use std::fmt::Write;

use eval::{FoldScores, ProtocolResult, Report, Score, TrainingProgress};

use crate::app::words::{count, significant};
use crate::commands::evaluate::measurement::RunScores;

/// Maximum number of classes in the table.
const MOST_ROWS: usize = 20;
/// Maximum length of a class name.
const NAME_CHARS: usize = 24;

/// A title and a table of the protocols, with lines of folds and of few labels.
pub fn text(scores: &RunScores) -> String {
    let state = match (scores.trained, &scores.init) {
        (TrainingProgress { step: 0, .. }, None) => "untrained weights".to_owned(),
        (TrainingProgress { step: 0, .. }, Some(file)) => {
            format!("before training, with {}", file.display())
        }
        (TrainingProgress { epoch, step }, _) => format!("after epoch {epoch}, step {step}"),
    };
    let run = scores.run.display();
    let what = match scores.by_folds() {
        true => "accuracy over folds of the labeled images, as there is no labeled test split",
        false => "accuracy on the test split",
    };
    let mut text = format!("{run} ({state}), {what}\n");
    let columns = columns(scores);
    let row = |name: &str, cell: &dyn Fn(&Column) -> String, remark: &str| {
        let cells = columns.iter().map(|column| format!("  {:>1$}", cell(column), column.width));
        format!("{name:<8}{}  {remark}", cells.collect::<String>()).trim_end().to_owned() + "\n"
    };
    text += &row("protocol", &|column| column.heading.to_owned(), "");
    for (index, result) in scores.results.iter().enumerate() {
        let (score, choice) = (result.report.test(), choice(&result.report));
        let remark = format!("{} of {}, {choice}", score.correct, score.total);
        text += &row(result.name(), &|column| column.cells[index].clone(), &remark);
        for (accuracy, of) in parts(result) {
            let _ = writeln!(text, "{:<8}  {accuracy:>1$}  {of}", "", columns[0].width);
        }
    }
    text
}

/// A column of the table: a cell per protocol.
struct Column {
    heading: &'static str,
    cells: Vec<String>,
    width: usize,
}

impl Column {
    fn new(heading: &'static str, cells: Vec<String>) -> Self {
        let widths = cells.iter().map(|cell| cell.chars().count());
        let width = widths.chain([heading.len(), "00.00 %".len()]).max().unwrap_or(0);
        Self { heading, cells, width }
    }
}

/// The numbers of all protocols; without columns that none has.
fn columns(scores: &RunScores) -> Vec<Column> {
    let column = |heading, cell: &dyn Fn(&ProtocolResult) -> Option<String>| {
        let cells: Vec<Option<String>> = scores.results.iter().map(cell).collect();
        let known = cells.iter().any(Option::is_some);
        let cells = cells.into_iter().map(Option::unwrap_or_default).collect();
        known.then(|| Column::new(heading, cells))
    };
    let initial = if scores.init.is_some() { "starting" } else { "untrained" };
    let columns = [
        column("accuracy", &|result| Some(accuracy(&result.report))),
        column("95 % interval", &|result| {
            let [low, high] = result.report.test().interval95.map(|bound| 100.0 * bound);
            Some(format!("{low:.2} to {high:.2}"))
        }),
        column("balanced", &|result| Some(percent(result.report.test().balanced_accuracy))),
        column("macro-F1", &|result| Some(percent(result.report.test().macro_f1))),
        column("top-5", &|result| result.report.test().top5.map(percent)),
        column(initial, &|result| scores.initial.of(result.name()).map(percent)),
        column("chance", &|result| Some(percent(result.report.test().chance))),
    ];
    let mut columns: Vec<Column> = columns.into_iter().flatten().collect();
    let below = scores.results.iter().flat_map(parts).map(|(accuracy, _)| accuracy.chars().count());
    let accuracy = &mut columns[0];
    accuracy.width = accuracy.width.max(below.max().unwrap_or(0));
    columns
}

fn percent(share: f64) -> String {
    format!("{:.2} %", 100.0 * share)
}

/// The accuracy, over folds with its standard deviation.
fn accuracy(report: &Report) -> String {
    report
        .cross_validation()
        .map_or_else(|| percent(report.accuracy()), |found| spread(&found.folds))
}

/// The results of parts of the training images, and which: predefined folds and few labels.
fn parts(result: &ProtocolResult) -> Vec<(String, String)> {
    let mut parts = Vec::new();
    if let Some(folds) = result.report.folds() {
        parts.push((spread(folds), format!("over {} folds", folds.accuracies.len())));
    }
    for few in &result.few_labels {
        let (labels, subsets) = (few.labels_per_class, few.subsets.accuracies.len());
        let (labels, subsets) = (count(labels, "label"), count(subsets, "subset"));
        parts.push((spread(&few.subsets), format!("with {labels} per class, over {subsets}")));
    }
    parts
}

/// The hyperparameters and warnings.
fn choice(report: &Report) -> String {
    match report {
        Report::Linear(linear) => {
            let mut text = format!("C {}", significant(linear.c));
            if linear.validation.is_empty() {
                text += ", nothing to choose it by";
            }
            if linear.c_tied > 1 {
                let _ = write!(text, ", of {} equally accurate", linear.c_tied);
            }
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
            let edge = match trained.lr_at_edge {
                Some(_) => ", at the edge of the grid",
                None => "",
            };
            format!("learning rate {}{edge}", significant(trained.lr))
        }
    }
}

/// Mean and, of several, standard deviation.
fn spread(scores: &FoldScores) -> String {
    let (mean, std) = (100.0 * scores.mean, 100.0 * scores.std);
    match scores.accuracies.len() {
        1 => format!("{mean:.2} %"),
        _ => format!("{mean:.2} ± {std:.2} %"),
    }
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
mod tests;
