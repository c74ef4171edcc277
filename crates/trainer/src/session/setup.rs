//! From a configuration and a data set to what batches hold and what the run folder records.

use std::thread::available_parallelism;

use augment::BlockMask;
use dataset::{Dataset, Split};
use loader::{Batch, LoaderConfig, Shard};
use run::{DataRecord, DataSource, ImageCounts};
use tch::{Device, Tensor};

use crate::{BestBy, Config};

/// Batches that may wait in the channel.
const PREFETCH: usize = 3;
/// Threads of libtorch beside a GPU. Copying a batch took 4.2 ms with one, 2.0 with 4 and 15 with
/// 16, on 16 cores.
const GPU_THREADS: i32 = 4;
/// Draws which images are held out. Not the seed of the run, so that runs with several are judged
/// alike.
const HOLD_OUT_SEED: u64 = 0;

/// What only the program knows of a run.
#[derive(Clone, Debug)]
pub struct Provenance {
    /// Version of the program.
    pub version: String,
    /// Source revision that it was built from.
    pub revision: String,
    /// Where the data was read from; without paths for what is made in memory, as the built-in
    /// procedural set is.
    pub data: DataSource,
}

/// What is left of `data` to train on, and the labeled images held out from it, where the best
/// epoch is chosen by such. Training never sees these: not without their labels either.
pub(crate) fn hold_out(best: Option<BestBy>, data: &Dataset) -> (Dataset, Option<Split>) {
    let mut rest = data.clone();
    let Some(BestBy::ValProbeAcc { val_fraction }) = best else {
        return (rest, None);
    };
    let labeled = data.train.as_ref();
    let Some((train, labels)) = labeled.and_then(|train| Some((train, train.labels()?))) else {
        return (rest, None);
    };
    let labels: Vec<i64> = labels.iter().map(|&label| i64::from(label)).collect();
    let rows = dataset::stratified_holdout(&labels, val_fraction, HOLD_OUT_SEED);
    // A set of single images of their classes has none to spare.
    if rows.validation.is_empty() {
        return (rest, None);
    }
    let fit = train.select(&rows.fit);
    if data.unlabeled.same_images(train) {
        rest.unlabeled = fit.without_labels();
    }
    rest.train = Some(fit);
    (rest, Some(train.select(&rows.validation)))
}

/// What batches hold.
pub(crate) fn plan(config: &Config, data: &Dataset, device: Device) -> LoaderConfig {
    LoaderConfig {
        seed: config.seed,
        unlabeled: data.unlabeled.clone(),
        mask: None,
        probe: data.train.as_ref().map(|_| config.probe_recipe()),
        labeled: data.train.clone(),
        batch_size: config.train.batch_size,
        drop_last: false,
        shard: Shard::WHOLE,
        views: config.view_recipes(),
        workers: workers(config.train.workers, device, 1),
        prefetch: PREFETCH,
    }
}

/// How the loader masks the global views, for a method that masks patches of this side.
pub(crate) fn block_mask(config: &Config, patch_size: Option<i64>) -> Option<BlockMask> {
    let (masks, patch) = config.method.masks().zip(patch_size)?;
    let grid = config.image_size / patch as usize;
    Some(BlockMask { grid, probability: masks.probability, ratio: masks.ratio })
}

/// The masks of a batch, one view after the other, `[views * images, patches]` of `u8`.
pub(crate) fn masks(batch: &Batch) -> Option<Tensor> {
    let block = &batch.blocks[0];
    let shape = [block.images as i64, block.views as i64, -1];
    let masks = || Tensor::from_slice(&batch.masks).view(shape).transpose(0, 1).flatten(0, 1);
    (!batch.masks.is_empty()).then(masks)
}

/// Images that a run with `best` has to train on: those that aren't held out from `data`, each
/// counted once.
pub fn training_images(best: Option<BestBy>, data: &Dataset) -> usize {
    let (rest, _) = hold_out(best, data);
    let labeled = rest.train.as_ref();
    let same = labeled.is_some_and(|labeled| labeled.same_images(&rest.unlabeled));
    rest.unlabeled.len() + labeled.map_or(0, |labeled| if same { 0 } else { labeled.len() })
}

/// Threads that make views, of one of `processes` on this machine. On a CPU libtorch needs the
/// cores: making the views of a step takes well under a hundredth of the step. A GPU leaves them to
/// the views.
pub(crate) fn workers(asked: usize, device: Device, processes: usize) -> usize {
    let cores = own_cores(processes);
    match (asked, device) {
        (0, Device::Cpu) => cores.div_ceil(4),
        (0, _) => cores.saturating_sub(1).max(1),
        (asked, _) => asked,
    }
}

