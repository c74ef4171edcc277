//! The header of a page: what was trained, on which data and hardware, and notes.

use maud::{Markup, html};
use run::ImageCounts;

use crate::{Comparison, Run};

/// The title: which methods, or how many.
pub fn title(comparison: &Comparison) -> String {
    match &comparison.rows[..] {
        [one] => one.method.clone(),
        [a, b] => format!("{} and {} compared", a.method, b.method),
        rows => format!("{} methods compared", rows.len()),
    }
}

/// The header of a comparison: facts, command and notes.
pub fn html(comparison: &Comparison, runs: &[Run], command: &str) -> Markup {
    let all: Vec<&Run> = runs.iter().collect();
    html! {
        (facts(&methods_and_seeds(comparison), &all))
        p { "To reproduce:" }
        pre { code { (command) } }
        (notes(&comparison.notes))
    }
}

/// What a reader should know, as a list; empty for no notes.
pub fn notes(notes: &[String]) -> Markup {
    html! {
        @if !notes.is_empty() {
            ul.notes aria-label="Notes" {
                @for note in notes { li { (note) } }
            }
        }
    }
}

/// How many methods and seeds were run.
fn methods_and_seeds(comparison: &Comparison) -> String {
    let methods = count(comparison.rows.len(), "method");
    let seeds = comparison.rows.iter().map(|row| row.seeds.len());
    let (least, most) = (seeds.clone().min().unwrap_or(0), seeds.max().unwrap_or(0));
    let seeds =
        if least == most { count(most, "seed") } else { format!("{least} to {most} seeds") };
    let each = if comparison.rows.len() > 1 { " each" } else { "" };
    format!("{methods}, {seeds}{each}")
}

/// The facts about `runs` as a list of terms, the first of which is `summary`.
pub fn facts(summary: &str, runs: &[&Run]) -> Markup {
    html! {
        dl.facts {
            @for (term, fact) in terms(summary, runs) { dt { (term) } dd { (fact) } }
        }
    }
}

fn terms(summary: &str, runs: &[&Run]) -> Vec<(&'static str, String)> {
    let mut terms = vec![
        ("Runs", summary.to_owned()),
        ("Pretraining", each_once(runs, pretraining)),
        ("Data", each_once(runs, data)),
        ("Hardware", each_once(runs, hardware)),
    ];
    terms.extend(dates(runs).map(|dates| ("Started", dates)));
    terms.push(("Version", each_once(runs, version)));
    terms
}

/// What was done, not what was planned.
fn pretraining(run: &Run) -> String {
    let per_epoch = run.batch.steps_per_epoch;
    let planned =
        format!("{} of {}", count(run.epochs as usize, "epoch"), count(per_epoch as usize, "step"));
    let images = match (run.batch.unlabeled, run.batch.labeled) {
        (unlabeled, 0) => count(unlabeled, "image"),
        (0, labeled) => count(labeled, "labeled image"),
        (unlabeled, labeled) => format!("{unlabeled} unlabeled and {labeled} labeled images"),
    };
    let done = run.batch.duration(run.steps_done());
    let whole = u64::from(run.epochs) * u64::from(per_epoch);
    let steps = match &run.summary {
        Some(_) if run.steps_done() == whole => planned,
        Some(summary) if summary.stopped_early => format!("{done}; stopped early, of {planned}"),
        Some(_) if run.max_steps.is_some() => format!("{done} (train.max_steps); of {planned}"),
        Some(_) => format!("{done}; of {planned}"),
        None => format!("{done} so far; planned: {planned}"),
    };
    format!("{steps}, {images} per step")
}

fn data(run: &Run) -> String {
    let data = &run.data;
    let ImageCounts { unlabeled, train, test } = data.images;
    let [unlabeled, train, test] = [unlabeled, train, test].map(thousands);
    let unlabeled = match data.unlabeled_is_train {
        true => "no other unlabeled".to_owned(),
        false => format!("{unlabeled} unlabeled"),
    };
    let source = match data.source.paths.is_empty() {
        false => format!("{} ({})", data.name(), data.kind),
        true => data.kind.clone(),
    };
    format!(
        "{source}: {unlabeled}, {train} labeled and {test} test images, {1} × {1} \
         pixels, {0} classes, fingerprint {2}",
        data.class_names.len(),
        data.image_size,
        data.fingerprint.chars().take(8).collect::<String>(),
    )
}

