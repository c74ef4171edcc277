//! The page: a pure function of the numbers.

use serde_json::Value;

use super::records::Records;
use super::tables::{bytes, cell, facts, grouped, percent, short, table, times};
use super::targets::{fastest_level, targets};

/// Follows targets of which one is missed.
const TRIED: &str = "\nWhat was tried for those that are not met: [ARCHITECTURE.md](../ARCHITECTURE.md#what-was-tried-for-speed).\n";

/// Renders `docs/benchmarks.md` of what a run measured.
///
/// # Errors
/// When the numbers are not those of a run.
pub fn render(numbers: &Value) -> anyhow::Result<String> {
    let records = &Records::from_json(numbers)?;
    let sections = [
        head(numbers, records),
        held_to(records),
        augmentation(records),
        loader(records),
        training(records),
        growth(records),
        photos(records),
        method(numbers),
    ];
    Ok(sections.join("\n"))
}

fn head(numbers: &Value, records: &Records) -> String {
    let machine = &numbers["machine"];
    let text = |key: &str| match &machine[key] {
        Value::String(text) => text.clone(),
        Value::Null => "unknown".to_owned(),
        other => other.to_string(),
    };
    let features = machine["features"].as_array();
    let features = features.into_iter().flatten().filter_map(Value::as_str);
    let software: Vec<String> =
        records.software().map(|(name, version)| format!("{name} {version}")).collect();
    let changed = if machine["changed"] == true { ", with changes" } else { "" };
    let mut rows = vec![
        ("command", format!("`{}`", numbers["command"].as_str().unwrap_or_default())),
        ("date", text("date")),
        ("source revision", text("revision") + changed),
        (
            "processor",
            format!("{} (family {}, model {})", text("processor"), text("family"), text("model")),
        ),
        ("instructions", features.collect::<Vec<_>>().join(", ")),
        (
            "cores, memory",
            format!("{}, {}", text("cores"), cell(machine["memory_bytes"].as_f64(), bytes)),
        ),
        ("system", text("kernel")),
        ("compiler", text("compiler")),
        ("load before and after", format!("{}, {}", text("load_before"), text("load_after"))),
    ];
    if !software.is_empty() {
        rows.push(("other libraries", software.join(", ")));
    }
    format!(
        "# Benchmarks\n\n`cargo xtask bench` wrote this page from what it measured; nothing on it is typed by hand.\n\n{}",
        facts(&rows)
    )
}

fn held_to(records: &Records) -> String {
    let rows: Vec<_> = targets(records).iter().map(|target| target.row()).collect();
    let head = ["target", "bound", "measured", "verdict"];
    let missed = rows.iter().any(|row| row[3].contains("not met"));
    let tried = if missed { TRIED } else { "" };
    format!("## Targets\n\n{}{tried}", table(&head, &rows))
}

fn augmentation(records: &Records) -> String {
    let mut text = "## Augmentation\n\nOne core, 96 x 96 pixels from the same images; DINO's views are two of that size and four of 48 x 48 \
                    an image, and its times are means over the six. The last column is how many times longer a contender takes \
                    than the kernels that this machine uses.\n"
        .to_owned();
    for recipe in records.subjects("augmentation") {
        let time = |who: &str| records.median("augmentation", recipe, who, "ns a view");
        let own = fastest_level(records).and_then(time);
        let row = |who: &&str| {
            let spread = records.spread("augmentation", recipe, who, "ns a view");
            vec![
                (*who).to_owned(),
                cell(time(who), grouped),
                cell(time(who), |ns| grouped(1e9 / ns)),
                cell(spread, percent),
                cell(time(who), |ns| cell(own, |own| times(ns / own))),
            ]
        };
        let rows: Vec<_> = records.contenders("augmentation", recipe).iter().map(row).collect();
        let head = [recipe, "ns a view", "views a second", "spread", "ratio"];
        text += &format!("\n{}", table(&head, &rows));
    }
    text
}

fn loader(records: &Records) -> String {
    let rows: Vec<_> = records
        .subjects("loader")
        .into_iter()
        .map(|threads| {
            let get = |who, metric| records.median("loader", threads, who, metric);
            let (bare, loader) =
                (get("kernels", "views a second"), get("loader", "views a second"));
            let added = bare.zip(loader).map(|(bare, loader)| bare / loader - 1.0);
            vec![
                threads.to_owned(),
                cell(bare, grouped),
                cell(loader, grouped),
                cell(added, percent),
                cell(get("kernels", "ns a view"), grouped),
                cell(get("loader", "ns a view"), grouped),
            ]
        })
        .collect();
    let head = [
        "threads",
        "kernels, views a second",
        "loader, views a second",
        "the loader adds",
        "kernels, processor ns a view",
        "loader, processor ns a view",
    ];
    let mut text = format!(
        "## Loader\n\nThe seed's recipe, two views an image, on threads that only render, and through the channel to a consumer \
         that touches every cache line.\n\n{}",
        table(&head, &rows)
    );
    for views in records.subjects("memory") {
        let get = |metric| records.median("memory", views, "loader", metric);
        let (first, last) = (get("bytes at first"), get("bytes at last"));
        if let Some((first, last)) = first.zip(last) {
            let views = views.parse().map_or_else(|_| views.to_owned(), grouped);
            text += &format!(
                "\nResident memory after a tenth of {views} views: {}; after all of them: {}.\n",
                bytes(first),
                bytes(last)
            );
        }
    }
    text
}

