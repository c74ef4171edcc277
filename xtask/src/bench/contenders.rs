//! The programs that are measured: those of this workspace, and other libraries at the same work.

use std::fmt::Display;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

use anyhow::{Context, ensure};
use fs_err as fs;
use serde::Serialize;
use serde_json::{Map, Value, json};

use crate::workspace::{Workspace, announce, capture, run};

/// The configuration of all training, from the top of the workspace.
const CONFIG: &str = "configs/seed/simclr.json";
/// As `tools/bench/augment.py` names them.
const LIBRARIES: [&str; 4] =
    ["torchvision v1 (PIL)", "torchvision v2 (tensors)", "kornia (batches)", "albumentations"];
/// As `tools/bench/train.py` names them; the last is for processors with bfloat16.
const LOOPS: [&str; 3] = ["default", "channels_last", "channels_last, bf16"];

/// How much is measured.
#[derive(Clone, Copy, Debug, Serialize)]
pub struct Effort {
    /// How often all contenders take their turn.
    rounds: usize,
    /// Seconds of a contender's turn.
    pub secs: f64,
    /// Images of a training step.
    batch: usize,
    /// Steps of an epoch; the second epoch counts.
    steps: usize,
    /// Views over which the loader's memory is watched.
    views: usize,
    /// Images of the sets that start-up is measured with.
    growth: &'static [usize],
    /// JPEG files to render, of 448 x 448 pixels.
    photos: usize,
}

impl Effort {
    /// For the page, or only to see whether everything runs.
    pub fn new(quick: bool) -> Self {
        let choose = |full, less| if quick { less } else { full };
        Self {
            rounds: choose(3, 1),
            secs: if quick { 0.2 } else { 3.0 },
            batch: choose(256, 32),
            steps: choose(8, 2),
            views: choose(1_000_000, 5_000),
            growth: if quick { &[300, 600] } else { &[1_000, 10_000, 100_000] },
            photos: choose(500, 10),
        }
    }
}

/// All contenders, what they share, and what they have measured.
pub struct Contenders<'a> {
    pub workspace: &'a Workspace,
    /// Where everything temporary goes.
    pub folder: &'a Path,
    pub effort: Effort,
    pub twinview: PathBuf,
    pub benchmarks: PathBuf,
    /// An example of the crate `group`.
    pub all_reduce: PathBuf,
    /// Of an environment with other libraries, where these are measured too.
    pub python: Option<PathBuf>,
    /// One JSON object for each measurement: part, subject, contender, metric, value.
    pub records: Vec<Value>,
    /// Names and versions of other libraries.
    pub software: Map<String, Value>,
}

