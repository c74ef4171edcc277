//! What this workspace's own programs are measured by.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Instant;

use anyhow::{Context, anyhow};
use serde_json::Value;

use super::Programs;
use super::effort::Effort;
use super::records::Records;
use crate::runner::{run, watched};
use crate::workspace::Workspace;

/// Settings that the training of all contenders has.
const CONFIG: &str = "configs/seed/simclr.json";
/// Images of a rendered set that only measure.
const TEST: usize = 256;

/// Measures with the programs of this workspace, in a folder that does not outlive it.
pub struct Own<'a> {
    pub workspace: &'a Workspace,
    pub programs: &'a Programs,
    pub effort: &'a Effort,
    pub folder: &'a Path,
}

impl Own<'_> {
    /// The set that all contenders read.
    pub fn data(&self) -> PathBuf {
        self.folder.join("data")
    }

    /// The recipes that all contenders run, in a file.
    pub fn recipes(&self) -> PathBuf {
        self.folder.join("recipes.json")
    }

    /// Renders the set, and writes the recipes.
    pub fn prepare(&self) -> anyhow::Result<()> {
        let (unlabeled, train) = self.effort.images();
        run(self.synth(&self.data(), unlabeled, train))?;
        let recipes = run(self.benchmarks(&["recipes"]))?;
        let path = self.recipes();
        fs::write(&path, recipes).with_context(|| format!("cannot write {}", path.display()))
    }

    /// JPEG files, for where the user has given none.
    pub fn photos(&self) -> anyhow::Result<PathBuf> {
        let folder = self.folder.join("photos");
        let (count, side) = (self.effort.photos, self.effort.photo_side);
        let mut command = self.benchmarks(&["photos"]);
        command.arg(&folder);
        command.args([count, side].map(|number| number.to_string()));
        run(command)?;
        Ok(folder)
    }

    /// The kernels on every level.
    pub fn kernels(&self, records: &mut Records) -> anyhow::Result<()> {
        let mut command = self.benchmarks(&["kernels"]);
        command.arg(self.data()).arg(self.effort.secs.to_string());
        read(&run(command)?, records)
    }

    /// The loader with more and more threads.
    pub fn scaling(&self, records: &mut Records) -> anyhow::Result<()> {
        let mut command = self.benchmarks(&["scaling"]);
        command.arg(self.data()).arg(self.effort.secs.to_string());
        read(&run(command)?, records)
    }

    /// The loader's memory over many views.
    pub fn memory(&self, records: &mut Records) -> anyhow::Result<()> {
        let mut command = self.benchmarks(&["memory"]);
        command.arg(self.data()).arg(self.effort.views.to_string());
        read(&run(command)?, records)
    }

    /// JPEG files into an empty cache.
    pub fn packing(&self, photos: &Path, records: &mut Records) -> anyhow::Result<()> {
        let cache = self.folder.join("cache");
        let mut command = self.benchmarks(&["packing"]);
        command.arg(photos).arg(&cache);
        read(&run(command)?, records)?;
        forget(&cache)
    }

    /// Two epochs of training, of which the second counts.
    pub fn training(&self, precision: &str, records: &mut Records) -> anyhow::Result<()> {
        let folder = self.folder.join("run");
        let mut command = self.pretrain(&self.data(), &folder);
        command.args(["--epochs", "2", "--precision", precision]);
        run(command)?;
        let epochs = lines(&folder.join("metrics.jsonl"), "epoch")?;
        let epoch = epochs.last().context("the run has no epoch")?;
        let contender = format!("twinview, {precision}");
        let mut add = |metric: &str, value| {
            records.add("training", "step", &contender, metric, value);
        };
        add("images a second", number(epoch, "/images_per_sec")?);
        add("share of waiting", number(epoch, "/data_wait")?);
        let parts = epoch.get("step_secs").and_then(Value::as_object);
        for (part, secs) in parts.context("the epoch has no step_secs")? {
            let secs = secs.as_f64().context("step_secs has what is no number")?;
            add(&format!("seconds: {part}"), secs);
        }
        add("bytes", peak(&folder)?);
        forget(&folder)
    }

    /// Sets of growing size: rendered, opened, and trained on until the first step is done.
    pub fn growth(&self, images: usize, records: &mut Records) -> anyhow::Result<()> {
        let (data, folder) = (self.folder.join("growth"), self.folder.join("run"));
        let begun = Instant::now();
        run(self.synth(&data, images, (images / 20).max(1)))?;
        let rendered = begun.elapsed().as_secs_f64();
        let path = data.join("unlabeled_X.bin");
        let file = fs::metadata(&path).with_context(|| format!("no {}", path.display()))?;
        let subject = images.to_string();
        let add = |records: &mut Records, metric, value| {
            records.add("growth", &subject, "twinview", metric, value);
        };
        add(records, "bytes of the file", file.len() as f64);
        add(records, "seconds to render", rendered);
        let mut command = self.benchmarks(&["opening"]);
        command.arg(&data);
        read(&run(command)?, records)?;

        let metrics = folder.join("metrics.jsonl");
        let mut command = self.pretrain(&data, &folder);
        command.args(["--max-steps", "2", "--set", "train.log_every=1"]);
        command.args(["--precision", "f32"]);
        let begun = Instant::now();
        let mut first_step = None;
        watched(command, |_| {
            if first_step.is_none() && lines(&metrics, "step").is_ok_and(|steps| !steps.is_empty())
            {
                first_step = Some(begun.elapsed().as_secs_f64());
            }
        })?;
        let first_step = first_step.context("the run has no step")?;
        add(records, "seconds to the first step", first_step);
        add(records, "bytes to train", peak(&folder)?);
        forget(&folder)?;
        forget(&data)
    }

    fn benchmarks(&self, args: &[&str]) -> Command {
        let mut command = Command::new(&self.programs.benchmarks);
        command.args(args).current_dir(&self.workspace.root);
        command
    }

    fn synth(&self, out: &Path, unlabeled: usize, train: usize) -> Command {
        let mut command = Command::new(&self.programs.twinview);
        command.args(["data", "synth", "--quiet", "--out"]).arg(out);
        for (name, count) in [("--unlabeled", unlabeled), ("--train", train), ("--test", TEST)] {
            command.args([name, &count.to_string()]);
        }
        command.current_dir(&self.workspace.root);
        command
    }

    fn pretrain(&self, data: &Path, run: &Path) -> Command {
        let mut command = Command::new(&self.programs.twinview);
        command.args(["pretrain", "simclr", "--quiet", "--device", "cpu", "--config", CONFIG]);
        command.args(["--batch-size", &self.effort.batch.to_string()]);
        command.arg("--data").arg(data).arg("--run").arg(run);
        command.current_dir(&self.workspace.root);
        command
    }
}

