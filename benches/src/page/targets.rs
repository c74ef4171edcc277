//! The bounds that the numbers are held to.

use super::records::Records;
use super::{Format, percent, short, times};

/// A bound and the measured number; none where a contender was missing.
struct Target {
    what: String,
    found: Option<f64>,
    format: Format,
    bound: Bound,
}

#[derive(Clone, Copy)]
enum Bound {
    AtLeast(f64),
    AtMost(f64),
}

impl Target {
    /// The cells of its row: what, bound, measured, verdict.
    fn row(&self) -> Vec<String> {
        let (word, bound) = match self.bound {
            Bound::AtLeast(bound) => ("at least", bound),
            Bound::AtMost(bound) => ("at most", bound),
        };
        let wanted = format!("{word} {}", (self.format)(bound));
        let Some(found) = self.found else {
            return vec![self.what.clone(), wanted, String::new(), "not measured".to_owned()];
        };
        let met = match self.bound {
            Bound::AtLeast(bound) => found >= bound,
            Bound::AtMost(bound) => found <= bound,
        };
        let met = if met { "met" } else { "**not met**" };
        let distance = percent(((found - bound) / bound).abs());
        let side = if found >= bound { "above" } else { "below" };
        vec![self.what.clone(), wanted, (self.format)(found), format!("{met}, {distance} {side}")]
    }
}

/// The rows of all targets that apply to this machine.
pub fn rows(records: &Records) -> Vec<Vec<String>> {
    targets(records).iter().map(Target::row).collect()
}

fn targets(records: &Records) -> Vec<Target> {
    use Bound::{AtLeast, AtMost};
    let mut targets = Vec::new();
    let mut add = |what: String, bound, format: Format, found: Option<f64>| {
        targets.push(Target { what, found, format, bound });
    };
    let ratio = |above: Option<f64>, below: Option<f64>| Some(above? / below?);

    let view = |recipe: &str, who: &str| records.median("augmentation", recipe, who, "ns a view");
    let level = fastest_level(records);
    for (recipe, who, bound) in [
        ("seed", "AVX-512", 100_000.0),
        ("SimCLR", "AVX-512", 80_000.0),
        ("seed", "AVX2", 70_000.0),
        ("SimCLR", "AVX2", 55_000.0),
    ] {
        if let Some(ns) = view(recipe, who) {
            let what = format!("{recipe} recipe, {who}, views a second on one core");
            add(what, AtLeast(bound), short, Some(1e9 / ns));
        }
    }
    for recipe in ["seed", "SimCLR"] {
        for (library, bound) in [("torchvision", 50.0), ("albumentations", 10.0)] {
            let peers = records.contenders("augmentation", recipe).into_iter();
            let peers = peers.filter(|name| name.starts_with(library));
            let fastest = peers.filter_map(|name| view(recipe, name)).min_by(f64::total_cmp);
            let own = level.and_then(|level| view(recipe, level));
            let what = format!("{recipe} recipe, times {library}");
            add(what, AtLeast(bound), times, ratio(fastest, own));
        }
    }

    let rate = |threads: &str, who: &str| records.median("loader", threads, who, "views a second");
    let two_cores = ratio(rate("2", "kernels"), rate("1", "kernels"));
    add("kernels on two cores, times one".to_owned(), AtLeast(1.9), times, two_cores);

    let photos = |who: &str| records.median("photos", "packing", who, "images a processor second");
    for peer in ["Pillow, the same work", "OpenCV, decoding only"] {
        let what = format!("JPEG into the packed cache, times {peer} (libjpeg-turbo)");
        add(what, AtLeast(0.8), times, ratio(photos("twinview"), photos(peer)));
    }

    let fastest = |contenders: &[&str]| {
        let rate = |name: &&str| records.median("training", "step", name, "images a second");
        contenders.iter().filter_map(rate).max_by(f64::total_cmp)
    };
    let own = fastest(&["twinview, f32", "twinview, bf16"]);
    let tuned = ["PyTorch, channels_last", "PyTorch, channels_last, bf16"];
    for (what, bound, peers) in [
        ("PyTorch's default", 3.0, &["PyTorch, default"][..]),
        ("the fastest tuned PyTorch loop", 1.0, &tuned),
    ] {
        let what = format!("fastest training step, times {what}");
        add(what, AtLeast(bound), times, ratio(own, fastest(peers)));
    }

    for threads in records.subjects("loader") {
        let what = format!("what the loader adds to the kernels, worker threads: {threads}");
        let cost = ratio(rate(threads, "kernels"), rate(threads, "loader"));
        add(what, AtMost(0.05), percent, cost.map(|times| times - 1.0));
    }
    for views in records.subjects("memory") {
        let memory = |metric| records.median("memory", views, "loader", metric);
        let growth = ratio(memory("bytes at last"), memory("bytes at first"));
        let what = format!("growth of the loader's memory over {views} views");
        add(what, AtMost(0.01), percent, growth.map(|times| times - 1.0));
    }
    for precision in ["f32", "bf16"] {
        let who = format!("twinview, {precision}");
        let waiting = records.median("training", "step", &who, "share of waiting");
        if waiting.is_some() {
            let what = format!("waiting for views in training, {precision}");
            add(what, AtMost(0.01), percent, waiting);
        }
    }
    targets
}

/// The level that the program uses on this machine.
pub fn fastest_level(records: &Records) -> Option<&'static str> {
    let measured = records.contenders("augmentation", "seed");
    ["AVX-512", "AVX2", "portable"].into_iter().find(|level| measured.contains(level))
}
