//! The scores of the evaluation protocols as a table.

use maud::{Markup, html};

use crate::html::{percent, scroll_box, table};
use crate::{ProtocolScore, Run};

const HEADINGS: [&str; 9] = [
    "Run and protocol",
    "Accuracy (%)",
    "95 % interval",
    "Balanced (%)",
    "Macro-F1 (%)",
    "Top-5 (%)",
    "Before training (%)",
    "Chance (%)",
    "Images",
];

/// A row per run and protocol; `None` where nothing was evaluated.
pub fn html(labels: &[String], runs: &[&Run]) -> Option<Markup> {
    let evaluated = labels.iter().zip(runs).filter_map(|(label, run)| {
        let evaluation = run.evaluation.as_ref()?;
        Some((label, evaluation))
    });
    let evaluated: Vec<_> = evaluated.collect();
    let by_folds = evaluated.iter().any(|(_, evaluation)| evaluation.by_folds);
    let rows = html! {
        @for (label, evaluation) in &evaluated {
            @for score in &evaluation.scores { (row(label, score)) }
        }
    };
    let section = html! {
        p {
            @if by_folds {
                "There is no labeled test split: folds of the labeled images are scored, each by a \
                 classifier that learned from the others; ± is the standard deviation over folds. "
            } @else {
                "Scores on the test split. "
            }
            "Balanced accuracy is the mean over the classes, macro-F1 the mean of their F1 scores. \
             Top-5 counts images whose class is among the five likeliest. Before training are the \
             weights that the run began with. Chance is always answering the most frequent class."
        }
        (scroll_box("Evaluation", &table(None, None, &HEADINGS, &rows)))
    };
    (!evaluated.is_empty()).then_some(section)
}

fn row(label: &str, score: &ProtocolScore) -> Markup {
    let or_dash = |share: Option<f64>| share.map_or_else(|| "–".to_owned(), percent);
    let [low, high] = score.interval95.map(percent);
    html! {
        tr {
            th scope="row" { (label) ", " (score.protocol) }
            td {
                (percent(score.accuracy))
                @if let Some(std) = score.std { " " small { "± " (percent(std)) } }
            }
            td { (low) "–" (high) }
            td { (percent(score.balanced_accuracy)) }
            td { (percent(score.macro_f1)) }
            td { (or_dash(score.top5)) }
            td { (or_dash(score.initial_accuracy)) }
            td { (percent(score.chance)) }
            td { (score.images) }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tests::sample;

    #[test]
    fn each_protocol_has_its_scores_beside_chance_and_the_start() {
        let folder = tempfile::tempdir().unwrap();
        let mut run = Run::read(&sample::finished(folder.path(), "simclr", 0, &[0.5])).unwrap();
        let html_of = |run: &Run| html(&["r<1>".to_owned()], &[run]).unwrap().into_string();
        let page = html_of(&run);
        let row = "<th scope=\"row\">r&lt;1&gt;, linear</th><td>50.0</td><td>40.0–60.0</td>\
                   <td>50.0</td><td>50.0</td><td>90.0</td><td>25.0</td><td>10.0</td><td>200</td>";
        assert!(page.contains(row) && page.contains("on the test split"), "{page}");
        let evaluation = run.evaluation.as_mut().unwrap();
        evaluation.by_folds = true;
        let score = &mut evaluation.scores[0];
        (score.std, score.top5, score.initial_accuracy) = (Some(0.02), None, None);
        let page = html_of(&run);
        let parts = ["<td>50.0 <small>± 2.0</small></td>", "<td>–</td><td>–</td><td>10.0</td>"];
        assert!(parts.iter().all(|part| page.contains(part)), "{page}");
        assert!(page.contains("There is no labeled test split"), "{page}");
        run.evaluation = None;
        assert!(html(&["r".to_owned()], &[&run]).is_none());
    }
}
