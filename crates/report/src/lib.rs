//! Reads run folders and writes pages: a comparison of methods with a leaderboard and figures, or a
//! report of single runs.
//!
//! The crate knows JSON, text and pictures, but no tensors and no method. [`Run::read`] reads one
//! run, finished or not. [`write_comparison`] compares runs, one row per method, with means and
//! standard deviations over seeds. [`report_page`] shows one or several runs in full, each a
//! [`RunReport`]. Titles, units and definitions of columns are defined once, in [`COLUMNS`],
//! and of curves in [`METRICS`](::run::METRICS). [`write_confusion_matrix`] draws a confusion
//! matrix, [`ContactSheet`] images with captions, and [`write_model_card`] describes an exported
//! encoder.
//!
//! ```
//! # let dir = tempfile::tempdir()?;
//! # let folder = dir.path();
//! # std::fs::write(folder.join("config.json"), r#"{
//! #     "format": 2, "version": "1", "revision": "none", "started_at": "2026-11-28T09:30:00Z",
//! #     "device": "cpu", "threads": {"libtorch": 1, "workers": 1}, "init": null,
//! #     "data": {"paths": [], "kind": "procedural set", "fingerprint": "f00", "image_size": 96,
//! #              "images": {"unlabeled": 80, "train": 20, "test": 20}, "held_out": 0,
//! #              "class_names": []},
//! #     "batch": {"unlabeled": 8, "labeled": 2, "steps_per_epoch": 10},
//! #     "config": {"seed": 0, "method": {"simclr": {}}, "train": {"epochs": 2, "precision": "f32"}}
//! # }"#)?;
//! # let line = r#"{"kind": "epoch", "epoch": 1, "step": 10, "loss": 2.5}"#;
//! # std::fs::write(folder.join("metrics.jsonl"), format!("{line}\n"))?;
//! let run = report::Run::read(folder)?;
//! assert_eq!(run.method, "simclr");
//! let last = run.last().expect("an epoch is done");
//! println!("after {} of {} epochs: loss {}", last.epoch, run.epochs, last.loss);
//!
//! report::write_comparison(folder, &[run], "twinview compare --out OUT")?;
//! # assert!(folder.join("report.html").exists());
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod comparison;
mod contact_sheet;
mod error;
mod evaluation;
mod feature_map;
mod figures;
mod html;
mod mean_std;
mod model_card;
mod page;
mod picture;
mod run;
mod run_report;
#[cfg(test)]
mod tests;

pub use self::run::Run;
pub use comparison::column::{COLUMNS, Column, Unit};
pub use comparison::write::write_comparison;
pub use comparison::{Comparison, Row};
pub use contact_sheet::{ContactSheet, Frame, SheetRow, Tile};
pub use error::Error;
pub use evaluation::{ConfusionMatrix, Evaluation, ProtocolScore};
pub use feature_map::{FeatureMap, Plane, Point, Thumbnails};
pub use figures::confusion_matrix::{check_figure_name, write_confusion_matrix};
pub use mean_std::MeanStd;
pub use model_card::{ExportInfo, model_card_files, write_model_card};
pub use page::report_page;
pub use picture::Picture;
pub use run_report::RunReport;
