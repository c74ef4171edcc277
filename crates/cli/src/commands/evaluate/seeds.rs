//! Runs that differ in their random seed: a row per run, mean and standard deviation.

use std::fmt::Write;

use eval::{ProtocolResult, TrainingProgress};
use report::MeanStd;
use serde_json::{Map, Value, json};

use crate::app::failure::Failure;
use crate::app::run_on_data::RunOnData;
use crate::commands::evaluate::measurement::RunScores;

/// Rejects runs that differ in more than the seed, share a seed, or use different data sets.
pub fn check(runs: &[RunOnData]) -> Result<(), Failure> {
    let Some((first, others)) = runs.split_first() else {
        return Ok(());
    };
    for (index, other) in (1..).zip(others) {
        let (here, there) = (first.run.display(), other.run.display());
        let (record, of_other) = (&first.frozen.record, &other.frozen.record);
        if let Some((key, expected, found)) = trainer::first_mismatch(record, of_other) {
            return Err(Failure::usage(format!(
                "{there}: expected a run that differs from {here} in its seed only, found {key} {found}, not {expected}"
            )));
        }
        let seed = of_other.config.seed;
        let same = |before: &&RunOnData| before.frozen.record.config.seed == seed;
        if let Some(before) = runs[..index].iter().find(same) {
            return Err(Failure::usage(format!(
                "{there}: expected a run with a seed of its own, found seed {seed} as in {}",
                before.run.display()
            )));
        }
        if other.set.fingerprint() != first.set.fingerprint() {
            return Err(Failure::usage(format!(
                "{there}: expected the set that {here} is measured on, found another one"
            )));
        }
        if other.frozen.trained != first.frozen.trained {
            let TrainingProgress { epoch, step } = other.frozen.trained;
            tracing::warn!("{there} is measured after epoch {epoch}, step {step}, unlike {here}");
        }
    }
    Ok(())
}

/// The results of the first run; all runs have the same protocols and numbers of labels.
fn results(runs: &[RunScores]) -> &[ProtocolResult] {
    runs.first().map(|run| run.results.as_slice()).unwrap_or_default()
}

/// Mean and sample standard deviation of `number` over the runs, by protocol.
fn spread(runs: &[RunScores], number: impl Fn(&ProtocolResult) -> f64) -> [Map<String, Value>; 2] {
    let mut spreads = [Map::new(), Map::new()];
    for (index, result) in results(runs).iter().enumerate() {
        let numbers = runs.iter().map(|run| Some(number(&run.results[index])));
        let found = MeanStd::of(numbers);
        let parts = [found.map(|spread| spread.mean), found.and_then(|spread| spread.std)];
        for (map, part) in spreads.iter_mut().zip(parts) {
            map.insert(result.name().to_owned(), json!(part));
        }
    }
    spreads
}

/// All runs with mean and standard deviation, as JSON.
pub fn document(runs: &[RunScores]) -> Value {
    let [mean, std] = spread(runs, |result| result.report.accuracy());
    let documents: Vec<_> = runs.iter().map(|run| &run.record).collect();
    let mut document = json!({"runs": documents, "mean": mean, "std": std});
    if runs.iter().all(|run| !run.initial.is_empty()) {
        let initial = |name: &str, part: fn(MeanStd) -> Option<f64>| {
            let found = MeanStd::of(runs.iter().map(|run| run.initial.of(name)));
            (name.to_owned(), json!(found.and_then(part)))
        };
        let map = |part: fn(MeanStd) -> Option<f64>| -> Map<_, _> {
            results(runs).iter().map(|result| initial(result.name(), part)).collect()
        };
        document["initial"] =
            json!({"mean": map(|found| Some(found.mean)), "std": map(|found| found.std)});
    }
    let numbers = sizes(runs);
    if !numbers.is_empty() {
        let of_size = |(index, labels): (usize, &usize)| {
            let [mean, std] = spread(runs, |result| result.few_labels[index].subsets.mean);
            json!({"labels_per_class": labels, "mean": mean, "std": std})
        };
        document["few_labels"] = numbers.iter().enumerate().map(of_size).collect();
    }
    document
}

