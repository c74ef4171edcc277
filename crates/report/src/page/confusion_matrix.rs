//! Confusion matrices as tables.

use maud::{Markup, html};

use crate::html::{percent, scroll_box, table};
use crate::{ConfusionMatrix, Run};

/// The largest number of classes for which the whole matrix is shown.
const MAX_CLASSES: usize = 24;
/// The largest number of pairs listed for more classes.
const MAX_PAIRS: usize = 30;

/// A table for each confusion matrix of `runs`; `None` where there is none.
pub fn html(labels: &[String], runs: &[&Run]) -> Option<Markup> {
    let found: Vec<(&String, &Run, &ConfusionMatrix)> = labels
        .iter()
        .zip(runs)
        .flat_map(|(label, run)| {
            let confusions = run.evaluation.iter().flat_map(|scores| &scores.confusions);
            confusions.map(move |confusion| (label, *run, confusion))
        })
        .collect();
    let tables = html! {
        p {
            "Rows are true classes, columns predicted classes; cells count test images. Shading is \
             the fraction of the row. A perfect classifier has entries on the diagonal only."
        }
        @for (label, run, confusion) in &found {
            @let title = format!("{label}, {}", protocol(&confusion.protocol));
            h3 { (title) }
            (scroll_box(&format!("Confusion matrix of {title}"), &content(run, confusion)))
        }
    };
    (!found.is_empty()).then_some(tables)
}

fn protocol(name: &str) -> &str {
    match name {
        "linear" => "linear classifier",
        "knn" => "nearest neighbors",
        other => other,
    }
}

fn content(run: &Run, confusion: &ConfusionMatrix) -> Markup {
    let names = names(run, confusion);
    if confusion.counts.len() > MAX_CLASSES {
        pairs(confusion, &names)
    } else {
        matrix(confusion, &names)
    }
}

/// A name for every class.
fn names(run: &Run, confusion: &ConfusionMatrix) -> Vec<String> {
    let known = if confusion.class_names.is_empty() {
        &run.data.class_names
    } else {
        &confusion.class_names
    };
    let name = |class: usize| match known.get(class) {
        Some(name) => name.clone(),
        None => format!("class {class}"),
    };
    (0..confusion.counts.len()).map(name).collect()
}

/// `count` as a fraction of the images of its row; 0 for an empty row.
fn fraction(count: u64, row: &[u64]) -> f64 {
    let total = row.iter().fold(0, |total: u64, &count| total.saturating_add(count));
    if total == 0 { 0.0 } else { count as f64 / total as f64 }
}

/// The whole matrix, with the recall of each class.
fn matrix(confusion: &ConfusionMatrix, names: &[String]) -> Markup {
    html! {
        table.confusion {
            thead {
                tr {
                    th scope="col" { "True class" }
                    @for name in names { th scope="col" { span { (name) } } }
                    th scope="col" { "Recall (%)" }
                }
            }
            tbody {
                @for (class, row) in confusion.counts.iter().enumerate() {
                    tr {
                        th scope="row" { (names[class]) }
                        @for (predicted, &count) in row.iter().enumerate() {
                            td class=[(predicted == class).then_some("right")]
                                style=(format_args!("--share:{:.3}", fraction(count, row))) {
                                (count)
                            }
                        }
                        td { (percent(fraction(row[class], row))) }
                    }
                }
            }
        }
    }
}

/// The most frequent confusions.
fn pairs(confusion: &ConfusionMatrix, names: &[String]) -> Markup {
    let mut pairs: Vec<(u64, usize, usize)> = Vec::new();
    for (class, row) in confusion.counts.iter().enumerate() {
        let wrong = row.iter().enumerate().filter(|(predicted, _)| *predicted != class);
        pairs.extend(wrong.map(|(predicted, &count)| (count, class, predicted)));
    }
    pairs.retain(|(count, _, _)| *count > 0);
    pairs.sort_by(|a, b| b.0.cmp(&a.0).then((a.1, a.2).cmp(&(b.1, b.2))));
    pairs.truncate(MAX_PAIRS);
    let caption = format!("Most frequent confusions among {} classes", names.len());
    let headings = ["True class", "Predicted class", "Images", "Of true class (%)"];
    table(
        None,
        Some(&caption),
        &headings,
        &html! {
            @for (count, class, predicted) in pairs {
                tr {
                    th scope="row" { (names[class]) }
                    td { (names[predicted]) }
                    td { (count) }
                    td { (percent(fraction(count, &confusion.counts[class]))) }
                }
            }
        },
    )
}

#[cfg(test)]
mod tests;
