//! A long training of a tiny model, watched from outside: what it holds must not grow.

use std::fs::File;
use std::io::{Read, Seek, SeekFrom};
use std::process::Stdio;
use std::thread::sleep;
use std::time::Duration;

use end_to_end::{Place, Usage, pretrain};
use serde_json::json;

/// Most growth of the mean resident memory from the second tenth of the steps to the last.
const MAX_GROWTH: f64 = 0.01;

/// `TWINVIEW_SOAK_STEPS` asks for another number of steps.
fn steps() -> u64 {
    let steps = std::env::var("TWINVIEW_SOAK_STEPS").ok();
    steps.map_or(20_000, |text| text.parse().expect("TWINVIEW_SOAK_STEPS is a number"))
}

/// The step of the last line of a run's metrics; none if it has none yet.
fn last_step(place: &Place) -> Option<u64> {
    let mut file = File::open(place.path("run/metrics.jsonl")).ok()?;
    let length = file.metadata().ok()?.len();
    // More than the longest line, which is that of an epoch.
    file.seek(SeekFrom::Start(length.saturating_sub(1 << 14))).ok()?;
    let mut text = String::new();
    file.read_to_string(&mut text).ok()?;
    let (_, last) = text.rsplit_once("\"step\":")?;
    let digits: String = last.chars().take_while(char::is_ascii_digit).collect();
    digits.parse().ok()
}

/// Mean resident memory in KiB, median of open files (a checkpoint being written has one more, and
/// a run that ends has few), and most threads.
fn summary(samples: &[Usage]) -> (f64, usize, u64) {
    assert!(!samples.is_empty(), "it ended before it could be watched: more steps are needed");
    let resident: u64 = samples.iter().map(|usage| usage.resident_kib).sum();
    let mut files: Vec<usize> = samples.iter().map(|usage| usage.files).collect();
    files.sort_unstable();
    let threads = samples.iter().map(|usage| usage.threads).max().expect("some");
    (resident as f64 / samples.len() as f64, files[files.len() / 2], threads)
}

#[test]
#[ignore = "takes minutes and needs Linux"]
fn a_long_training_holds_no_more_at_its_end() {
    let steps = steps();
    let place = Place::new();
    let synth = ["data", "synth", "--image-size", "32", "--out", "data"];
    let counts = ["--unlabeled", "480", "--train", "160", "--test", "64"];
    place.run(&[&synth[..], &counts].concat()).done();
    place.put_config("dino", |config| {
        config["train"]["max_steps"] = json!(steps);
        config["train"]["epochs"] = json!(steps);
        config["checkpoint"]["every_steps"] = json!(100);
    });
    let mut command = place.command(&pretrain("dino.json", "run"));
    let mut child = command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
    let (mut warm, mut end) = (Vec::new(), Vec::new());
    let status = loop {
        if let (Some(step), Some(usage)) = (last_step(&place), Usage::of(child.id())) {
            if (steps / 10..steps / 5).contains(&step) {
                warm.push(usage);
            } else if step >= steps * 9 / 10 {
                end.push(usage);
            }
        }
        if let Some(status) = child.try_wait().unwrap() {
            break status;
        }
        sleep(Duration::from_millis(250));
    };
    assert!(status.success());
    let (warm, end) = (summary(&warm), summary(&end));
    let found =
        format!("KiB, files and threads: {warm:?} in the second tenth, {end:?} in the last");
    assert!(end.0 / warm.0 - 1.0 <= MAX_GROWTH, "{found}");
    assert!(end.1 <= warm.1 && end.2 <= warm.2, "{found}");
}
