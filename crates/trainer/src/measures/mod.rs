//! What training measures: per step, per epoch, on a fixed sample, and of the process.

pub(crate) mod clock;
pub(crate) mod epoch_metrics;
pub(crate) mod health;
pub(crate) mod knn_monitor;
pub(crate) mod memory;
pub(crate) mod resident;
pub(crate) mod step_profile;
