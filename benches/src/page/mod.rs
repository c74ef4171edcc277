//! `docs/benchmarks.md`: a pure function of the numbers that `cargo xtask bench` gathers.

mod records;
mod targets;
#[cfg(test)]
mod tests;

use indicatif::{DecimalBytes, HumanCount};
use serde::Deserialize;
use serde_json::Value;

use records::Records;
use targets::fastest_level;

use crate::scaling::{KERNELS, LOADER, THROUGH_MEMORY};

/// How a number is written.
pub type Format = fn(f64) -> String;

/// A column of numbers: its head, the number of each row, and how it is written.
type Column<'a> = (&'a str, &'a dyn Fn(&str) -> Option<f64>, Format);

const TRIED: &str = "
Bounds in views a second are those of a prototype on one core of a Zen 5 processor (family 26).
What was tried for those that are not met:
[decisions.md](decisions.md#optimizations-that-were-tried).
";

const PYTHON: &str = "
## Loaders in Python

Batches of 64 images with the views above, taken as fast as they come, on all cores: time on the
wall, divided by the number of cores. `decoded` are the same center squares for all, in memory;
`files` are read and decoded each time. `twinview, Rust` is the loader without Python. The other
libraries run in PyTorch's `DataLoader` with one worker process for each core.
";

/// Renders `docs/benchmarks.md`. An error when the numbers are not those of a run.
pub fn render(numbers: &Value) -> anyhow::Result<String> {
    let records = &Records::deserialize(numbers)?;
    let machine = machine(numbers, records);
    let targets = targets::rows(records);
    let missed = targets.iter().any(|row| row[3].contains("not met"));
    let targets = table(&["target", "bound", "measured", "verdict"], &targets);
    let tried = if missed { TRIED } else { "" };
    let augmentation = augmentation(records);
    let (loader, memory) = (loader(records), memory(records));
    let (training, parts) = (training(records), parts_of_a_step(records));
    let growth = growth(records);
    let (photos, stores, python) = (photos(records), stores(records), python(records));
    let (all_reduce, ranks) = (all_reduce(records), ranks(records));
    let count = cell(records.median("photos", "packing", "twinview", "images"), grouped);
    let effort = |key: &str| numbers["effort"][key].to_string();
    let (rounds, secs) = (effort("rounds"), effort("secs"));
    let (batch, steps) = (effort("batch"), effort("steps"));
    Ok(format!(
        "# Benchmarks

`cargo xtask bench` wrote this page; nothing on it is typed by hand.

{machine}
## Targets

{targets}{tried}
## Augmentation

One core, 96 x 96 pixels from the same images. DINO's views are two of that size and four of 48 x 48
an image, and its times are means over the six. The ratio is a contender's time over that of the
kernels that this machine uses.
{augmentation}
## Loader

The seed's recipe, two views an image, on threads that only render, and through the channel to a
consumer that touches every cache line. \"Through memory\" are threads that only render, into as much
memory as the loader's batches have, and touch it once as the consumer does: what is left above that
is the loader's own.

{loader}{memory}
## Training step

The seed's SimCLR with its encoder, two views an image, on the CPU with each program's default
number of threads. `twinview` also trains the probe and computes its metrics in every step; the
PyTorch loops do not. Their memory is that of the main process without the two workers.

{training}
{parts}
## Several processes

An all-reduce of float32 between processes of this machine (Gloo), each with one thread; one process
has nobody to exchange with.

{all_reduce}
The seed's SimCLR in float32, by one process with two threads and by two with one each.

{ranks}
## Start-up and growth

`twinview data synth` renders a set; a program opens it and reads its first image;
`twinview pretrain` starts on it. Memory includes the pages of the mapped file that were read.

{growth}
## JPEG files

{count} files, once into the packed cache: read, decoded at 1/2 to 1/8 of the size where that is
enough, shorter side to 96 pixels, center cropped, written. Pillow does the same, OpenCV decodes all
of the image; both by libjpeg-turbo.

{photos}
## Whole images

The same files, two views an image by SimCLR's operations and crops of 8 % to 100 % of the area:
from center squares and from stored whole images of twice the size (`--store square`, `aspect`),
both decoded before, and from files that are read and decoded each time (`encoded`, and the other
libraries).
{stores}{python}
## How

- Contenders take turns, {rounds} rounds of them, memory and growth once. A number is the median of
  its rounds, the spread their range as a fraction of it.
- Augmentation and JPEG files are measured in processor time, {secs} seconds for each recipe and
  contender in each round. Within `twinview`'s turn its instruction sets take turns too. Other
  libraries get images in the form they like best (PIL images, tensors, batches of floats, arrays),
  and what they return counts as it is.
- A training step has {batch} images. {steps} steps are timed after as many others.
- The images are rendered (`twinview data synth`), the same for all; `--photos DIR` takes other JPEG
  files.
"
    ))
}

fn machine(numbers: &Value, records: &Records) -> String {
    let machine = &numbers["machine"];
    let text = |key: &str| match &machine[key] {
        Value::String(text) => text.clone(),
        Value::Null => "unknown".to_owned(),
        other => other.to_string(),
    };
    let (processor, family, model) = (text("processor"), text("family"), text("model"));
    let changed = if machine["changed"] == true { ", with changes" } else { "" };
    let features = machine["features"].as_array().into_iter().flatten();
    let features: Vec<&str> = features.filter_map(Value::as_str).collect();
    let software = records.software.iter().map(|(name, version)| format!("{name} {version}"));
    let software: Vec<String> = software.collect();
    let memory = cell(machine["memory_bytes"].as_f64(), bytes);
    let rows = [
        ("command", format!("`{}`", numbers["command"].as_str().unwrap_or_default())),
        ("date", text("date")),
        ("source revision", text("revision") + changed),
        ("processor", format!("{processor} (family {family}, model {model})")),
        ("instructions", features.join(", ")),
        ("cores, memory", format!("{}, {memory}", text("cores"))),
        ("system", text("kernel")),
        ("compiler", text("compiler")),
        ("load before and after", format!("{}, {}", text("load"), text("load_after"))),
        ("other libraries", software.join(", ")),
    ];
    let rows = rows.iter().filter(|(_, fact)| !fact.is_empty());
    let rows = rows.map(|(name, fact)| format!("| {name} | {fact} |\n"));
    format!("| | |\n| :-- | :-- |\n{}", rows.collect::<String>())
}

fn augmentation(records: &Records) -> String {
    let table = |recipe: &str| {
        let ns = |who: &str| records.median("augmentation", recipe, who, "ns a view");
        let own = fastest_level(records).and_then(ns);
        let columns: [Column<'_>; 4] = [
            ("ns a view", &ns, grouped),
            ("views a second", &|who| Some(1e9 / ns(who)?), grouped),
            ("spread", &|who| records.spread("augmentation", recipe, who, "ns a view"), percent),
            ("ratio", &|who| Some(ns(who)? / own?), times),
        ];
        format!("\n{}", columns_of(recipe, &records.contenders("augmentation", recipe), &columns))
    };
    records.subjects("augmentation").into_iter().map(table).collect()
}

fn loader(records: &Records) -> String {
    let get = |threads: &str, who, metric| records.median("loader", threads, who, metric);
    let rate = |threads: &str, who| get(threads, who, "views a second");
    let above = |threads: &str, who| Some(rate(threads, who)? / rate(threads, LOADER)? - 1.0);
    let columns: [Column<'_>; 6] = [
        ("kernels, views a second", &|threads| rate(threads, KERNELS), grouped),
        ("kernels through memory", &|threads| rate(threads, THROUGH_MEMORY), grouped),
        ("loader", &|threads| rate(threads, LOADER), grouped),
        ("the loader adds to the kernels", &|n| above(n, KERNELS), percent),
        ("to the kernels through memory", &|n| above(n, THROUGH_MEMORY), percent),
        ("loader, processor ns a view", &|n| get(n, LOADER, "ns a view"), grouped),
    ];
    columns_of("threads", &records.subjects("loader"), &columns)
}

fn memory(records: &Records) -> String {
    let line = |views: &str| {
        let get = |metric| records.median("memory", views, "loader", metric).map(bytes);
        let (first, last) = (get("bytes at first")?, get("bytes at last")?);
        let views = count(views);
        Some(format!(
            "\nResident memory after a tenth of {views} views: {first}; after all: {last}.\n"
        ))
    };
    records.subjects("memory").into_iter().filter_map(line).collect()
}

fn training(records: &Records) -> String {
    let get = |who: &str, metric| records.median("training", "step", who, metric);
    let rate = |who: &str| get(who, "images a second");
    let spread = |who: &str| records.spread("training", "step", who, "images a second");
    let columns: [Column<'_>; 5] = [
        ("images a second", &rate, short),
        ("spread", &spread, percent),
        ("times PyTorch's default", &|who| Some(rate(who)? / rate("PyTorch, default")?), times),
        ("waiting for views", &|who| get(who, "share of waiting"), percent),
        ("peak memory", &|who| get(who, "bytes"), bytes),
    ];
    columns_of("loop", &records.contenders("training", "step"), &columns)
}

fn parts_of_a_step(records: &Records) -> String {
    const PARTS: [&str; 6] = ["wait", "copy", "forward", "backward", "optimizer", "metrics"];
    let secs = |who: &str, part: &str| {
        records.median("training", "step", who, &format!("seconds: {part}"))
    };
    let whole = |who: &str| Some(PARTS.iter().filter_map(|part| secs(who, part)).sum());
    let shares = PARTS.map(|part| move |who: &str| Some(secs(who, part)? / whole(who)?));
    let mut columns: Vec<Column<'_>> = vec![("seconds", &whole, seconds)];
    for (part, share) in PARTS.iter().zip(&shares) {
        columns.push((part, share, percent));
    }
    let mut contenders = records.contenders("training", "step");
    contenders.retain(|who| secs(who, "forward").is_some());
    columns_of("a step of", &contenders, &columns)
}

fn growth(records: &Records) -> String {
    let get = |images: &str, metric| records.median("growth", images, "twinview", metric);
    let first_step = "start to the end of the first training step";
    let columns: [Column<'_>; 6] = [
        ("file", &|images| get(images, "bytes of the file"), bytes),
        ("rendering it", &|images| get(images, "seconds to render"), seconds),
        ("opening it", &|images| get(images, "seconds to open"), milliseconds),
        ("peak memory then", &|images| get(images, "bytes to open"), bytes),
        (first_step, &|images| get(images, "seconds to the first step"), seconds),
        ("peak memory of two steps", &|images| get(images, "bytes to train"), bytes),
    ];
    columns_of("images", &records.subjects("growth"), &columns)
}

fn all_reduce(records: &Records) -> String {
    let time = |size: &str, ranks| records.median("all-reduce", size, ranks, "seconds");
    let spread = |size: &str| records.spread("all-reduce", size, "2", "seconds");
    let rate = |size: &str| {
        let megabytes: f64 = size.strip_suffix(" MB")?.parse().ok()?;
        Some(1e6 * megabytes / time(size, "2")?)
    };
    let columns: [Column<'_>; 4] = [
        ("one process", &|size| time(size, "1"), nanoseconds),
        ("two processes", &|size| time(size, "2"), milliseconds),
        ("spread", &spread, percent),
        ("bytes a second", &rate, bytes),
    ];
    columns_of("all-reduce", &records.subjects("all-reduce"), &columns)
}

fn ranks(records: &Records) -> String {
    let metric = "images a second";
    let rate = |encoder: &str, ranks| records.median("ranks", encoder, ranks, metric);
    let columns: [Column<'_>; 4] = [
        ("one process, images a second", &|encoder| rate(encoder, "1"), short),
        ("two processes, images a second", &|encoder| rate(encoder, "2"), short),
        ("spread", &|encoder| records.spread("ranks", encoder, "2", metric), percent),
        ("two, times one", &|encoder| Some(rate(encoder, "2")? / rate(encoder, "1")?), times),
    ];
    columns_of("encoder", &records.subjects("ranks"), &columns)
}

fn photos(records: &Records) -> String {
    let metric = "images a processor second";
    let rate = |who: &str| records.median("photos", "packing", who, metric);
    let columns: [Column<'_>; 3] = [
        (metric, &rate, short),
        ("spread", &|who| records.spread("photos", "packing", who, metric), percent),
        ("twinview is faster by", &|who| Some(rate("twinview")? / rate(who)?), times),
    ];
    columns_of("", &records.contenders("photos", "packing"), &columns)
}

fn stores(records: &Records) -> String {
    let metric = "ns a view";
    let sides = records.subjects("stores").into_iter().map(|side| {
        let time = |who: &str| records.median("stores", side, who, metric);
        let columns: [Column<'_>; 4] = [
            (metric, &time, grouped),
            ("views a second", &|who| Some(1e9 / time(who)?), grouped),
            ("spread", &|who| records.spread("stores", side, who, metric), percent),
            ("ratio to encoded", &|who| Some(time(who)? / time("encoded")?), times),
        ];
        let names = records.contenders("stores", side);
        format!("\n{}", columns_of(&format!("{side} x {side} pixels"), &names, &columns))
    });
    sides.collect()
}

/// Empty where no loader in Python was measured.
fn python(records: &Records) -> String {
    const SOURCES: [&str; 2] = ["decoded", "files"];
    let sides = records.subjects("python").into_iter().map(|side| {
        let metrics = SOURCES.map(|source| format!("{source}: views a second a core"));
        let rates = metrics
            .each_ref()
            .map(|metric| move |who: &str| records.median("python", side, who, metric));
        let spreads = metrics
            .each_ref()
            .map(|metric| move |who: &str| records.spread("python", side, who, metric));
        let factors = rates
            .each_ref()
            .map(|rate| move |who: &str| Some(rate("twinview, Python")? / rate(who)?));
        let mut columns: Vec<Column<'_>> = Vec::new();
        for source in 0..SOURCES.len() {
            columns.push((&metrics[source], &rates[source], grouped));
            columns.push(("spread", &spreads[source], percent));
            columns.push(("twinview, Python, is faster by", &factors[source], times));
        }
        let names = records.contenders("python", side);
        format!("\n{}", columns_of(&format!("{side} x {side} pixels"), &names, &columns))
    });
    let sides: String = sides.collect();
    match sides.is_empty() {
        true => sides,
        false => format!("{PYTHON}{sides}"),
    }
}

/// A table with a row for each name and these columns of numbers.
fn columns_of(first: &str, names: &[&str], columns: &[Column<'_>]) -> String {
    let head: Vec<&str> =
        [first].into_iter().chain(columns.iter().map(|column| column.0)).collect();
    let row = |name: &&str| {
        let cells = columns.iter().map(|(_, number, format)| cell(number(name), format));
        [count(name)].into_iter().chain(cells).collect()
    };
    table(&head, &names.iter().map(row).collect::<Vec<_>>())
}

/// A table in Markdown: the first column is text, the others are numbers.
fn table(head: &[&str], rows: &[Vec<String>]) -> String {
    let rows = rows.iter().map(|row| format!("| {} |\n", row.join(" | ")));
    let rule = " --: |".repeat(head.len() - 1);
    format!("| {} |\n| :-- |{rule}\n{}", head.join(" | "), rows.collect::<String>())
}

/// Empty where nothing was measured.
fn cell(value: Option<f64>, format: impl Fn(f64) -> String) -> String {
    value.map_or_else(String::new, format)
}

/// A name, grouped where it is a number.
fn count(name: &str) -> String {
    name.parse().map_or_else(|_| name.to_owned(), grouped)
}

/// A number with about three significant digits: `12,345`, `12.3`, `0.0123`.
pub fn short(value: f64) -> String {
    match value.abs() {
        size if size >= 100.0 => grouped(value),
        size if size >= 10.0 => format!("{value:.1}"),
        size if size >= 1.0 => format!("{value:.2}"),
        size if size >= 0.1 => format!("{value:.3}"),
        0.0 => "0".to_owned(),
        _ => format!("{value:.4}"),
    }
}

/// A whole number with a comma between thousands.
fn grouped(value: f64) -> String {
    let sign = if value < 0.0 { "-" } else { "" };
    format!("{sign}{}", HumanCount(value.abs().round() as u64))
}

pub fn percent(fraction: f64) -> String {
    format!("{} %", short(100.0 * fraction))
}

pub fn times(ratio: f64) -> String {
    format!("{} x", short(ratio))
}

fn bytes(count: f64) -> String {
    DecimalBytes(count as u64).to_string()
}

fn seconds(secs: f64) -> String {
    format!("{} s", short(secs))
}

fn nanoseconds(secs: f64) -> String {
    format!("{} ns", short(1e9 * secs))
}

fn milliseconds(secs: f64) -> String {
    format!("{} ms", short(1e3 * secs))
}
