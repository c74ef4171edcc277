//! A long training of a tiny model, watched from outside: what it holds must not grow.

use std::fs::{self, File};
use std::io::{self, Read, Seek, SeekFrom};
use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

use anyhow::bail;

use crate::libtorch::{self, Request};
use crate::runner;
use crate::scratch::Scratch;
use crate::workspace::{self, Workspace};

/// Where everything goes, from the top of the workspace.
const FOLDER: &str = "runs/.soak";
/// Steps that a soak takes if not told otherwise.
pub const STEPS: u64 = 20_000;
/// Most growth of the resident memory from the second tenth of the steps to the last.
const MOST_GROWTH: f64 = 0.01;
const PAUSE: Duration = Duration::from_millis(250);
/// What is read of the metrics: more than the longest line, which is that of an epoch.
const LAST_BYTES: u64 = 1 << 14;

/// What the process held at one moment.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Sample {
    step: u64,
    resident_kib: u64,
    files: usize,
    threads: u64,
}

/// Trains for `steps` steps and compares what the process holds after warm-up and at the end.
///
/// # Errors
/// When training fails, or memory grew by more than one percent, or files or threads did at all.
pub fn soak(workspace: &Workspace, steps: u64) -> anyhow::Result<()> {
    let libtorch = libtorch::ensure(workspace, Request::Configured)?;
    // As the tests build it, so that there is one binary.
    let args = ["--workspace", "--bin", "twinview"];
    let [binary] = runner::build(workspace, &libtorch, &args, ["twinview"])?;
    let folder = Scratch::create(workspace.root.join(FOLDER))?;
    let (data, run) = (folder.path().join("data"), folder.path().join("run"));
    let mut synth = Command::new(&binary);
    synth.args(["data", "synth", "--image-size", "32", "--unlabeled", "480", "--train", "160"]);
    synth.args(["--test", "64", "--out"]).arg(&data);
    workspace::run(synth)?;
    let mut pretrain = Command::new(&binary);
    pretrain.args(["pretrain", "dino", "--quiet", "--data"]).arg(&data);
    pretrain.arg("--config").arg(workspace.root.join("configs/seed/dino.json"));
    pretrain.arg("--run").arg(&run).args(settings(steps));
    // More threads than free cores would wait for each other far longer than they compute.
    pretrain.env("OMP_NUM_THREADS", "1");
    let mut samples = Vec::new();
    let mut looked = Instant::now();
    runner::watched(pretrain, |process| {
        if looked.elapsed() >= PAUSE {
            samples.extend(sample(process, &run));
            looked = Instant::now();
        }
    })?;
    let [warm, end] = [steps / 10..steps / 5, steps * 9 / 10..steps + 1].map(|range| {
        let within: Vec<Sample> =
            samples.iter().filter(|sample| range.contains(&sample.step)).copied().collect();
        Summary::of(&within)
    });
    let (Some(warm), Some(end)) = (warm, end) else {
        bail!("it ended before it could be watched: more steps are needed");
    };
    print!("{}", report(samples.len(), &warm, &end));
    let growth = end.resident_kib / warm.resident_kib - 1.0;
    if growth > MOST_GROWTH || end.files > warm.files || end.threads > warm.threads {
        bail!("what the process holds has grown");
    }
    Ok(())
}

/// A tiny model on tiny images, with checkpoints every hundred steps.
fn settings(steps: u64) -> Vec<String> {
    let sizes = ["views.0", "views.1", "probe"].map(|view| format!("augment.{view}.size=32"));
    let mut settings = vec![
        "encoder.conv.width=8".to_owned(),
        r#"projection={"mlp":{"hidden_dims":[8],"output_dim":8,"norm":"none"}}"#.to_owned(),
        "health.on_collapse=warn".to_owned(),
        "checkpoint.every_steps=100".to_owned(),
        "train.workers=1".to_owned(),
        format!("train.max_steps={steps}"),
        format!("train.epochs={steps}"),
        "train.batch_size=16".to_owned(),
    ];
    settings.extend(sizes);
    settings.into_iter().flat_map(|setting| ["--set".to_owned(), setting]).collect()
}

/// What a process holds; none where it has ended or logged no step.
fn sample(process: u32, run: &Path) -> Option<Sample> {
    let status = fs::read_to_string(format!("/proc/{process}/status")).ok()?;
    let number = |key: &str| -> Option<u64> {
        let line = status.lines().find_map(|line| line.strip_prefix(key))?;
        line.trim().trim_end_matches(" kB").parse().ok()
    };
    let files = fs::read_dir(format!("/proc/{process}/fd")).ok()?.count();
    let metrics = end_of(&run.join("metrics.jsonl")).ok()?;
    let (_, last) = metrics.rsplit_once("\"step\":")?;
    let digits: String = last.chars().take_while(char::is_ascii_digit).collect();
    Some(Sample {
        step: digits.parse().ok()?,
        resident_kib: number("VmRSS:")?,
        files,
        threads: number("Threads:")?,
    })
}

/// The last lines of a file.
fn end_of(path: &Path) -> io::Result<String> {
    let mut file = File::open(path)?;
    let length = file.metadata()?.len();
    file.seek(SeekFrom::Start(length.saturating_sub(LAST_BYTES)))?;
    let mut bytes = Vec::new();
    file.read_to_end(&mut bytes)?;
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}

/// Samples taken together.
#[derive(Debug, PartialEq)]
struct Summary {
    resident_kib: f64,
    /// The median: a checkpoint being written has one open too, and a run that ends has few.
    files: usize,
    threads: u64,
}

impl Summary {
    fn of(samples: &[Sample]) -> Option<Self> {
        let mut files: Vec<usize> = samples.iter().map(|sample| sample.files).collect();
        files.sort_unstable();
        let sum: u64 = samples.iter().map(|sample| sample.resident_kib).sum();
        Some(Self {
            resident_kib: sum as f64 / samples.len() as f64,
            files: *files.get(files.len() / 2)?,
            threads: samples.iter().map(|sample| sample.threads).max()?,
        })
    }
}

fn report(samples: usize, warm: &Summary, end: &Summary) -> String {
    let growth = 100.0 * (end.resident_kib / warm.resident_kib - 1.0);
    format!(
        "{samples} samples, second tenth of the steps against the last\n\
         resident memory  {:>9.0} KiB {:>9.0} KiB  {growth:+.2} %\n\
         open files       {:>9}     {:>9}\n\
         threads          {:>9}     {:>9}\n",
        warm.resident_kib, end.resident_kib, warm.files, end.files, warm.threads, end.threads
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn samples_are_summed_up() {
        let sample =
            |resident_kib, files, threads| Sample { step: 1, resident_kib, files, threads };
        let summary =
            Summary::of(&[sample(100, 7, 3), sample(100, 6, 4), sample(250, 6, 4)]).unwrap();
        let expected = Summary { resident_kib: 150.0, files: 6, threads: 4 };
        assert_eq!(summary, expected);
        assert_eq!(Summary::of(&[]), None);
        let text = report(2, &summary, &Summary { resident_kib: 153.0, ..expected });
        assert!(text.contains("+2.00 %"), "{text}");
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn a_process_is_looked_at() {
        let folder = tempfile::tempdir().unwrap();
        let metrics = folder.path().join("metrics.jsonl");
        fs::write(&metrics, "{\"kind\":\"step\",\"step\":41,\"epoch\":1}\n").unwrap();
        let sample = sample(std::process::id(), folder.path()).unwrap();
        assert_eq!(sample.step, 41);
        assert!(sample.resident_kib > 0 && sample.files > 2 && sample.threads > 0);
    }
}
