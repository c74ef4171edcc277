//! What training made of the weights that a run began with, as a table.

use maud::{Markup, html};

use crate::Run;
use crate::html::{percent, scroll_box, table};

const HEADINGS: [&str; 6] =
    ["Run and measure", "Before (%)", "After (%)", "Change", "95 % interval of before", "Images"];

/// A measure before training and after it, by one protocol.
struct Line {
    measure: String,
    before: f64,
    after: f64,
    interval95: [f64; 2],
    images: u64,
}

/// A row per run that began with weights from a file, and measure; `None` where there is none.
pub fn html(labels: &[String], runs: &[&Run]) -> Option<Markup> {
    let lines: Vec<(&String, Line)> = labels
        .iter()
        .zip(runs)
        .flat_map(|(label, run)| lines(run).into_iter().map(move |line| (label, line)))
        .collect();
    let rows = html! { @for (label, line) in &lines { (row(label, line)) } };
    let section = html! {
        p {
            "The weights that a run began with, and those after training, by the same protocol on \
             the same images. val_knn_acc is measured while training, the others by evaluate. The \
             interval is by the number of images alone; a change within it may be chance."
        }
        (scroll_box("Before and after", &table(None, None, &HEADINGS, &rows)))
    };
    (!lines.is_empty()).then_some(section)
}

fn lines(run: &Run) -> Vec<Line> {
    if !run.from_weights {
        return Vec::new();
    }
    let knn = run.initial_knn.and_then(|initial| {
        Some(Line {
            measure: "val_knn_acc".to_owned(),
            before: initial.accuracy,
            after: run.history.iter().rev().find_map(|epoch| epoch.val_knn_acc)?,
            interval95: initial.interval95(),
            images: initial.images,
        })
    });
    let scores = run.evaluation.iter().flat_map(|evaluation| &evaluation.scores);
    let evaluated = scores.filter_map(|score| {
        let before = score.initial_accuracy?;
        let correct = (before * score.images as f64).round() as u64;
        Some(Line {
            measure: score.protocol.clone(),
            before,
            after: score.accuracy,
            interval95: run::wilson_interval(correct, score.images),
            images: score.images,
        })
    });
    knn.into_iter().chain(evaluated).collect()
}

fn row(label: &str, line: &Line) -> Markup {
    let [low, high] = line.interval95.map(percent);
    html! {
        tr {
            th scope="row" { (label) ", " (line.measure) }
            td { (percent(line.before)) }
            td { (percent(line.after)) }
            td { (format!("{:+.1}", 100.0 * (line.after - line.before))) }
            td { (low) "–" (high) }
            td { (line.images) }
        }
    }
}

#[cfg(test)]
mod tests {
    use run::InitialKnn;

    use super::*;
    use crate::tests::sample;

    #[test]
    fn a_run_from_weights_has_each_measure_before_and_after() {
        let folder = tempfile::tempdir().unwrap();
        let mut run = Run::read(&sample::finished(folder.path(), "simclr", 0, &[0.5])).unwrap();
        let html_of = |run: &Run| html(&["r<1>".to_owned()], &[run]).map(Markup::into_string);
        assert_eq!(html_of(&run), None);
        run.from_weights = true;
        let page = html_of(&run).unwrap();
        let linear = "<th scope=\"row\">r&lt;1&gt;, linear</th><td>25.0</td><td>50.0</td>\
                      <td>+25.0</td><td>19.5–31.4</td><td>200</td>";
        assert!(page.contains(linear) && !page.contains(", val_knn_acc"), "{page}");
        run.initial_knn = Some(InitialKnn { accuracy: 0.6, images: 100 });
        run.history[0].val_knn_acc = Some(0.55);
        let page = html_of(&run).unwrap();
        let knn = "<th scope=\"row\">r&lt;1&gt;, val_knn_acc</th><td>60.0</td><td>55.0</td>\
                   <td>-5.0</td><td>50.2–69.1</td><td>100</td>";
        assert!(page.contains(knn), "{page}");
    }
}
