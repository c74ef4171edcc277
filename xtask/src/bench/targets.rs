//! What the numbers are held to.

use super::records::Records;
use super::tables::{percent, short, times};

/// Views a second on one core, by recipe and level.
const VIEWS: [(&str, &str, f64); 4] = [
    ("seed", "AVX-512", 100_000.0),
    ("SimCLR", "AVX-512", 80_000.0),
    ("seed", "AVX2", 70_000.0),
    ("SimCLR", "AVX2", 55_000.0),
];
const TORCHVISION: f64 = 50.0;
const ALBUMENTATIONS: f64 = 10.0;
const TWO_CORES: f64 = 1.9;
const LOADER: f64 = 0.05;
/// Growth of the loader's memory that still counts as flat.
const FLAT: f64 = 0.01;
const JPEG: f64 = 0.8;
const DEFAULT_LOOP: f64 = 3.0;
const TUNED_LOOP: f64 = 1.0;
const WAITING: f64 = 0.01;

/// A bound and what was measured; none where a contender was missing.
pub struct Target {
    pub what: String,
    wanted: f64,
    /// Whether more is better.
    at_least: bool,
    found: Option<f64>,
    form: fn(f64) -> String,
}

impl Target {
    /// The cells of its row: what, bound, measured, verdict.
    pub fn row(&self) -> Vec<String> {
        let word = if self.at_least { "at least" } else { "at most" };
        let wanted = format!("{word} {}", (self.form)(self.wanted));
        let Some(found) = self.found else {
            return vec![self.what.clone(), wanted, String::new(), "not measured".to_owned()];
        };
        let off = percent(((found - self.wanted) / self.wanted).abs());
        let (met, side) =
            (found >= self.wanted, if found >= self.wanted { "above" } else { "below" });
        let verdict = if met == self.at_least || found == self.wanted {
            format!("met, {off} {side}")
        } else {
            format!("**not met**, {off} {side}")
        };
        vec![self.what.clone(), wanted, (self.form)(found), verdict]
    }
}

/// All targets that mean something on this machine.
pub fn targets(records: &Records) -> Vec<Target> {
    let mut targets = Vec::new();
    let mut at_least = |what: String, wanted, found, form: fn(f64) -> String| {
        let at_least = true;
        targets.push(Target { what, wanted, at_least, found, form });
    };
    let view = |recipe: &str, who: &str| records.median("augmentation", recipe, who, "ns a view");
    let best = fastest_level(records);
    for (recipe, level, wanted) in VIEWS {
        if records.contenders("augmentation", recipe).contains(&level) {
            let what = format!("{recipe} recipe, {level}, views a second on one core");
            at_least(what, wanted, view(recipe, level).map(|ns| 1e9 / ns), short);
        }
    }
    for recipe in ["seed", "SimCLR"] {
        for (library, wanted) in [("torchvision", TORCHVISION), ("albumentations", ALBUMENTATIONS)]
        {
            let contenders = records.contenders("augmentation", recipe);
            let peers = contenders.iter().filter(|name| name.starts_with(library));
            let peer = least(peers.filter_map(|name| view(recipe, name)));
            let own = best.and_then(|level| view(recipe, level));
            at_least(format!("{recipe} recipe, times {library}"), wanted, ratio(peer, own), times);
        }
    }
    let rate = |threads: &str, who: &str| records.median("loader", threads, who, "views a second");
    at_least(
        "kernels on two cores, times one".to_owned(),
        TWO_CORES,
        ratio(rate("2", "kernels"), rate("1", "kernels")),
        times,
    );
    let photos = |who: &str| records.median("photos", "packing", who, "images a processor second");
    for peer in ["Pillow, the same work", "OpenCV, decoding only"] {
        let what = format!("JPEG into the packed cache, times {peer} (libjpeg-turbo)");
        at_least(what, JPEG, ratio(photos("twinview"), photos(peer)), times);
    }
    let own = fastest(records, &["twinview, f32", "twinview, bf16"]);
    let default = fastest(records, &["PyTorch, default"]);
    let tuned = fastest(records, &["PyTorch, channels_last", "PyTorch, channels_last, bf16"]);
    at_least(
        "fastest training step, times PyTorch's default".to_owned(),
        DEFAULT_LOOP,
        ratio(own, default),
        times,
    );
    at_least(
        "fastest training step, times the fastest tuned PyTorch loop".to_owned(),
        TUNED_LOOP,
        ratio(own, tuned),
        times,
    );

    let mut at_most = |what: String, wanted, found| {
        let (at_least, form): (bool, fn(f64) -> String) = (false, percent);
        targets.push(Target { what, wanted, at_least, found, form });
    };
    for threads in records.subjects("loader") {
        let what = format!("what the loader adds to the kernels, worker threads: {threads}");
        let cost = ratio(rate(threads, "kernels"), rate(threads, "loader"));
        at_most(what, LOADER, cost.map(|times| times - 1.0));
    }
    for views in records.subjects("memory") {
        let memory = |metric| records.median("memory", views, "loader", metric);
        let grown = ratio(memory("bytes at last"), memory("bytes at first"));
        let what = format!("growth of the loader's memory over {views} views");
        at_most(what, FLAT, grown.map(|times| times - 1.0));
    }
    for precision in ["f32", "bf16"] {
        let who = format!("twinview, {precision}");
        let waiting = records.median("training", "step", &who, "share of waiting");
        if waiting.is_some() {
            at_most(format!("waiting for views in training, {precision}"), WAITING, waiting);
        }
    }
    targets
}

