//! Run folders in, pages out: a comparison of methods with its leaderboard and figures, or a report
//! of single runs.
//!
//! This crate reads what runs have written and trains nothing: it knows JSON, text and pictures, no
//! tensors and no single method. [`Run::read`] reads one run, finished or not. [`write_comparison`]
//! puts runs side by side, one row a method, with means and standard deviations over seeds;
//! [`write_report`] shows one or several runs whole, each a [`Portrait`] with what others drew of
//! it. What a column or a curve is, how it is written and what it means is said once, in
//! [`COLUMNS`] and in `panel.rs`, for every format. [`write_confusion`] draws a confusion matrix.
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
//! report::write_comparison(folder, &[run])?;
//! # assert!(folder.join("report.html").exists());
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod card;
mod column;
mod comparison;
mod confusion;
mod date;
mod error;
mod evaluation;
mod figure;
mod history;
mod leaderboard;
mod map;
mod markup;
mod page;
mod panel;
mod picture;
mod portrait;
mod run;
#[cfg(test)]
mod sample;
mod series;
mod spread;

pub use card::{Exported, write_card};
pub use column::{COLUMNS, Column, Unit};
pub use comparison::{Comparison, Row, write_comparison};
pub use confusion::write_confusion;
pub use error::Error;
pub use evaluation::{ConfusionMatrix, Evaluation};
pub use history::Epoch;
pub use map::{Map, Plane, Point, Thumbnails};
pub use picture::Picture;
pub use portrait::{Portrait, write_report};
pub use run::{Batch, Data, Run, Summary};
pub use spread::Spread;
