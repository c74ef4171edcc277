//! The main job in small, on a set that is rendered here: pretrain, evaluate, and compare with the
//! same encoder before training.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context, anyhow, bail};

use crate::libtorch::{self, Libtorch, Request};
use crate::workspace::{self, Workspace};

/// Where everything goes, from the top of the workspace.
const FOLDER: &str = "runs/demo";
const METHOD: &str = "simclr";
const CONFIG: &str = "configs/seed/simclr.json";

// About three minutes of training on two cores.
const UNLABELED: &str = "2560";
const TRAIN: &str = "1000";
const TEST: &str = "1000";
const BATCH: &str = "128";
const EPOCHS: &str = "8";
/// Side of the images: small, so that two cores need about three minutes.
const SIZE: &str = "64";

/// Sets up, trains, evaluates, and shows both encoders side by side.
///
/// # Errors
/// When a step fails, or when training did not make the encoder better by both measures.
pub fn demo(workspace: &Workspace) -> anyhow::Result<()> {
    let libtorch = libtorch::ensure(workspace, Request::Configured)?;
    let twinview = Twinview { workspace, libtorch: &libtorch };
    twinview.build()?;
    let folder = Folder::renew(workspace.root.join(FOLDER))?;
    let (data, run) = (folder.path.join("data"), folder.path.join(METHOD));
    let (data, run) = (path_text(&data)?, path_text(&run)?);

    let counts = ["--unlabeled", UNLABELED, "--train", TRAIN, "--test", TEST, "--image-size", SIZE];
    twinview.run(&[&["data", "synth", "--out", data][..], &counts].concat())?;
    let pretrain = ["pretrain", METHOD, "--data", data, "--config", CONFIG, "--run", run];
    let length = ["--batch-size", BATCH, "--epochs", EPOCHS];
    let sizes = ["views.0", "views.1", "probe"].map(|view| format!("augment.{view}.size={SIZE}"));
    let sizes: Vec<&str> = sizes.iter().flat_map(|size| ["--set", size.as_str()]).collect();
    twinview.run(&[&pretrain[..], &length, &sizes].concat())?;
    let evaluate = ["evaluate", run, "--protocol", "linear", "--protocol", "knn", "--json"];
    let trained = Scores::read(&twinview.json(&evaluate)?)?;
    let untrained =
        Scores::read(&twinview.json(&[&evaluate[..], &["--checkpoint", "initial"]].concat())?)?;

    print!("{}", table(untrained, trained));
    println!("\nThe run, its metrics and its encoder are in {run}");
    if trained.linear <= untrained.linear || trained.knn <= untrained.knn {
        bail!("the trained encoder does not beat the untrained one");
    }
    folder.forget_previous()
}

fn path_text(path: &Path) -> anyhow::Result<&str> {
    path.to_str().ok_or_else(|| anyhow!("{} is not UTF-8", path.display()))
}

/// The folder of this demo. That of the one before stays beside it until this one has succeeded.
struct Folder {
    path: PathBuf,
    previous: PathBuf,
}

impl Folder {
    fn renew(path: PathBuf) -> anyhow::Result<Self> {
        let previous = path.with_extension("previous");
        let folder = Self { path, previous };
        if folder.path.exists() {
            folder.forget_previous()?;
            fs::rename(&folder.path, &folder.previous)
                .with_context(|| format!("cannot move {} away", folder.path.display()))?;
        }
        fs::create_dir_all(&folder.path)
            .with_context(|| format!("cannot make {}", folder.path.display()))?;
        Ok(folder)
    }

    fn forget_previous(&self) -> anyhow::Result<()> {
        if !self.previous.exists() {
            return Ok(());
        }
        fs::remove_dir_all(&self.previous)
            .with_context(|| format!("cannot remove {}", self.previous.display()))
    }
}

/// The program of this workspace.
struct Twinview<'a> {
    workspace: &'a Workspace,
    libtorch: &'a Libtorch,
}

