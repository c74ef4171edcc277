use super::*;
use crate::Evaluation;
use crate::tests::sample;

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
    html(&["r<1>".to_owned()], &[run]).unwrap_or_default().into_string()
}

#[test]
fn numbers_that_overflow_are_no_panic() {
    let html = html_of(&run(vec![vec![1 << 63, 1 << 63], vec![0, 1]], Vec::new()));
    assert!(html.contains("9223372036854775808"), "{html}");
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
    let classes = MAX_CLASSES + 1;
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
