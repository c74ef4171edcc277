//! The top of a page: what was run, on what, when, and what to know before reading on.

use crate::date::day;
use crate::markup::escape;
use crate::{Comparison, Run};

/// The title: which methods, or how many.
pub fn title(comparison: &Comparison) -> String {
    match &comparison.rows[..] {
        [one] => one.method.clone(),
        [a, b] => format!("{} and {} compared", a.method, b.method),
        rows => format!("{} methods compared", rows.len()),
    }
}

/// The paragraph, the command and the notes.
pub fn html(comparison: &Comparison, runs: &[Run]) -> String {
    let all: Vec<&Run> = runs.iter().collect();
    format!(
        "{}<p>To repeat it, with the settings listed below:</p>\n<pre><code>{}</code></pre>\n{}",
        lead(&paragraph(&head(comparison), &all)),
        escape(&command(comparison, runs)),
        notes(&comparison.notes)
    )
}

/// The first paragraph of a page.
pub fn lead(text: &str) -> String {
    format!("<p class=\"lead\">{}</p>\n", escape(text))
}

/// What a reader should know, as a list; nothing for nothing.
pub fn notes(notes: &[String]) -> String {
    if notes.is_empty() {
        return String::new();
    }
    let items: String = notes.iter().map(|note| format!("<li>{}</li>\n", escape(note))).collect();
    format!("<ul class=\"notes\" aria-label=\"Notes\">\n{items}</ul>\n")
}

/// How many methods and seeds were run.
fn head(comparison: &Comparison) -> String {
    let methods = count(comparison.rows.len(), "method");
    let seeds = comparison.rows.iter().map(|row| row.seeds.len());
    let (least, most) = (seeds.clone().min().unwrap_or(0), seeds.max().unwrap_or(0));
    let seeds =
        if least == most { count(most, "seed") } else { format!("{least} to {most} seeds") };
    let each = if comparison.rows.len() > 1 { " each" } else { "" };
    format!("{methods} with {seeds}{each}")
}

/// What `head` names, and how: for how long, on which data, on which machine, with which version.
pub fn paragraph(head: &str, runs: &[&Run]) -> String {
    let epochs = each_once(runs, |run| {
        let epochs = count(run.epochs as usize, "epoch");
        let batch = run.batch;
        let labeled = match batch.labeled {
            0 => String::new(),
            labeled => format!(" without and {labeled} with labels"),
        };
        let steps = count(batch.steps_per_epoch as usize, "step");
        format!("{epochs} of {steps}, each on {} images{labeled}", batch.unlabeled)
    });
    let data = each_once(runs, |run| {
        let data = &run.data;
        let [unlabeled, train, test] = data.images.map(thousands);
        let kind = if data.path.is_some() {
            format!("{} ({})", data.name(), data.kind)
        } else {
            data.kind.clone()
        };
        format!(
            "{kind}: {unlabeled} images to pretrain on, {train} labeled and {test} test images of {1} × {1} pixels in \
             {0} classes, fingerprint {2}",
            data.class_names.len(),
            data.image_size,
            data.fingerprint.chars().take(8).collect::<String>(),
        )
    });
    let machine = each_once(runs, |run| {
        let threads = run.threads[0];
        format!("{} in {} with {}", run.device, run.precision, count(threads, "libtorch thread"))
    });
    let version = each_once(runs, |run| {
        format!("{} (revision {})", run.version, run.revision.chars().take(8).collect::<String>())
    });
    format!(
        "{head}, pretrained without labels for {epochs}. Data: {data}. Machine: {machine}.{} \
         Twinview {version}.",
        when(runs)
    )
}

/// What `say` says of every run, each thing once.
fn each_once(runs: &[&Run], say: impl Fn(&Run) -> String) -> String {
    let mut said: Vec<String> = Vec::new();
    for run in runs {
        let text = say(run);
        if !said.contains(&text) {
            said.push(text);
        }
    }
    said.join("; or ")
}

fn when(runs: &[&Run]) -> String {
    let days = runs.iter().filter_map(|run| run.started);
    match (days.clone().min().map(day), days.max().map(day)) {
        (Some(first), Some(last)) if first == last => format!(" Started on {first} (UTC)."),
        (Some(first), Some(last)) => format!(" Started from {first} to {last} (UTC)."),
        _ => String::new(),
    }
}

/// A command that makes such a comparison. Of an absolute path only the last part is told: where
/// the data lies on the machine is nobody else's business.
fn command(comparison: &Comparison, runs: &[Run]) -> String {
    let methods: Vec<&str> = comparison.rows.iter().map(|row| row.method.as_str()).collect();
    let seeds = comparison.rows.iter().map(|row| row.seeds.len()).max();
    let data = runs.iter().find_map(|run| run.data.path.as_ref());
    let data = data.map_or(String::new(), |path| {
        let name = match path.file_name().filter(|_| path.is_absolute()) {
            Some(name) => name.to_string_lossy(),
            None => path.to_string_lossy(),
        };
        format!(" --data {name}")
    });
    let epochs = runs.iter().map(|run| run.epochs).max();
    format!(
        "twinview compare --methods {} --seeds {}{data} --epochs {} --out OUT",
        methods.join(","),
        seeds.unwrap_or(1),
        epochs.unwrap_or(1)
    )
}

/// A number of things.
pub fn count(number: usize, noun: &str) -> String {
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
    use std::path::PathBuf;

    use super::*;
    use crate::sample;

    #[test]
    fn numbers_are_grouped() {
        assert_eq!(
            [0, 999, 1000, 9469, 1_234_567].map(thousands),
            ["0", "999", "1,000", "9,469", "1,234,567"]
        );
    }

    #[test]
    fn the_paragraph_says_what_was_run() {
        let folder = tempfile::tempdir().unwrap();
        let path = sample::finished(folder.path(), "simclr", 0, &[0.2, 0.3]);
        let mut runs = vec![Run::read(&path).unwrap()];
        runs[0].started = Some(0);
        let comparison = Comparison::of(&runs);
        assert_eq!(
            paragraph(&head(&comparison), &[&runs[0]]),
            "1 method with 1 seed, pretrained without labels for 2 epochs of 10 steps, each on 32 images without and 32 \
             with labels. Data: photos (image folder): 1,000 images to pretrain on, 900 labeled and 200 test images \
             of 96 × 96 pixels in 2 classes, fingerprint f00. Machine: cpu in bf16 with 2 libtorch threads. \
             Started on 1970-01-01 (UTC). Twinview 0.1.0 (revision abc)."
        );
        assert_eq!(
            command(&comparison, &runs),
            "twinview compare --methods simclr --seeds 1 --data data/photos --epochs 2 --out OUT"
        );
        runs[0].data.path = Some(PathBuf::from("/srv/photos"));
        assert!(command(&comparison, &runs).contains("--data photos "));
    }
}
