//! What the programs in `src/bin` share: a configuration and a set so small that they end in
//! seconds, and a run that prints its epochs.

#![allow(clippy::print_stdout)]

use std::path::{Path, PathBuf};
use std::sync::atomic::AtomicBool;

use anyhow::anyhow;
use dataset::{Dataset, SyntheticSpec};
use trainer::{Config, ConfigError, EpochProgress, EpochRecord, Observer, Provenance, Trainer};

/// Side of the images in pixels.
pub const SIDE: usize = 32;

/// The paths that a program was called with, or how to call it.
///
/// # Errors
/// For more or fewer of them than `usage` names.
pub fn arguments<const COUNT: usize>(usage: &str) -> anyhow::Result<[PathBuf; COUNT]> {
    let paths: Vec<PathBuf> = std::env::args_os().skip(1).map(PathBuf::from).collect();
    paths.try_into().map_err(|_| anyhow!("usage: {usage}"))
}

/// The preset `gpu` of SimCLR on a CPU, with four narrow convolutions for its ResNet-18
/// and small images: three epochs of a few steps each.
///
/// # Errors
/// Never, as long as these settings are there.
pub fn tiny_config() -> Result<Config, ConfigError> {
    let text = include_str!("../../configs/gpu/simclr.json");
    let mut config = Config::parse(text, "configs/gpu/simclr.json")?;
    config.image_size = SIDE;
    for setting in [
        r#"encoder={"conv": {"width": 16, "layers": 4, "pool": "flatten"}}"#,
        "projection.mlp.hidden_dims=[16]",
        "projection.mlp.output_dim=16",
        "train.epochs=3",
        "train.batch_size=32",
        "train.device=cpu",
        "train.precision=f32",
        "train.workers=1",
        "health.on_collapse=warn",
    ] {
        config = config.with(setting)?;
    }
    Ok(config)
}

/// A few images of the procedural set.
///
/// # Errors
/// Never: the numbers are in range.
pub fn tiny_set() -> Result<Dataset, dataset::Error> {
    dataset::synthetic(&SyntheticSpec { unlabeled: 192, train: 64, test: 32, size: SIDE, seed: 0 })
}

/// Who trains.
pub fn origin() -> Provenance {
    Provenance {
        version: env!("CARGO_PKG_VERSION").to_owned(),
        revision: "an example".to_owned(),
        data: Default::default(),
    }
}

/// Trains to the end, in a new run folder that `twinview` can read.
///
/// # Errors
/// Where the folder is taken, or training fails.
pub fn train(mut session: Trainer, folder: &Path) -> anyhow::Result<()> {
    let run = session.create(folder)?;
    // Who sets this to true, from a signal or another thread, stops the run after the step under
    // way.
    let stop = AtomicBool::new(false);
    let outcome = session.train(run, &mut Lines, &stop)?;
    println!("{outcome:?}: {}", folder.display());
    Ok(())
}

/// Watches a run: prints a line an epoch.
struct Lines;

impl Observer for Lines {
    fn progress(&mut self, _: &EpochProgress) {}

    fn epoch(&mut self, epoch: &EpochRecord) {
        let accuracy = epoch.test_probe_acc.unwrap_or(f64::NAN);
        println!(
            "epoch {}: loss {:.4}, accuracy of the probe {:.1} %",
            epoch.epoch,
            epoch.loss,
            100.0 * accuracy
        );
    }

    fn collapse_warning(&mut self, epoch: u32, collapse_reason: &str) {
        println!("epoch {epoch}: {collapse_reason}");
    }
}
