//! The main job in small, on a rendered set: pretrain, evaluate, and compare with the untrained
//! encoder.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, ensure};
use fs_err as fs;
use serde_json::Value;

use crate::scratch;
use crate::setup;
use crate::workspace::{Workspace, capture, program, run};

/// Where everything goes, from the top of the workspace.
const FOLDER: &str = "runs/demo";
// Image counts, epochs and a side of 64 pixels for about three minutes of training on two cores.
const SYNTH: &str = "data synth --unlabeled 2560 --train 1000 --test 1000 --image-size 64 --out";
const PRETRAIN: &str = "pretrain simclr --config configs/seed/simclr.json --batch-size 128 \
    --epochs 8 --image-size 64";
const EVALUATE: &str = "evaluate --protocol linear --protocol knn --json";

/// Sets up, trains, evaluates, and prints the scores of both encoders. An error if the trained one
/// is not better by both protocols.
pub fn demo(workspace: &Workspace) -> anyhow::Result<()> {
    let libtorch = setup::ensure(workspace, None)?;
    let artifacts = libtorch.build(workspace, &["build", "--package", "cli"])?;
    let binary = program(&artifacts, "twinview")?;
    let twinview = |args: &str, path: &Path, more: &[&str]| -> Command {
        let mut command = workspace.command(&binary, &[]);
        command.args(args.split_whitespace()).arg(path).args(more);
        command
    };
    let folder = workspace.root.join(FOLDER);
    let previous = replace(&folder)?;
    let (data, trained) = (folder.join("data"), folder.join("simclr"));
    run(twinview(SYNTH, &data, &[]))?;
    let mut pretrain = twinview(&format!("{PRETRAIN} --data"), &data, &["--run"]);
    pretrain.arg(&trained);
    run(pretrain)?;
    let after = scores(&capture(twinview(EVALUATE, &trained, &[]))?)?;
    let before = scores(&capture(twinview(EVALUATE, &trained, &["--checkpoint", "initial"]))?)?;

    println!("\n{:<20}{:>15}{:>11}", "Encoder", "linear probe", "kNN");
    for (name, scores) in [("untrained", before), ("simclr, 8 epochs", after)] {
        let [linear, knn] = scores.map(|accuracy| 100.0 * accuracy);
        println!("{name:<20}{linear:>13.1} %{knn:>9.1} %");
    }
    println!("\nThe run, its metrics and its encoder are in {}", trained.display());
    let better = before.iter().zip(after).all(|(before, after)| after > *before);
    ensure!(better, "the trained encoder does not beat the untrained one");
    Ok(scratch::remove(&previous)?)
}

/// The accuracies in the document that `evaluate --json` prints: linear probe and kNN, 0 to 1.
fn scores(json: &str) -> anyhow::Result<[f64; 2]> {
    let document: Value =
        serde_json::from_str(json).context("`evaluate --json` printed no JSON document")?;
    let accuracy = |pointer| {
        let value = document.pointer(pointer).and_then(Value::as_f64);
        value.with_context(|| format!("`evaluate --json` printed no number at {pointer}"))
    };
    Ok([accuracy("/protocols/linear/accuracy")?, accuracy("/protocols/knn/accuracy")?])
}

/// Makes an empty folder. The one before is kept beside it, at the returned path, until this demo
/// has succeeded.
fn replace(folder: &Path) -> anyhow::Result<PathBuf> {
    let previous = folder.with_extension("previous");
    if folder.exists() {
        scratch::remove(&previous)?;
        fs::rename(folder, &previous)?;
    }
    fs::create_dir_all(folder)?;
    Ok(previous)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scores_are_read() {
        let json = r#"{"protocols":{"linear":{"accuracy":0.5},"knn":{"accuracy":0.4375}}}"#;
        assert_eq!(scores(json).unwrap(), [0.5, 0.4375]);
        let error = scores(r#"{"protocols":{"linear":{}}}"#).unwrap_err().to_string();
        assert!(error.contains("/protocols/linear/accuracy"), "{error}");
        assert!(scores("Done.").is_err());
    }

    #[test]
    fn the_previous_demo_is_kept_until_this_one_succeeds() {
        let root = tempfile::tempdir().unwrap();
        let folder = root.path().join("runs/demo");
        for mark in ["first", "second", "third"] {
            let previous = replace(&folder).unwrap();
            assert_eq!(fs::read_dir(&folder).unwrap().count(), 0);
            fs::write(folder.join(mark), "").unwrap();
            if mark == "third" {
                assert!(previous.join("second").is_file());
                scratch::remove(&previous).unwrap();
            }
        }
        assert_eq!(fs::read_dir(root.path().join("runs")).unwrap().count(), 1);
        assert!(folder.join("third").is_file());
    }
}
