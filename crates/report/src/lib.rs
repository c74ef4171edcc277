//! Run folders in, a comparison out: leaderboard, figures and one page that needs nothing else.
//!
//! This crate reads what runs have written and trains nothing: it knows JSON, text and pictures, no tensors
//! and no single method. [`Run::read`] reads one run, finished or not; [`write_comparison`] puts runs side
//! by side, one row a method, with means and standard deviations over seeds. What a column is, how it is
//! written and what it means is said once, in [`COLUMNS`], for every format.
//!
//! ```
//! # let place = tempfile::tempdir()?;
//! # let folder = place.path();
//! # std::fs::write(folder.join("config.json"), r#"{
//! #     "version": "1", "revision": "none", "device": "cpu", "threads": [1, 1],
//! #     "data": {"path": null, "kind": "procedural set", "fingerprint": "f00", "image_size": 96,
//! #              "images": [80, 20, 20], "class_names": []},
//! #     "batch": {"unlabeled": 8, "labeled": 2, "steps_per_epoch": 10},
//! #     "config": {"seed": 0, "method": {"simclr": {}}, "train": {"epochs": 2, "precision": "f32"}}
//! # }"#)?;
//! # let line = r#"{"kind": "epoch", "epoch": 1, "step": 10, "loss": 2.5}"#;
//! # std::fs::write(folder.join("metrics.jsonl"), format!("{line}\n"))?;
//! let run = report::Run::read(folder)?;
//! assert_eq!(run.method, "simclr");
//! let last = run.last().expect("an epoch is done");
//! println!("after {} of {} epochs: loss {:?}", last.epoch, run.epochs, last.loss);
//!
//! report::write_comparison(&folder.join("comparison"), &[run])?;
//! # assert!(folder.join("comparison/report.html").exists());
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod column;
mod comparison;
mod date;
mod error;
mod evaluation;
mod figure;
mod history;
mod leaderboard;
mod markup;
mod output;
mod page;
mod run;
#[cfg(test)]
mod sample;
mod series;
mod spread;

pub use column::{COLUMNS, Column, Unit};
pub use comparison::{Comparison, Row, write_comparison};
pub use error::Error;
pub use evaluation::Evaluation;
pub use history::Epoch;
pub use run::{Batch, Data, Run, Summary};
pub use spread::Spread;
