//! The encoder of a run, frozen, for evaluation.

use std::path::Path;

use loader::Block;
use models::{DeviceChoice, Door};
use tch::{Kind, Tensor, no_grad};

use crate::checkpoint;
use crate::networks::{Kinds, Networks};
use crate::{Error, RunRecord, read_record};

/// Which weights of a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Weights {
    /// Those of the newest checkpoint.
    Newest,
    /// Those after this many epochs, where that checkpoint was kept.
    AfterEpoch(u32),
    /// Those of the epoch that was chosen as the best.
    Best,
    /// Those that the run began with.
    Untrained,
}

/// An encoder that doesn't change.
#[derive(Debug)]
pub struct Frozen {
    pub(crate) networks: Networks,
    door: Door,
    /// What the run's `config.json` says.
    pub record: RunRecord,
    /// Finished epochs and steps; 0 for random weights.
    pub trained: [u64; 2],
}

impl Frozen {
    /// The encoder of the run in `folder`; the teacher's where there is one, as the online probe reads it.
    ///
    /// # Errors
    /// [`Error::NoRun`], [`Error::Damaged`], or a device that can't be had.
    pub fn open(folder: &Path, weights: Weights, device: DeviceChoice) -> Result<Self, Error> {
        let record = read_record(folder)?;
        let device = device.open()?;
        let config = &record.config;
        let side = config.side() as i64;
        // Whatever it was trained in: what is measured here is what others get who load the weights.
        let kinds = Kinds {
            master: Kind::Float,
            compute: Kind::Float,
        };
        let mut networks = Networks::new(config, side, 0, device, kinds)?;
        networks.store.freeze();
        let door = Door::new(device, Kind::Float);
        let mut frozen = Self {
            networks,
            door,
            record,
            trained: [0, 0],
        };
        let checkpoint = match weights {
            Weights::Untrained => return Ok(frozen),
            Weights::Newest => checkpoint::newest_of(folder)?,
            Weights::Best => checkpoint::best_of(folder)?,
            Weights::AfterEpoch(epoch) => checkpoint::after_epoch(folder, epoch)?,
        };
        let named = frozen.networks.store.variables();
        let named = named
            .into_iter()
            .filter(|(name, _)| name.starts_with("encoder."))
            .collect();
        let prefix = if checkpoint::has_teacher(&checkpoint)? {
            "teacher."
        } else {
            ""
        };
        let header = checkpoint::load_into(&checkpoint, prefix, named)?;
        frozen.trained = [u64::from(header.epoch), header.step];
        Ok(frozen)
    }

    /// Side in pixels of the images that the encoder takes.
    pub fn side(&self) -> usize {
        self.record.config.side()
    }

    /// Features of one image.
    pub fn feature_size(&self) -> i64 {
        self.networks.encoder.feature_size()
    }

    /// # Shapes
    /// a block of `n` images -> features `[n, feature_size]`, float32.
    pub fn encode(&self, block: &Block) -> Tensor {
        let (counts, side) = ([block.images, block.views], [block.height, block.width]);
        let images = self.door.images(&block.bytes, counts, side);
        no_grad(|| self.networks.features(&images))
    }
}