/// Takes every line that a contender printed.
pub fn read(printed: &str, records: &mut Records) -> anyhow::Result<()> {
    printed.lines().try_for_each(|line| records.read_line(line))
}

/// The lines of a run's metrics that are of a kind. The last one may be half-written while the run
/// goes on.
fn lines(path: &Path, kind: &str) -> anyhow::Result<Vec<Value>> {
    let text =
        fs::read_to_string(path).with_context(|| format!("cannot read {}", path.display()))?;
    let parsed = text.lines().filter_map(|line| serde_json::from_str(line).ok());
    Ok(parsed.filter(|line: &Value| line["kind"] == kind).collect())
}

fn peak(run: &Path) -> anyhow::Result<f64> {
    let path = run.join("summary.json");
    let text =
        fs::read_to_string(&path).with_context(|| format!("cannot read {}", path.display()))?;
    number(&serde_json::from_str(&text)?, "/peak_memory_bytes")
}

fn number(document: &Value, pointer: &str) -> anyhow::Result<f64> {
    let value = document.pointer(pointer).and_then(Value::as_f64);
    value.ok_or_else(|| anyhow!("the run says no number at {pointer}"))
}

fn forget(folder: &Path) -> anyhow::Result<()> {
    fs::remove_dir_all(folder).with_context(|| format!("cannot remove {}", folder.display()))
}
