//! All that is measured, in turns: parts of this program, training by `twinview`, and other
//! libraries at the same work.

use std::fmt::Display;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

use anyhow::{Context, ensure};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use crate::{machine, measurement, photos, recipes};

/// The configuration of all training, from the top of the workspace.
const CONFIG: &str = "configs/seed/simclr.json";
/// As `tools/bench/augment.py` names them.
const LIBRARIES: [&str; 4] =
    ["torchvision v1 (PIL)", "torchvision v2 (tensors)", "kornia (batches)", "albumentations"];
/// As `tools/bench/train.py` names them; the last is for processors with bfloat16.
const LOOPS: [&str; 3] = ["default", "channels_last", "channels_last, bf16"];

/// What [`run`] works with.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Settings {
    /// Where everything temporary goes.
    pub folder: PathBuf,
    /// The program that trains.
    twinview: PathBuf,
    /// An example of the crate `group`.
    pub all_reduce: PathBuf,
    /// Of an environment with other libraries, where these are measured too.
    python: Option<PathBuf>,
    /// A folder of JPEG files to decode in place of rendered ones.
    photos: Option<PathBuf>,
    /// Only see whether everything runs.
    quick: bool,
}

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
    fn new(quick: bool) -> Self {
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

/// Measures everything; the numbers, as the page takes them. Paths of this repository are from the
/// folder that it is called in.
pub fn run(settings: Settings) -> anyhow::Result<Value> {
    let flag = |set: bool, flag: &'static str| if set { flag } else { "" };
    let command = [
        "cargo xtask bench",
        flag(settings.python.is_some(), " --peers"),
        flag(settings.quick, " --quick"),
        flag(settings.photos.is_some(), " --photos DIR"),
    ];
    let mut contenders = Contenders {
        benchmarks: std::env::current_exe()?,
        effort: Effort::new(settings.quick),
        records: Vec::new(),
        software: Map::new(),
        settings,
    };
    let mut machine = machine::describe();
    contenders.measure_all(machine["bf16"] == true)?;
    machine["load_after"] = machine::describe()["load"].take();
    Ok(json!({
        "records": contenders.records,
        "software": contenders.software,
        "machine": machine,
        "quick": contenders.settings.quick,
        "command": command.concat(),
        "effort": contenders.effort,
    }))
}

/// All contenders, what they share, and what they have measured.
pub struct Contenders {
    pub settings: Settings,
    pub effort: Effort,
    /// This program: each part is a process of its own.
    benchmarks: PathBuf,
    /// One JSON object for each measurement.
    records: Vec<Value>,
    /// Names and versions of other libraries.
    software: Map<String, Value>,
}

impl Contenders {
    /// Renders images and measures everything: contenders in turns, then what has none to compare
    /// with.
    fn measure_all(&mut self, bf16: bool) -> anyhow::Result<()> {
        let Effort { rounds, secs, batch, steps, views, growth, .. } = self.effort;
        let folder = self.settings.folder.clone();
        let path = |name: &str| folder.join(name).display().to_string();
        let (data, all_recipes) = (path("data"), path("recipes.json"));
        let (cache, whole) = (path("cache"), path("whole"));
        // Whole epochs, with the seed's fraction of labeled images, 1 in 21.
        let labeled = (batch as f64 / 21.0).round() as usize;
        capture(self.synth(&data, steps * (batch - labeled), steps * labeled))?;
        fs::write(&all_recipes, recipes::document().to_string())?;
        let photos = match &self.settings.photos {
            Some(folder) => folder.display().to_string(),
            None => {
                let folder = path("photos");
                photos::write(Path::new(&folder), self.effort.photos, 448)?;
                folder
            }
        };
        for round in 1..=rounds {
            println!("\nRound {round} of {rounds}");
            self.measure(self.part("kernels", &[&data, &secs]))?;
            for library in LIBRARIES {
                self.measure_peer("augment.py", &[&library, &all_recipes, &data, &secs])?;
            }
            self.measure(self.part("scaling", &[&data, &secs]))?;
            self.measure(self.part("packing", &[&photos, &cache]))?;
            fs::remove_dir_all(&cache)?;
            self.measure_peer("photos.py", &[&photos, &96])?;
            for side in [96, 224] {
                self.measure(self.part("stores", &[&photos, &whole, &side, &secs]))?;
                let recipe = path(&format!("recipe-{side}.json"));
                fs::write(&recipe, json!(recipes::whole_images(side)).to_string())?;
                self.measure_peer("stores.py", &[&photos, &recipe, &secs])?;
                if self.settings.python.is_some() {
                    self.measure(self.part("loader", &[&photos, &whole, &side, &secs]))?;
                    self.measure_peer("loaders.py", &[&photos, &whole, &recipe, &secs])?;
                }
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
        self.measure(self.part("memory", &[&data, &views]))?;
        growth.iter().try_for_each(|images| self.growth(*images))
    }

    /// Two epochs of training, of which the second counts.
    fn training(&mut self, data: &str, precision: &str) -> anyhow::Result<()> {
        let folder = self.settings.folder.join("run");
        let mut command = self.pretrain(data, &folder);
        command.args(["--epochs", "2", "--precision", precision]);
        capture(command)?;
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
        let folder = &self.settings.folder;
        let (path, folder) = (folder.join("growth"), folder.join("run"));
        let data = path.display().to_string();
        let start = Instant::now();
        capture(self.synth(&data, images, (images / 20).max(1)))?;
        let rendered = start.elapsed().as_secs_f64();
        let bytes = fs::metadata(path.join("unlabeled_X.bin"))?.len();
        self.measure(self.part("opening", &[&data]))?;

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
        self.records.push(measurement(part, subject, contender, metric, value));
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
        let Some(python) = &self.settings.python else { return Ok(()) };
        let mut command = Command::new(python);
        command.arg("-B").arg(Path::new("tools/bench").join(script));
        command.args(args.iter().map(ToString::to_string));
        if script == "augment.py" {
            // One thread; and no look for a newer version.
            for variable in ["OMP_NUM_THREADS", "MKL_NUM_THREADS", "NO_ALBUMENTATIONS_UPDATE"] {
                command.env(variable, "1");
            }
        }
        self.measure(command)
    }

    fn part(&self, verb: &str, args: &[&dyn Display]) -> Command {
        let mut command = Command::new(&self.benchmarks);
        command.arg(verb).args(args.iter().map(ToString::to_string));
        command
    }

    fn synth(&self, out: &str, unlabeled: usize, train: usize) -> Command {
        let args = ["data", "synth", "--quiet", "--test", "256", "--out", out];
        let mut command = Command::new(&self.settings.twinview);
        command.args(args).args([format!("--unlabeled={unlabeled}"), format!("--train={train}")]);
        command
    }

    pub fn pretrain(&self, data: &str, run: &Path) -> Command {
        let args = ["pretrain", "simclr", "--quiet", "--device", "cpu", "--config", CONFIG];
        let mut command = Command::new(&self.settings.twinview);
        command.args(args).arg(format!("--batch-size={}", self.effort.batch));
        command.args(["--data", data, "--run"]).arg(run);
        command
    }
}

/// Prints a command as a person would type it, and returns that.
pub fn announce(command: &Command) -> String {
    let program = Path::new(command.get_program()).file_name().unwrap_or_default();
    let words = std::iter::once(program).chain(command.get_args());
    let words: Vec<_> = words.map(|word| word.to_string_lossy()).collect();
    println!("==> {}", words.join(" "));
    words.join(" ")
}

/// Runs a command, and returns what it printed on stdout.
pub fn capture(mut command: Command) -> anyhow::Result<String> {
    let line = announce(&command);
    let output = command.stderr(Stdio::inherit()).output();
    let output = output.with_context(|| format!("cannot run `{line}`"))?;
    ensure!(output.status.success(), "`{line}` failed ({})", output.status);
    String::from_utf8(output.stdout).with_context(|| format!("`{line}` printed invalid UTF-8"))
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