/// The numbers of labels per class.
fn sizes(runs: &[RunScores]) -> Vec<usize> {
    let few = results(runs).iter().take(1).flat_map(|result| &result.few_labels);
    few.map(|few| few.labels_per_class).collect()
}

/// A column of the table: its heading, a value per run, and what it was before training.
struct Column {
    name: String,
    shares: Vec<f64>,
    initial: Vec<Option<f64>>,
}

/// A column per protocol and number of labels.
fn columns(runs: &[RunScores]) -> Vec<Column> {
    let sizes = sizes(runs);
    let mut columns = Vec::new();
    let mut push = |name: String, initial: &[Option<f64>], number: &dyn Fn(&RunScores) -> f64| {
        let shares = runs.iter().map(number).collect();
        columns.push(Column { name, shares, initial: initial.to_vec() });
    };
    for (index, result) in results(runs).iter().enumerate() {
        let name = result.name();
        let initial: Vec<Option<f64>> = runs.iter().map(|run| run.initial.of(name)).collect();
        push(name.to_owned(), &initial, &|run| run.results[index].report.accuracy());
        for (size, labels) in sizes.iter().enumerate() {
            let name = format!("{name}, {labels} per class");
            push(name, &[], &|run| run.results[index].few_labels[size].subsets.mean);
        }
    }
    columns
}

/// A row per run, then mean and standard deviation.
pub fn text(runs: &[RunScores]) -> String {
    let columns = columns(runs);
    let names: Vec<String> = runs.iter().map(|run| run.run.display().to_string()).collect();
    let longest = names.iter().map(|name| name.chars().count()).max();
    let width = longest.unwrap_or(0).max("mean ± std".chars().count());
    let row = |start: [String; 3], cells: Vec<String>| {
        let [run, seed, epoch] = start;
        let mut row = format!("{run:<width$}  {seed:>4}  {epoch:>5}");
        for (cell, column) in cells.iter().zip(&columns) {
            let width = column.name.chars().count().max("00.00 ± 00.00".chars().count());
            let _ = write!(row, "  {cell:>width$}");
        }
        row + "\n"
    };
    let cells =
        |cell: &dyn Fn(&Column) -> String| -> Vec<String> { columns.iter().map(cell).collect() };
    let heading = ["run", "seed", "epoch"].map(str::to_owned);
    let mut text = row(heading, cells(&|column| column.name.clone()));
    for (index, (run, name)) in runs.iter().zip(&names).enumerate() {
        let start = [name.clone(), run.seed.to_string(), run.trained.epoch.to_string()];
        text += &row(start, cells(&|column| format!("{:.2}", 100.0 * column.shares[index])));
    }
    let spread = |shares: &mut dyn Iterator<Item = Option<f64>>| {
        let found = MeanStd::of(shares.map(|share| Some(100.0 * share?)));
        found.map_or(String::new(), |found| {
            format!("{:.2} ± {:.2}", found.mean, found.std.unwrap_or(0.0))
        })
    };
    let last = |name: &str| [name, "", ""].map(str::to_owned);
    let over_runs = |column: &Column| spread(&mut column.shares.iter().copied().map(Some));
    text += &row(last("mean ± std"), cells(&over_runs));
    if runs.iter().any(|run| !run.initial.is_empty()) {
        let before = |column: &Column| spread(&mut column.initial.iter().copied());
        text += &row(last("untrained"), cells(&before));
    }
    text + &about(runs)
}

/// What the numbers are of.
fn about(runs: &[RunScores]) -> String {
    let Some(first) = runs.first() else {
        return String::new();
    };
    let of = match first.by_folds() {
        true => "over folds of the labeled images, as there is no labeled test split,",
        false => "on the test split",
    };
    let chance = first.results.first().map_or(0.0, |result| result.report.test().chance);
    format!(
        "accuracy {of} in percent, chance {:.2}; ± is the sample standard deviation over the runs\n",
        100.0 * chance
    )
}
