//! The encoder of a run, frozen, for evaluation.

use std::cell::OnceCell;
use std::path::{Path, PathBuf};
use std::rc::Rc;

use dataset::{Dataset, Split};
use loader::ViewBlock;
use models::{DeviceChoice, Mode, Precision, ToTensor, WeightStream, device_name};
use run::{WeightsRecord, file};
use sha2::{Digest, Sha256};
use tch::{Device, Kind, Tensor, no_grad};
use trainer::{DTypes, EncoderAndHead, Error, RunRecord, checkpoint, initial_weights};

use crate::FeatureCache;
use crate::encoding_group::{EncodingGroup, Output, SharedSet};

/// Which weights of a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CheckpointChoice {
    /// Those of the newest checkpoint.
    Newest,
    /// Those after this many epochs, where that checkpoint was kept.
    AfterEpoch(u32),
    /// Those of the epoch that was chosen as the best.
    Best,
    /// Those that the run began with.
    Untrained,
}

/// Whatever a run was trained in: what is measured here is what others get who load the weights.
const KINDS: DTypes = DTypes { master: Kind::Float, compute: Kind::Float };

/// An encoder that doesn't change.
#[derive(Debug)]
pub struct FrozenEncoder {
    pub(crate) networks: EncoderAndHead,
    to_tensor: ToTensor,
    /// The checkpoint that the weights are from; `None` for random ones.
    checkpoint: Option<PathBuf>,
    teacher: bool,
    /// Where features are kept; `None` for nowhere.
    pub cache: Option<FeatureCache>,
    /// The set that several processes encode together.
    pub(crate) shared: Option<SharedSet>,
    /// The hash of the weights, once it is known.
    hash: OnceCell<String>,
    /// The device, as it was found.
    pub device: String,
    /// Threads of libtorch.
    pub threads: usize,
    /// What the run's `config.json` says.
    pub record: RunRecord,
    /// How far it was trained.
    pub trained: TrainingProgress,
}

/// How far an encoder was trained; 0 and 0 for the weights that its run began with.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct TrainingProgress {
    /// Finished epochs.
    pub epoch: u64,
    /// Finished steps.
    pub step: u64,
}

impl FrozenEncoder {
    /// The encoder of the run in `folder`; the teacher's where there is one, as the online probe
    /// reads it.
    ///
    /// # Errors
    /// [`Error::NoRun`], [`Error::Damaged`], or a device that can't be had.
    pub fn open(
        folder: &Path,
        weights: CheckpointChoice,
        device: DeviceChoice,
    ) -> Result<Self, Error> {
        Self::open_on(folder, weights, device.open()?)
    }

    /// The encoder with the weights that the run in `folder`, its own, began with, on the same
    /// device.
    ///
    /// # Errors
    /// Those of [`open`](Self::open).
    pub fn untrained(&self, folder: &Path) -> Result<Self, Error> {
        let untrained =
            Self::open_on(folder, CheckpointChoice::Untrained, self.networks.store.device())?;
        Ok(Self { shared: self.shared.clone(), ..untrained })
    }

    /// Has the processes of `group`, of which this is rank 0, encode the images of `set` together:
    /// that is the `number`th of the sets that the others [`serve`](EncodingGroup::serve) with.
    pub fn share(&mut self, group: &Rc<EncodingGroup>, number: usize, set: &Dataset) {
        self.shared = Some(SharedSet { group: Rc::clone(group), number, set: set.clone() });
    }

    /// An encoder as that of a run, with any weights.
    pub(crate) fn of_record(record: RunRecord, device: DeviceChoice) -> Result<Self, Error> {
        Self::with_any_weights(record, device.open()?)
    }

    fn open_on(folder: &Path, weights: CheckpointChoice, device: Device) -> Result<Self, Error> {
        let mut frozen = Self::with_any_weights(RunRecord::read(folder)?, device)?;
        let checkpoint = match weights {
            CheckpointChoice::Untrained => {
                if frozen.record.init.is_some() {
                    let (file, encoder) =
                        (folder.join(file::INIT_WEIGHTS), &frozen.record.config.encoder);
                    initial_weights::load(&file, &frozen.networks, encoder)?;
                }
                return Ok(frozen);
            }
            CheckpointChoice::Newest => checkpoint::newest_of(folder)?,
            CheckpointChoice::Best => checkpoint::best_of(folder)?,
            CheckpointChoice::AfterEpoch(epoch) => checkpoint::after_epoch(folder, epoch)?,
        };
        frozen.teacher = checkpoint::has_teacher(&checkpoint)?;
        let prefix = if frozen.teacher { "teacher.encoder." } else { "encoder." };
        let named = frozen.networks.encoder_tensors();
        let header = checkpoint::load_into(&checkpoint, prefix, named)?;
        header.check(&checkpoint, &frozen.record)?;
        frozen.trained = TrainingProgress { epoch: header.epoch.into(), step: header.step };
        frozen.checkpoint = Some(checkpoint);
        Ok(frozen)
    }