fn hardware(run: &Run) -> String {
    format!("{}, {}, {}", run.device, run.precision, count(run.threads.libtorch, "libtorch thread"))
}

fn version(run: &Run) -> String {
    let revision: String = run.revision.chars().take(8).collect();
    format!("Twinview {} (revision {revision})", run.version)
}

/// What `describe` says of the runs, each text once.
fn each_once(runs: &[&Run], describe: impl Fn(&Run) -> String) -> String {
    let mut texts: Vec<String> = Vec::new();
    for run in runs {
        let text = describe(run);
        if !texts.contains(&text) {
            texts.push(text);
        }
    }
    texts.join("; or ")
}

/// The days on which the runs started; `None` where that is not known.
fn dates(runs: &[&Run]) -> Option<String> {
    // RFC 3339 begins with the day, and sorts by time.
    let days = runs.iter().filter_map(|run| run.started_at.get(.."2026-11-28".len()));
    let (first, last) = (days.clone().min()?, days.max()?);
    Some(if first == last { format!("{first} (UTC)") } else { format!("{first} to {last} (UTC)") })
}

/// A count with its noun: `1 epoch`, `2 epochs`.
fn count(number: usize, noun: &str) -> String {
    let plural = if number == 1 { "" } else { "s" };
    format!("{} {noun}{plural}", thousands(number))
}

/// A number with commas: 9,469.
fn thousands(number: usize) -> String {
    let digits = number.to_string();
    let mut text = String::new();
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tests::sample;

    #[test]
    fn numbers_are_grouped() {
        assert_eq!(
            [0, 999, 1000, 9469, 1_234_567].map(thousands),
            ["0", "999", "1,000", "9,469", "1,234,567"]
        );
    }

    #[test]
    fn images_that_are_all_labeled_are_called_so() {
        let folder = tempfile::tempdir().unwrap();
        let path = sample::finished(folder.path(), "simclr", 0, &[0.2, 0.3]);
        let mut run = Run::read(&path).unwrap();
        run.batch = run::BatchRecord { unlabeled: 0, labeled: 9, steps_per_epoch: 10 };
        assert!(pretraining(&run).ends_with(", 9 labeled images per step"));
    }

    #[test]
    fn the_header_says_what_was_run() {
        let folder = tempfile::tempdir().unwrap();
        let path = sample::finished(folder.path(), "simclr", 0, &[0.2, 0.3]);
        let mut runs = vec![Run::read(&path).unwrap()];
        runs[0].started_at = "1970-01-01T00:00:00Z".to_owned();
        let comparison = Comparison::of(&runs);
        let data = "photos (image folder): 1,000 unlabeled, 900 labeled and 200 test images, \
                    96 × 96 pixels, 2 classes, fingerprint f00";
        let expected = [
            ("Runs", "1 method, 1 seed"),
            ("Pretraining", "2 epochs of 10 steps, 32 unlabeled and 32 labeled images per step"),
            ("Data", data),
            ("Hardware", "cpu, bf16, 2 libtorch threads"),
            ("Started", "1970-01-01 (UTC)"),
            ("Version", "Twinview 0.1.0 (revision abc)"),
        ];
        let found = terms(&methods_and_seeds(&comparison), &[&runs[0]]);
        assert_eq!(found, expected.map(|(term, fact)| (term, fact.to_owned())));
        let said = |run: &Run| pretraining(run);
        runs[0].summary.as_mut().unwrap().steps = 4;
        let short = "4 steps, 0.4 of an epoch; of 2 epochs of 10 steps, 32 unlabeled and 32 \
                     labeled images per step";
        assert_eq!(said(&runs[0]), short);
        runs[0].max_steps = Some(4);
        assert!(said(&runs[0]).starts_with("4 steps, 0.4 of an epoch (train.max_steps); of 2"));
        runs[0].summary.as_mut().unwrap().stopped_early = true;
        assert!(said(&runs[0]).starts_with("4 steps, 0.4 of an epoch; stopped early, of 2 epochs"));
        runs[0].summary = None;
        runs[0].history.truncate(1);
        assert!(said(&runs[0]).starts_with("1 epoch, 10 steps so far; planned: 2 epochs of 10"));
    }
}