impl Contenders<'_> {
    /// Machine, source revision, date and load.
    pub fn machine(&self) -> anyhow::Result<Value> {
        Ok(serde_json::from_str(&capture(self.benchmarks("machine", &[]))?)?)
    }

    /// Renders images and measures everything: contenders in turns, then what has none to compare
    /// with.
    pub fn run(&mut self, photos: Option<PathBuf>, bf16: bool) -> anyhow::Result<()> {
        let Effort { rounds, secs, batch, steps, views, growth, .. } = self.effort;
        let path = |name: &str| self.folder.join(name).display().to_string();
        let (data, recipes) = (path("data"), path("recipes.json"));
        let (cache, whole) = (path("cache"), path("whole"));
        // Whole epochs, with the seed's fraction of labeled images, 1 in 21.
        let labeled = (batch as f64 / 21.0).round() as usize;
        run(self.synth(&data, steps * (batch - labeled), steps * labeled))?;
        fs::write(&recipes, capture(self.benchmarks("recipes", &[]))?)?;
        let photos = match photos {
            Some(folder) => folder.display().to_string(),
            None => {
                let folder = path("photos");
                run(self.benchmarks("photos", &[&folder, &self.effort.photos, &448]))?;
                folder
            }
        };
        for round in 1..=rounds {
            println!("\nRound {round} of {rounds}");
            self.measure(self.benchmarks("kernels", &[&data, &secs]))?;
            for library in LIBRARIES {
                self.measure_peer("augment.py", &[&library, &recipes, &data, &secs])?;
            }
            self.measure(self.benchmarks("scaling", &[&data, &secs]))?;
            self.measure(self.benchmarks("packing", &[&photos, &cache]))?;
            fs::remove_dir_all(&cache)?;
            self.measure_peer("photos.py", &[&photos, &96])?;
            for side in [96, 224] {
                self.measure(self.benchmarks("stores", &[&photos, &whole, &side, &secs]))?;
                let recipe = path(&format!("recipe-{side}.json"));
                fs::write(&recipe, capture(self.benchmarks("recipe", &[&side]))?)?;
                self.measure_peer("stores.py", &[&photos, &recipe, &secs])?;
            }
            for precision in if bf16 { &["f32", "bf16"][..] } else { &["f32"] } {
                self.training(&data, precision)?;
            }
            self.ranks(&data)?;
            for name in &LOOPS[..if bf16 { 3 } else { 2 }] {
                self.measure_peer("train.py", &[name, &data, &batch, &steps])?;
            }
        }
        println!("\nMemory and growth");
        self.measure(self.benchmarks("memory", &[&data, &views]))?;
        growth.iter().try_for_each(|images| self.growth(*images))
    }

    /// Two epochs of training, of which the second counts.
    fn training(&mut self, data: &str, precision: &str) -> anyhow::Result<()> {
        let folder = self.folder.join("run");
        let mut command = self.pretrain(data, &folder);
        command.args(["--epochs", "2", "--precision", precision]);
        run(command)?;
        let epochs = lines(&folder, "epoch")?;
        let epoch = epochs.last().context("the run has no epoch")?;
        let contender = format!("twinview, {precision}");
        let mut add = |metric: &str, value| self.add("training", "step", &contender, metric, value);
        add("images a second", number(epoch, "/images_per_sec")?);
        add("share of waiting", number(epoch, "/data_wait")?);
        let parts = epoch.get("step_secs").and_then(Value::as_object);
        for part in parts.context("the epoch has no step_secs")?.keys() {
            add(&format!("seconds: {part}"), number(epoch, &format!("/step_secs/{part}"))?);
        }
        add("bytes", peak_memory(&folder)?);
        Ok(fs::remove_dir_all(folder)?)
    }

    /// A set of this size: rendered, opened, and trained on until the first step is done.
    fn growth(&mut self, images: usize) -> anyhow::Result<()> {
        let (path, folder) = (self.folder.join("growth"), self.folder.join("run"));
        let data = path.display().to_string();
        let start = Instant::now();
        run(self.synth(&data, images, (images / 20).max(1)))?;
        let rendered = start.elapsed().as_secs_f64();
        let bytes = fs::metadata(path.join("unlabeled_X.bin"))?.len();
        self.measure(self.benchmarks("opening", &[&data]))?;

        let mut command = self.pretrain(&data, &folder);
        command.args(["--set", "train.max_steps=2", "--set", "train.log_every=1"]);
        command.args(["--precision", "f32"]);
        let line = announce(&command);
        let start = Instant::now();
        let mut child = command.stdout(Stdio::null()).spawn()?;
        let (mut status, mut first_step) = (None, None);
        while status.is_none() {
            status = child.try_wait()?;
            if first_step.is_none() && lines(&folder, "step").is_ok_and(|steps| !steps.is_empty()) {
                first_step = Some(start.elapsed().as_secs_f64());
            }
            sleep(Duration::from_millis(5));
        }
        ensure!(status.is_some_and(|status| status.success()), "`{line}` failed");
        for (metric, value) in [
            ("bytes of the file", bytes as f64),
            ("seconds to render", rendered),
            ("seconds to the first step", first_step.context("the run has no step")?),
            ("bytes to train", peak_memory(&folder)?),
        ] {
            self.add("growth", &images.to_string(), "twinview", metric, value);
        }
        fs::remove_dir_all(folder)?;
        Ok(fs::remove_dir_all(path)?)
    }

    pub fn add(&mut self, part: &str, subject: &str, contender: &str, metric: &str, value: f64) {
        self.records.push(json!({
            "part": part, "subject": subject, "contender": contender, "metric": metric,
            "value": value
        }));
    }

    /// Runs a contender and takes the lines that it prints: measurements, or the versions of the
    /// software that it uses.
    pub fn measure(&mut self, command: Command) -> anyhow::Result<()> {
        for line in capture(command)?.lines() {
            let mut record: Value = serde_json::from_str(line).with_context(|| line.to_owned())?;
            match record["software"].as_object_mut() {
                Some(software) => self.software.append(software),
                None => self.records.push(record),
            }
        }
        Ok(())
    }

    /// The same of a script of `tools/bench`, where other libraries are measured.
    fn measure_peer(&mut self, script: &str, args: &[&dyn Display]) -> anyhow::Result<()> {
        let Some(python) = &self.python else { return Ok(()) };
        let mut command = self.workspace.command(python, &["-B"]);
        command.arg(self.workspace.root.join("tools/bench").join(script));
        command.args(args.iter().map(ToString::to_string));
        if script == "augment.py" {
            // One thread; and no look for a newer version.
            for variable in ["OMP_NUM_THREADS", "MKL_NUM_THREADS", "NO_ALBUMENTATIONS_UPDATE"] {
                command.env(variable, "1");
            }
        }
        self.measure(command)
    }

    fn benchmarks(&self, verb: &str, args: &[&dyn Display]) -> Command {
        let mut command = self.workspace.command(&self.benchmarks, &[verb]);
        command.args(args.iter().map(ToString::to_string));
        command
    }

    fn synth(&self, out: &str, unlabeled: usize, train: usize) -> Command {
        let args = ["data", "synth", "--quiet", "--test", "256", "--out", out];
        let mut command = self.workspace.command(&self.twinview, &args);
        command.args([format!("--unlabeled={unlabeled}"), format!("--train={train}")]);
        command
    }

    pub fn pretrain(&self, data: &str, run: &Path) -> Command {
        let args = ["pretrain", "simclr", "--quiet", "--device", "cpu", "--config", CONFIG];
        let mut command = self.workspace.command(&self.twinview, &args);
        command.arg(format!("--batch-size={}", self.effort.batch));
        command.args(["--data", data, "--run"]).arg(run);
        command
    }
}

