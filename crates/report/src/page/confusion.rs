//! Which classes were taken for which, as tables.

use super::scrolling;
use crate::markup::escape;
use crate::{ConfusionMatrix, Run};

/// The most classes of which every pair is shown.
const MOST_CLASSES: usize = 24;
/// The most pairs that are shown of more classes.
const MOST_PAIRS: usize = 30;

/// A table for each confusion of `runs`, called by their labels; nothing where there is none.
pub fn html(labels: &[String], runs: &[&Run]) -> String {
    let found = labels.iter().zip(runs).flat_map(|(label, run)| {
        let evaluation = run.evaluation.iter();
        let confusions = evaluation.flat_map(|evaluation| &evaluation.confusions);
        confusions.map(move |confusion| (label, *run, confusion))
    });
    let tables: String = found
        .map(|(label, run, confusion)| {
            let names = names(run, confusion);
            let title = format!("{label}, {}", protocol(&confusion.protocol));
            let table = if confusion.counts.len() > MOST_CLASSES {
                pairs(confusion, &names)
            } else {
                matrix(confusion, &names)
            };
            format!(
                "<h3>{}</h3>\n{}",
                escape(&title),
                scrolling(&format!("Confusion of {title}"), &table)
            )
        })
        .collect();
    if tables.is_empty() {
        return tables;
    }
    format!(
        "<p>Test images of each true class, a line each, by the class that the classifier gives them. Shades are shares \
         of a line; a perfect classifier has the diagonal alone.</p>\n{tables}"
    )
}

fn protocol(name: &str) -> &str {
    match name {
        "linear" => "linear classifier",
        "knn" => "nearest neighbors",
        other => other,
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
        Some(name) => escape(name),
        None => format!("class {class}"),
    };
    (0..confusion.counts.len()).map(name).collect()
}

fn share(count: u64, row: &[u64]) -> f64 {
    let all: u64 = row.iter().sum();
    if all == 0 { 0.0 } else { count as f64 / all as f64 }
}

/// Every pair of classes.
fn matrix(confusion: &ConfusionMatrix, names: &[String]) -> String {
    let heads: String =
        names.iter().map(|name| format!("<th scope=\"col\"><span>{name}</span></th>")).collect();
    let rows: String = confusion
        .counts
        .iter()
        .enumerate()
        .map(|(class, row)| {
            let cells: String = row
                .iter()
                .enumerate()
                .map(|(predicted, &count)| {
                    let right = if predicted == class { " class=\"right\"" } else { "" };
                    let share = share(count, row);
                    format!("<td{right} style=\"--share:{share:.3}\">{count}</td>")
                })
                .collect();
            format!(
                "<tr><th scope=\"row\">{}</th>{cells}<td>{:.1}</td></tr>\n",
                names[class],
                100.0 * share(row[class], row)
            )
        })
        .collect();
    format!(
        "<table class=\"confusion\">\n<thead>\n<tr><th scope=\"col\">True class</th>{heads}<th \
         scope=\"col\">Right (%)</th></tr>\n</thead>\n<tbody>\n{rows}</tbody>\n</table>\n"
    )
}

/// The pairs that are confused most often.
fn pairs(confusion: &ConfusionMatrix, names: &[String]) -> String {
    let mut pairs: Vec<(u64, usize, usize)> = Vec::new();
    for (class, row) in confusion.counts.iter().enumerate() {
        let wrong = row.iter().enumerate().filter(|(predicted, _)| *predicted != class);
        pairs.extend(wrong.map(|(predicted, &count)| (count, class, predicted)));
    }
    pairs.retain(|(count, _, _)| *count > 0);
    pairs.sort_by(|a, b| b.0.cmp(&a.0).then((a.1, a.2).cmp(&(b.1, b.2))));
    let rows: String = pairs
        .into_iter()
        .take(MOST_PAIRS)
        .map(|(count, class, predicted)| {
            format!(
                "<tr><th scope=\"row\">{}</th><td>{}</td><td>{count}</td><td>{:.1}</td></tr>\n",
                names[class],
                names[predicted],
                100.0 * share(count, &confusion.counts[class])
            )
        })
        .collect();
    format!(
        "<table>\n<caption>The most frequent confusions of {} classes</caption>\n<thead>\n<tr><th scope=\"col\">True \
         class</th><th scope=\"col\">Taken for</th><th scope=\"col\">Images</th><th scope=\"col\">Of its class \
         (%)</th></tr>\n</thead>\n<tbody>\n{rows}</tbody>\n</table>\n",
        names.len()
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Evaluation, sample};

    fn run(counts: Vec<Vec<u64>>, class_names: Vec<String>) -> Run {
        let folder = tempfile::tempdir().unwrap();
        let path = sample::finished(folder.path(), "simclr", 0, &[0.5]);
        let mut run = Run::read(&path).unwrap();
        run.evaluation = Some(Evaluation {
            confusions: vec![ConfusionMatrix { protocol: "knn".to_owned(), class_names, counts }],
            ..Evaluation::default()
        });
        run
    }

    fn html_of(run: &Run) -> String {
        html(&["r<1>".to_owned()], &[run])
    }

    #[test]
    fn a_matrix_has_shares_of_its_lines() {
        let html = html_of(&run(vec![vec![3, 1], vec![0, 0]], Vec::new()));
        let first = "<td class=\"right\" style=\"--share:0.750\">3</td><td style=\"--share:0.250\">1</td><td>75.0</td>";
        assert!(html.contains(first), "{html}");
        assert!(html.contains("<th scope=\"row\">dog</th><td style=\"--share:0.000\">0</td>"));
        assert!(html.contains("r&lt;1&gt;, nearest neighbors"));
        // The set's own names, as text.
        assert!(html.contains("&lt;script&gt;") && !html.contains("<script>"));
    }

    #[test]
    fn names_that_lack_are_numbers() {
        let html = html_of(&run(vec![vec![1; 3]; 3], vec!["a".to_owned()]));
        assert!(html.contains(">a</th>") && html.contains(">class 2</th>"));
    }

    #[test]
    fn of_many_classes_only_the_worst_pairs_are_told() {
        let classes = MOST_CLASSES + 1;
        let mut counts = vec![vec![0; classes]; classes];
        for (class, row) in counts.iter_mut().enumerate() {
            row[class] = 5;
        }
        counts[3][7] = 2;
        counts[4][1] = 15;
        let html = html_of(&run(counts, Vec::new()));
        let first = "<th scope=\"row\">class 4</th><td>dog</td><td>15</td><td>75.0</td>";
        let second = "<th scope=\"row\">class 3</th><td>class 7</td><td>2</td>";
        assert!(html.find(first).unwrap() < html.find(second).unwrap());
        assert_eq!(html.matches("<th scope=\"row\">").count(), 2);
    }

    #[test]
    fn without_counts_there_is_nothing() {
        let folder = tempfile::tempdir().unwrap();
        let path = sample::finished(folder.path(), "simclr", 0, &[0.5]);
        assert_eq!(html_of(&Run::read(&path).unwrap()), "");
    }
}