/// Cores for one of `processes` on this machine. Slurm binds a process to its own where it was told
/// how many.
fn own_cores(processes: usize) -> usize {
    let cores = available_parallelism().map_or(1, usize::from);
    let is_bound = std::env::var_os("SLURM_CPUS_PER_TASK").is_some();
    if is_bound { cores } else { (cores / processes).max(1) }
}

/// Sets the threads of libtorch in one of `processes` on this machine, unless `OMP_NUM_THREADS`
/// says how many.
pub fn share_cores(processes: usize) {
    if std::env::var_os("OMP_NUM_THREADS").is_none() {
        let own = i32::try_from(own_cores(processes)).unwrap_or(i32::MAX);
        tch::set_num_threads(tch::get_num_threads().min(own));
    }
}

/// Threads of libtorch in one of `processes` on this machine, which this sets.
pub(crate) fn share_threads(device: Device, processes: usize) -> usize {
    share_cores(processes);
    libtorch_threads(device)
}

/// Threads of libtorch, which this sets. Beside a GPU they only copy batches to page-locked memory,
/// and one for every core would stand in the way of those that make views.
pub(crate) fn libtorch_threads(device: Device) -> usize {
    if device.is_cuda() {
        tch::set_num_threads(tch::get_num_threads().min(GPU_THREADS));
    }
    tch::get_num_threads() as usize
}

pub(crate) fn data_record(
    data: &Dataset,
    held_out: Option<&Split>,
    source: DataSource,
) -> DataRecord {
    let count = |split: &Option<Split>| split.as_ref().map_or(0, Split::len);
    DataRecord {
        source,
        kind: data.kind.to_owned(),
        fingerprint: data.fingerprint(),
        image_size: data.unlabeled.width(),
        images: ImageCounts {
            unlabeled: data.unlabeled.len(),
            train: count(&data.train),
            test: count(&data.test),
        },
        unlabeled_is_train: data.unlabeled_is_train(),
        held_out: held_out.map_or(0, Split::len),
        class_names: data.class_names.clone(),
    }
}

#[cfg(test)]
mod tests {
    use dataset::SyntheticSpec;

    use super::*;

    fn set() -> Dataset {
        let spec = SyntheticSpec { unlabeled: 20, train: 60, test: 10, size: 16, seed: 0 };
        dataset::synthetic(&spec).unwrap()
    }

    fn images(split: &Split) -> Vec<&[u8]> {
        let images = (0..split.len()).map(|index| split.image(index).bytes);
        images.collect()
    }

    #[test]
    fn held_out_images_are_not_trained_on() {
        let data = set();
        let best = Some(BestBy::ValProbeAcc { val_fraction: 0.2 });
        let (rest, held) = hold_out(best, &data);
        let (train, held) = (rest.train.as_ref().unwrap(), held.unwrap());
        assert_eq!((train.len() + held.len(), rest.unlabeled.len()), (60, 20));
        let (kept, out) = (images(train), images(&held));
        assert!(out.iter().all(|image| !kept.contains(image)));
        // Some of every class on both sides.
        for class in 0..10 {
            let count =
                |split: &Split| split.labels().unwrap().iter().filter(|&&c| c == class).count();
            assert!(count(&held) >= 1 && count(train) > count(&held), "{class}");
        }
        let again = hold_out(best, &data).1.unwrap();
        assert_eq!(images(&again), out);
        // Where training images are all that there is, they aren't seen without labels either.
        let mut labeled = set();
        labeled.unlabeled = labeled.train.as_ref().unwrap().without_labels();
        let (rest, held) = hold_out(best, &labeled);
        assert!(rest.unlabeled.labels().is_none());
        assert_eq!(rest.unlabeled.len() + held.unwrap().len(), 60);
    }

    #[test]
    fn nothing_is_held_out_unless_it_is_asked_for_and_there_are_labels() {
        let mut data = set();
        for best in [None, Some(BestBy::EffectiveRank)] {
            let (rest, held) = hold_out(best, &data);
            assert!(held.is_none() && rest.train.unwrap().len() == 60);
        }
        data.train = None;
        let best = Some(BestBy::ValProbeAcc { val_fraction: 0.2 });
        assert!(hold_out(best, &data).1.is_none());
    }
}