/// The level that the program uses on this machine.
pub fn fastest_level(records: &Records) -> Option<&'static str> {
    let measured = records.contenders("augmentation", "seed");
    ["AVX-512", "AVX2", "portable"].into_iter().find(|level| measured.contains(level))
}

/// Images a second of the fastest of some training loops.
fn fastest(records: &Records, contenders: &[&str]) -> Option<f64> {
    let rate = |name: &&str| records.median("training", "step", name, "images a second");
    contenders.iter().filter_map(rate).max_by(f64::total_cmp)
}

fn least(values: impl Iterator<Item = f64>) -> Option<f64> {
    values.min_by(f64::total_cmp)
}

fn ratio(above: Option<f64>, below: Option<f64>) -> Option<f64> {
    Some(above? / below?)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(at_least: bool, wanted: f64, found: Option<f64>) -> String {
        let what = String::new();
        Target { what, wanted, at_least, found, form: short }.row()[3].clone()
    }

    #[test]
    fn verdicts() {
        assert_eq!(row(true, 2.0, Some(3.0)), "met, 50.0 % above");
        assert_eq!(row(true, 2.0, Some(1.0)), "**not met**, 50.0 % below");
        assert_eq!(row(false, 2.0, Some(1.0)), "met, 50.0 % below");
        assert_eq!(row(false, 2.0, Some(3.0)), "**not met**, 50.0 % above");
        assert_eq!(row(true, 2.0, Some(2.0)), "met, 0 % above");
        assert_eq!(row(false, 2.0, Some(2.0)), "met, 0 % above");
        assert_eq!(row(false, 2.0, None), "not measured");
    }

    #[test]
    fn the_fastest_peer_and_this_machines_level_count() {
        let mut records = Records::default();
        for (who, ns) in [("AVX2", 10.0), ("torchvision v1", 400.0), ("torchvision v2", 600.0)] {
            records.add("augmentation", "seed", who, "ns a view", ns);
        }
        records.add("training", "step", "twinview, f32", "images a second", 90.0);
        records.add("training", "step", "PyTorch, default", "images a second", 30.0);
        let targets = targets(&records);
        let find = |what: &str| {
            let found = targets.iter().find(|target| target.what.contains(what));
            found.map(|target| target.found)
        };
        assert_eq!(find("AVX-512"), None);
        assert_eq!(find("AVX2"), Some(Some(1e8)));
        assert_eq!(find("seed recipe, times torchvision"), Some(Some(40.0)));
        assert_eq!(find("times albumentations"), Some(None));
        assert_eq!(find("PyTorch's default"), Some(Some(3.0)));
    }
}
