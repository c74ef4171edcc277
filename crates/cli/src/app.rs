//! What the commands share: exit codes, crashes, logs, output, progress, settings, opened
//! runs and sets.

pub mod continuing;
pub mod crash;
pub mod datasets;
pub mod encoders;
pub mod failure;
pub mod given;
pub mod job_progress;
pub mod json_layout;
pub mod labels;
pub mod launcher;
pub mod libtorch;
pub mod logging;
pub mod method_name;
pub mod output;
pub mod own_rank;
pub mod plan_line;
pub mod presets;
pub mod progress;
pub mod progress_bars;
pub mod ranks;
pub mod run_on_data;
pub mod settings;
pub mod stop_flag;
pub mod table;
pub mod tiles;
pub mod words;
