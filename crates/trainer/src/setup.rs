//! From a configuration and a data set to what batches hold and what the run folder records.

use std::path::PathBuf;
use std::thread::available_parallelism;

use dataset::Dataset;
use loader::Plan;
use tch::Device;

use crate::Config;
use crate::run_folder::DataRecord;

/// Batches that may wait in the channel.
const PREFETCH: usize = 3;

/// What only the program knows of a run.
#[derive(Clone, Debug)]
pub struct Origin {
    /// Version of the program.
    pub version: String,
    /// Source revision that it was built from.
    pub revision: String,
    /// Where the data was read from; `None` for the built-in procedural set.
    pub data: Option<PathBuf>,
}

/// What batches hold. The share of labelled images is that of the labelled split in all the images.
pub(crate) fn plan(config: &Config, data: &Dataset, device: Device) -> Plan {
    let batch = config.train.batch_size;
    let unlabeled = data.unlabeled.len();
    let labeled = data.train.clone().map(|train| {
        let share = train.len() as f64 / (train.len() + unlabeled) as f64;
        let count = (batch as f64 * share).round() as usize;
        (train, count.clamp(1, batch.max(2) - 1))
    });
    let labeled_per_batch = labeled.as_ref().map_or(0, |(_, count)| *count);
    Plan {
        seed: config.seed,
        unlabeled: data.unlabeled.clone(),
        unlabeled_per_batch: batch - labeled_per_batch,
        probe: labeled.as_ref().map(|_| config.augment.probe.clone()),
        labeled,
        views: config.augment.views.clone(),
        workers: workers(config.train.workers, device),
        prefetch: PREFETCH,
    }
}

/// Threads that make views. On a CPU libtorch needs the cores: making the views of a step takes well
/// under a hundredth of the step. A GPU leaves them to the views.
fn workers(asked: usize, device: Device) -> usize {
    let cores = available_parallelism().map_or(1, usize::from);
    match (asked, device) {
        (0, Device::Cpu) => cores.div_ceil(4),
        (0, _) => cores.saturating_sub(1).max(1),
        (asked, _) => asked,
    }
}

pub(crate) fn data_record(data: &Dataset, path: Option<PathBuf>) -> DataRecord {
    let count = |split: &Option<dataset::Split>| split.as_ref().map_or(0, dataset::Split::len);
    DataRecord {
        path,
        kind: data.kind.to_owned(),
        fingerprint: data.fingerprint(),
        image_size: data.unlabeled.width(),
        images: [data.unlabeled.len(), count(&data.train), count(&data.test)],
        class_names: data.class_names.clone(),
    }
}

pub(crate) fn device_name(device: Device) -> String {
    match device {
        Device::Cuda(gpu) => format!("cuda:{gpu}"),
        _ => "cpu".to_owned(),
    }
}