/// Parts of a step, in its order.
const PARTS: [&str; 6] = ["wait", "copy", "forward", "backward", "optimizer", "metrics"];

fn training(records: &Records) -> String {
    let contenders = records.contenders("training", "step");
    let get = |who: &str, metric: &str| records.median("training", "step", who, metric);
    let base = get("PyTorch, default", "images a second");
    let row = |who: &&str| {
        let rate = get(who, "images a second");
        vec![
            (*who).to_owned(),
            cell(rate, short),
            cell(records.spread("training", "step", who, "images a second"), percent),
            cell(rate.zip(base).map(|(rate, base)| rate / base), times),
            cell(get(who, "share of waiting"), percent),
            cell(get(who, "bytes"), bytes),
        ]
    };
    let rows: Vec<_> = contenders.iter().map(row).collect();
    let head = [
        "loop",
        "images a second",
        "spread",
        "times PyTorch's default",
        "waiting for views",
        "peak memory",
    ];
    let mut text = format!(
        "## Training step\n\nThe seed's SimCLR with its encoder, two views an image, on the CPU with as many threads as each takes by \
         default. `twinview` also trains the probe and takes its measures in every step; the PyTorch loops do not. Their \
         memory is that of the main process without the two workers.\n\n{}",
        table(&head, &rows)
    );
    let rows: Vec<_> = contenders
        .iter()
        .filter(|who| get(who, "seconds: forward").is_some())
        .map(|who| {
            let secs = PARTS.map(|part| get(who, &format!("seconds: {part}")));
            let whole: f64 = secs.iter().flatten().sum();
            let mut row = vec![(*who).to_owned(), format!("{} s", short(whole))];
            row.extend(secs.map(|secs| cell(secs, |secs| percent(secs / whole))));
            row
        })
        .collect();
    let head = [&["a step of", "seconds"], &PARTS[..]].concat();
    text += &format!("\n{}", table(&head, &rows));
    text
}

fn growth(records: &Records) -> String {
    let rows: Vec<_> = records
        .subjects("growth")
        .into_iter()
        .map(|images| {
            let get = |metric| records.median("growth", images, "twinview", metric);
            let secs = |metric| cell(get(metric), |secs| format!("{} s", short(secs)));
            vec![
                images.parse().map_or_else(|_| images.to_owned(), grouped),
                cell(get("bytes of the file"), bytes),
                secs("seconds to render"),
                cell(get("seconds to open"), |secs| format!("{} ms", short(1e3 * secs))),
                cell(get("bytes to open"), bytes),
                secs("seconds to the first step"),
                cell(get("bytes to train"), bytes),
            ]
        })
        .collect();
    let head = [
        "images",
        "file",
        "rendering it",
        "opening it",
        "peak memory then",
        "start to the end of the first training step",
        "peak memory of two steps",
    ];
    format!(
        "## Start-up and growth\n\n`twinview data synth` renders a set; a program opens it and reads its first image; `twinview pretrain` \
         starts on it. Memory includes the pages of the mapped file that were read.\n\n{}",
        table(&head, &rows)
    )
}

fn photos(records: &Records) -> String {
    let get = |who: &str, metric: &str| records.median("photos", "packing", who, metric);
    let own = get("twinview", "images a processor second");
    let rows: Vec<_> = records
        .contenders("photos", "packing")
        .iter()
        .map(|who| {
            let rate = get(who, "images a processor second");
            let ratio = own.zip(rate).map(|(own, rate)| own / rate);
            let spread = records.spread("photos", "packing", who, "images a processor second");
            vec![(*who).to_owned(), cell(rate, short), cell(spread, percent), cell(ratio, times)]
        })
        .collect();
    let count = cell(get("twinview", "images"), grouped);
    let head = ["", "images a processor second", "spread", "twinview is faster by"];
    format!(
        "## JPEG files\n\n{count} files, once into the packed cache: read, decoded, shorter side to 96 pixels, center cropped, \
         written. Pillow and OpenCV decode with libjpeg-turbo.\n\n{}",
        table(&head, &rows)
    )
}

fn method(numbers: &Value) -> String {
    let effort = |key: &str| numbers["effort"][key].to_string();
    format!(
        "## How\n\n\
         - Contenders take turns, {} rounds of them, memory and growth once; a number is the median of its rounds, the spread is the distance of the \
         largest from the least of them.\n\
         - Augmentation and JPEG files are measured in processor time, {} seconds for each recipe and contender in each round; \
         within `twinview`'s turn its levels take turns too. Other libraries get images in the form they like best \
         (PIL images, tensors, batches of floats, arrays), and what they return counts as it is.\n\
         - A training step has {} images. {} steps are timed after as many others.\n\
         - The images are rendered (`twinview data synth`), the same for all; `--photos DIR` takes other JPEG files.\n",
        effort("rounds"),
        effort("secs"),
        effort("batch"),
        effort("steps"),
    )
}

#[cfg(test)]
#[path = "page_tests.rs"]
mod tests;