    fn with_any_weights(record: RunRecord, device: Device) -> Result<Self, Error> {
        let config = &record.config;
        let side = config.image_size as i64;
        let mut networks = EncoderAndHead::new(config, side, WeightStream::Student, device, KINDS)?;
        networks.store.freeze();
        Precision::F32.apply();
        let to_tensor = ToTensor::new(device);
        Ok(Self {
            networks,
            to_tensor,
            checkpoint: None,
            teacher: false,
            cache: None,
            shared: None,
            hash: OnceCell::new(),
            device: device_name(device),
            threads: tch::get_num_threads() as usize,
            record,
            trained: TrainingProgress::default(),
        })
    }

    /// Which weights these are. The hash is that of the tensors as they are now.
    pub fn weights(&self) -> WeightsRecord {
        let file = self.checkpoint.as_deref().and_then(Path::file_name);
        let TrainingProgress { epoch, step } = self.trained;
        WeightsRecord {
            checkpoint: file.map(|name| name.to_string_lossy().into_owned()),
            epoch,
            step,
            teacher: self.teacher,
            sha256: checkpoint::fingerprint(&self.networks.encoder_tensors()),
        }
    }

    /// The hash of the weights as they were read.
    fn sha256(&self) -> &str {
        self.hash.get_or_init(|| checkpoint::fingerprint(&self.networks.encoder_tensors()))
    }

    /// Names the encoder with its weights.
    pub(crate) fn name(&self) -> String {
        let encoder = serde_json::to_string(&self.record.config.encoder).expect("valid JSON");
        format!("{} {} {encoder}", self.sha256(), self.side())
    }

    /// The device of the networks.
    pub(crate) fn on(&self) -> Device {
        self.networks.store.device()
    }

    /// What names the features of `split`, made `batch` images at a time, in a cache: a hash over
    /// all that they depend on, down to the last bit.
    pub(crate) fn key(&self, split: &Split, batch: usize) -> String {
        let encoder = serde_json::to_string(&self.record.config.encoder).expect("valid JSON");
        let mut hash = Sha256::new();
        for part in [
            env!("CARGO_PKG_VERSION"),
            self.sha256(),
            &encoder,
            &self.side().to_string(),
            &self.device,
            &self.threads.to_string(),
            &batch.to_string(),
            &split.cache_key(),
        ] {
            hash.update((part.len() as u64).to_le_bytes());
            hash.update(part);
        }
        files::hex(&hash.finalize())
    }

    /// Side in pixels of the images that the encoder takes.
    pub fn side(&self) -> usize {
        self.record.config.image_size
    }

    /// Number of features of one image.
    pub fn feature_size(&self) -> usize {
        self.networks.encoder.feature_size() as usize
    }

    /// Patches of an image, and features of a patch; `None` for an encoder without patch tokens.
    pub fn patches(&self) -> Option<[usize; 2]> {
        let side = self.side() as i64;
        let image = Tensor::zeros([1, 3, side, side], (Kind::Float, self.on()));
        let tokens = no_grad(|| self.networks.encoder.forward_tokens(&image, Mode::Eval))?;
        let shape = tokens.patches.size();
        Some([shape[1] as usize, shape[2] as usize])
    }

    /// # Shapes
    /// a block of `n` images -> features of patches `[n, patches * features of a patch]`, float32.
    ///
    /// # Panics
    /// If the encoder has no patch tokens.
    pub(crate) fn encode_patches(&self, block: &ViewBlock) -> Tensor {
        let tokens = self.networks.encoder.forward_tokens(&self.images(block), Mode::Eval);
        tokens.expect("an encoder with patch tokens").patches.flatten(1, 2)
    }

    /// # Shapes
    /// a block of `n` images -> `[n, output_size]`, float32.
    ///
    /// # Panics
    /// If the encoder has no patch tokens, for those.
    pub(crate) fn output(&self, output: Output, block: &ViewBlock) -> Tensor {
        match output {
            Output::Features => self.encode(block),
            Output::Patches => self.encode_patches(block),
        }
    }

    /// Numbers that are made of an image.
    pub(crate) fn output_size(&self, output: Output) -> usize {
        match output {
            Output::Features => self.feature_size(),
            Output::Patches => self.patches().map_or(0, |[count, size]| count * size),
        }
    }

    /// # Shapes
    /// a block of `n` images -> features `[n, feature_size]`, float32.
    pub fn encode(&self, block: &ViewBlock) -> Tensor {
        no_grad(|| self.networks.features(&self.images(block)))
    }

    /// # Shapes
    /// a block of `n` images -> `[n, 3, height, width]`, float32 in 0..=1.
    pub(crate) fn images(&self, block: &ViewBlock) -> Tensor {
        let (counts, side) = ([block.images, block.views], [block.height, block.width]);
        self.to_tensor.images(&block.bytes, counts, side)
    }

    /// Networks of their own with the same encoder, to be trained on.
    pub(crate) fn copy(&self) -> EncoderAndHead {
        let (config, store) = (&self.record.config, &self.networks.store);
        let networks = EncoderAndHead::new(
            config,
            self.side() as i64,
            WeightStream::Student,
            store.device(),
            KINDS,
        )
        .expect("such networks were built before");
        let from = store.variables();
        no_grad(|| {
            for (name, mut tensor) in networks.store.variables() {
                tensor.copy_(&from[&name]);
            }
        });
        networks
    }
}