/// Makes a Python environment with pinned versions of other libraries, from the index that the
/// user's pip is configured for, and returns its Python.
pub fn install_peers(workspace: &Workspace, folder: &Path) -> anyhow::Result<PathBuf> {
    let environment = folder.join("python");
    let mut make = workspace.command("python3", &["-m", "venv"]);
    make.arg(&environment);
    run(make)?;
    let python = environment.join("bin/python");
    // Without pip's cache, which would keep gigabytes of what is removed afterwards.
    let install = ["-m", "pip", "install", "--disable-pip-version-check", "--no-cache-dir"];
    let mut install = workspace.command(&python, &install);
    install.args(["--requirement", "tools/bench/requirements.txt"]);
    run(install)?;
    Ok(python)
}

/// The lines of a run's metrics that are of a kind. The last one may be half-written while the run
/// continues.
pub fn lines(run: &Path, kind: &str) -> anyhow::Result<Vec<Value>> {
    let text = fs::read_to_string(run.join("metrics.jsonl"))?;
    let parsed = text.lines().filter_map(|line| serde_json::from_str(line).ok());
    Ok(parsed.filter(|line: &Value| line["kind"] == kind).collect())
}

fn peak_memory(run: &Path) -> anyhow::Result<f64> {
    let summary = fs::read_to_string(run.join("summary.json"))?;
    number(&serde_json::from_str(&summary)?, "/peak_memory_bytes")
}

pub fn number(document: &Value, pointer: &str) -> anyhow::Result<f64> {
    let value = document.pointer(pointer).and_then(Value::as_f64);
    value.with_context(|| format!("the run has no number at {pointer}"))
}
