//! What the commands share: exit codes, crashes, logs, output, progress, presets, opened runs and
//! sets.

pub mod crash;
pub mod datasets;
pub mod failure;
pub mod job_progress;
pub mod labels;
pub mod logging;
pub mod output;
pub mod presets;
pub mod progress;
pub mod progress_bars;
pub mod run_on_data;
pub mod stop_flag;
pub mod table;
pub mod tiles;
pub mod words;
