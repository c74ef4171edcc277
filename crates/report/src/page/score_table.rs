//! Tables of scores, with a row per method or per run.

use maud::{Markup, html};
use run::wilson_interval;

use crate::comparison::column::{few, shown};
use crate::comparison::{DEVIATION, SELECTION, by_method};
use crate::html::{scroll_box, table};
use crate::{Column, Comparison, Row, Run};

/// What the intervals below scores are.
pub const INTERVAL: &str =
    "Below a score is its 95 % interval, by the number of test images alone.";

/// A row of a table.
pub struct Line {
    /// The method or the run.
    pub name: String,
    /// Remarks below the name.
    pub about: Vec<String>,
    /// The numbers.
    pub row: Row,
    /// 95 % intervals of scores, by the keys of their columns; none for the means of several runs.
    pub intervals: Vec<(&'static str, [f64; 2])>,
}

/// The 95 % intervals of the scores of a run.
pub fn intervals(run: &Run) -> Vec<(&'static str, [f64; 2])> {
    let evaluation = run.evaluation.iter();
    let evaluated = evaluation.flat_map(|scores| {
        let keys = ["linear", "knn"].into_iter();
        keys.filter_map(|key| Some((key, scores.score(key)?.interval95)))
    });
    let images = run.data.images.test as u64;
    let probe = |key, accuracy: f64| {
        (key, wilson_interval((accuracy * images as f64).round() as u64, images))
    };
    let row = Row::of(&run.method, &[run]);
    let last = row.probe_last.filter(|_| images > 0).map(|at| probe("probe_last", at.mean));
    last.into_iter().chain(evaluated).collect()
}

/// The table of methods, with a note on how to read it.
pub fn leaderboard(comparison: &Comparison, runs: &[Run]) -> Markup {
    let methods = by_method(runs);
    let several = comparison.rows.iter().any(|row| row.seeds.len() > 1);
    let lines: Vec<Line> = comparison
        .rows
        .iter()
        .map(|row| Line {
            name: row.method.clone(),
            about: about(row, comparison),
            row: row.clone(),
            intervals: match methods[row.method.as_str()][..] {
                [one] => intervals(one),
                _ => Vec::new(),
            },
        })
        .collect();
    html! {
        p {
            @if has_probe(&lines) {
                "Ordered by probe accuracy after the last epoch. " (SELECTION) " "
            }
            @if has_scores(&lines) { "The best of each score is bold. " }
            @if several { (DEVIATION) } @else if has_intervals(&lines) { (INTERVAL) }
        }
        (scores("Leaderboard", "Method", &lines))
    }
}

fn about(row: &Row, comparison: &Comparison) -> Vec<String> {
    let mut about = Vec::new();
    let seeds = |row: &Row| row.seeds.len();
    let mut others = comparison.rows.iter();
    if others.any(|other| seeds(other) != seeds(row)) {
        let plural = if seeds(row) == 1 { "" } else { "s" };
        about.push(format!("{} seed{plural}", seeds(row)));
    }
    if row.finished < seeds(row) {
        about.push("unfinished".to_owned());
    }
    about
}

/// Whether a probe was measured on a test split.
pub fn has_probe(lines: &[Line]) -> bool {
    lines.iter().any(|line| line.row.probe_last.is_some())
}

/// Whether anything was measured with labels.
fn has_scores(lines: &[Line]) -> bool {
    shown(lines.iter().map(|line| &line.row)).iter().any(|column| column.score)
}

/// Whether a score has an interval.
pub fn has_intervals(lines: &[Line]) -> bool {
    lines.iter().any(|line| !line.intervals.is_empty())
}

/// The table called `label` of `lines`, the first column headed `head`, without the columns of
/// which no line has a number; the best of each score is bold.
pub fn scores(label: &str, head: &str, lines: &[Line]) -> Markup {
    let columns = shown(lines.iter().map(|line| &line.row));
    let names: Vec<String> = columns.iter().map(Column::heading).collect();
    let headings: Vec<&str> = [head].into_iter().chain(names.iter().map(String::as_str)).collect();
    let rows = html! {
        @for line in lines {
            tr {
                th scope="row" { (line.name) (remarks(&line.about)) }
                @for column in &columns { td { (cell(line, column, lines)) } }
            }
        }
    };
    scroll_box(label, &table(None, None, &headings, &rows))
}

/// A mean, bold where it is the best, with its deviation and remarks below.
fn cell(line: &Line, column: &Column, lines: &[Line]) -> Markup {
    let row = &line.row;
    let Some(value) = (column.value)(row) else {
        return html! { "–" };
    };
    let best = lines
        .iter()
        .filter_map(|line| Some((column.value)(&line.row)?.mean))
        .fold(f64::NEG_INFINITY, f64::max);
    let (mean, std) = column.unit.parts(&value);
    let mut about: Vec<String> = std.map(|std| format!("± {std}")).into_iter().collect();
    if let Some((_, bounds)) = line.intervals.iter().find(|(key, _)| *key == column.key) {
        let [low, high] = bounds.map(|bound| 100.0 * bound);
        about.push(format!("{low:.1}–{high:.1}"));
    }
    match column.key {
        "probe_best" => about.push(format!("epoch {}", few(&row.best_epochs))),
        "probe_last" if row.finished < row.seeds.len() => {
            about.push(format!("epoch {}", few(&row.last_epochs)));
        }
        _ if value.n < row.seeds.len() => about.push(format!("{} of {}", value.n, row.seeds.len())),
        _ => {}
    }
    html! {
        @if column.score && value.mean >= best { strong { (mean) } } @else { (mean) }
        (remarks(&about))
    }
}

/// Remarks below a number, one per line.
fn remarks(remarks: &[String]) -> Markup {
    html! {
        @for remark in remarks { " " small { (remark) } }
    }
}