impl Twinview<'_> {
    fn build(&self) -> anyhow::Result<()> {
        let mut command = self.workspace.cargo(&["build", "--package", "cli"]);
        self.libtorch.configure(&mut command);
        workspace::run(command)
    }

    fn command(&self, args: &[&str]) -> Command {
        let cargo = ["run", "--quiet", "--package", "cli", "--"];
        let mut command = self.workspace.cargo(&[&cargo, args].concat());
        self.libtorch.configure(&mut command);
        command
    }

    fn run(&self, args: &[&str]) -> anyhow::Result<()> {
        workspace::run(self.command(args))
    }

    /// Runs it and hands back what it printed; its log goes to the terminal.
    fn json(&self, args: &[&str]) -> anyhow::Result<String> {
        println!("==> twinview {}", args.join(" "));
        let output = self.command(args).stderr(Stdio::inherit()).output()?;
        if !output.status.success() {
            bail!("`twinview {}` failed ({})", args.join(" "), output.status);
        }
        String::from_utf8(output.stdout).context("twinview printed what is not UTF-8")
    }
}

/// Accuracies on the test split, 0 to 1.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Scores {
    linear: f64,
    knn: f64,
}

impl Scores {
    /// Reads the document that `evaluate --json` prints.
    fn read(json: &str) -> anyhow::Result<Self> {
        let document: serde_json::Value =
            serde_json::from_str(json).context("`evaluate --json` printed no JSON document")?;
        let accuracy = |protocol: &str| {
            let pointer = format!("/protocols/{protocol}/accuracy");
            let value = document.pointer(&pointer).and_then(serde_json::Value::as_f64);
            value.ok_or_else(|| anyhow!("`evaluate --json` printed no number at {pointer}"))
        };
        Ok(Self { linear: accuracy("linear")?, knn: accuracy("knn")? })
    }
}

fn table(untrained: Scores, trained: Scores) -> String {
    let row = |name: &str, scores: Scores| {
        let (linear, knn) = (100.0 * scores.linear, 100.0 * scores.knn);
        format!("{name:<20}{linear:>13.1} %{knn:>9.1} %\n")
    };
    format!("\n{:<20}{:>15}{:>11}\n", "Encoder", "linear probe", "kNN")
        + &row("untrained", untrained)
        + &row(&format!("{METHOD}, {EPOCHS} epochs"), trained)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scores_are_read_and_shown() {
        let json = r#"{"protocols":{"linear":{"accuracy":0.5},"knn":{"accuracy":0.4375}}}"#;
        let scores = Scores::read(json).unwrap();
        assert_eq!(scores, Scores { linear: 0.5, knn: 0.4375 });
        let shown = table(Scores { linear: 0.1, knn: 0.2 }, scores);
        let words = |line: &str| line.split_whitespace().map(str::to_owned).collect::<Vec<_>>();
        let last = words(shown.lines().last().unwrap());
        assert_eq!(last[last.len() - 4..], ["50.0", "%", "43.8", "%"]);

        let error = Scores::read(r#"{"protocols":{"linear":{}}}"#).unwrap_err().to_string();
        assert!(error.contains("/protocols/linear/accuracy"), "{error}");
        assert!(Scores::read("Done.").is_err());
    }

    #[test]
    fn the_previous_demo_stays_until_this_one_succeeds() {
        let root = tempfile::tempdir().unwrap();
        let path = root.path().join("runs/demo");
        for mark in ["first", "second", "third"] {
            let folder = Folder::renew(path.clone()).unwrap();
            assert_eq!(fs::read_dir(&path).unwrap().count(), 0);
            fs::write(path.join(mark), "").unwrap();
            if mark == "third" {
                assert!(folder.previous.join("second").is_file());
                folder.forget_previous().unwrap();
            }
        }
        let left = fs::read_dir(root.path().join("runs")).unwrap();
        let left: Vec<_> = left.map(|entry| entry.unwrap().path()).collect();
        assert_eq!(left, std::slice::from_ref(&path));
        assert!(path.join("third").is_file());
    }
}
