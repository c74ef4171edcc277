//! Batches on the device, one ahead of the step under way.

use std::collections::VecDeque;
use std::time::Duration;

use loader::{Batch, Loader, LoaderConfig, Position, ViewBlock};
use models::ToTensor;
use models::cuda::{CopyStream, CudaError, PageLock, Transfer};
use tch::{Device, Tensor};

use crate::Error;
use crate::learner::DeviceBatch;
use crate::session::setup::masks;

/// Copies that may be under way; each keeps a batch of the loader.
const COPIES: usize = 2;

/// The batches of a loader, on the device. While a GPU computes a step, the bytes of the next batch
/// are copied to it.
#[derive(Debug)]
pub(crate) struct Input {
    /// Before the loader, whose memory they read.
    copies: Option<Copies>,
    loader: Loader,
    plan: LoaderConfig,
    to_tensor: ToTensor,
    /// What [`look_ahead`](Self::look_ahead) found.
    ahead: Option<Result<Uploaded, Error>>,
    /// See [`slow_copies`](Self::slow_copies).
    slow: Option<CudaError>,
}

/// A batch whose bytes are on the device, or on their way.
#[derive(Debug)]
pub(crate) struct Uploaded {
    /// Images of the whole batch, and labeled ones of these.
    pub counts: [i64; 2],
    /// Views of each size, `[images, views, 3, height, width]` of `u8`; for a probe its views last.
    bytes: Vec<Tensor>,
    has_probe: bool,
    labels: Tensor,
    masks: Option<Tensor>,
}

impl Input {
    /// Starts the loader; the first batch is the one at `from`.
    ///
    /// # Errors
    /// [`Error::LoaderConfig`], [`Error::Cuda`].
    pub fn start(plan: &LoaderConfig, from: Position, device: Device) -> Result<Self, Error> {
        let copies = match device {
            Device::Cuda(gpu) => Some(Copies::new(gpu)?),
            _ => None,
        };
        let loader = Loader::start(plan.clone(), from).map_err(Error::LoaderConfig)?;
        let to_tensor = ToTensor::new(device);
        Ok(Self { copies, loader, plan: plan.clone(), to_tensor, ahead: None, slow: None })
    }

    /// The next batch; waits for it.
    ///
    /// # Errors
    /// [`Error::Loader`], [`Error::Cuda`].
    pub fn next(&mut self) -> Result<Uploaded, Error> {
        match self.ahead.take() {
            Some(uploaded) => uploaded,
            None => {
                let batch = self.loader.next().map_err(Error::Loader)?;
                self.upload(batch)
            }
        }
    }

    /// Starts to copy the next batch where it is there already. What goes wrong is an error of
    /// [`next`](Self::next): the step before it is whole.
    pub fn look_ahead(&mut self) {
        if self.ahead.is_none() {
            self.ahead = match self.loader.next_within(Duration::ZERO) {
                Ok(batch) => batch.map(|batch| self.upload(batch)),
                Err(error) => Some(Err(Error::Loader(error))),
            };
        }
    }

    /// A batch as the learner takes it.
    pub fn batch(&self, uploaded: &Uploaded) -> DeviceBatch {
        let [images, labeled] = uploaded.counts;
        let mut views: Vec<Tensor> =
            uploaded.bytes.iter().map(|bytes| self.to_tensor.convert(bytes)).collect();
        let probe = uploaded.has_probe.then(|| views.pop()).flatten();
        let probe = probe.map(|views| (views, uploaded.labels.shallow_clone()));
        let masks = uploaded.masks.as_ref().map(Tensor::shallow_clone);
        DeviceBatch { views, masks, images, labeled, probe }
    }

    /// The time that was waited for views so far, in seconds.
    pub fn wait_secs(&self) -> f64 {
        self.loader.wait_secs()
    }

    /// Why batches are copied once more than need be, said once.
    pub fn slow_copies(&mut self) -> Option<CudaError> {
        self.slow.take()
    }

    fn upload(&mut self, mut batch: Batch) -> Result<Uploaded, Error> {
        let counts = self.plan.batch_images(batch.step).map(|count| count as i64);
        let labels = self.to_tensor.labels(&batch.labels);
        let (has_probe, masks) = (batch.probe.is_some(), masks(&batch));
        if let Some(Err(error)) = self.copies.as_ref().map(|_| lock_pages(&mut batch)) {
            (self.slow, self.copies) = (Some(error), None);
        }
        let bytes = match &mut self.copies {
            Some(copies) => copies.start(batch, &self.loader)?,
            None => {
                let upload = |block: &ViewBlock| {
                    let &ViewBlock { images, views, height, width, .. } = block;
                    self.to_tensor.upload(&block.bytes, [images, views], [height, width])
                };
                let bytes = blocks(&batch).map(upload).collect();
                self.loader.recycle(batch);
                bytes
            }
        };
        Ok(Uploaded { counts, bytes, has_probe, labels, masks })
    }
}

impl Uploaded {
    /// Room for another batch without masks, of the same sizes.
    pub fn alike(&self) -> Self {
        Self {
            counts: self.counts,
            bytes: self.bytes.iter().map(Tensor::empty_like).collect(),
            has_probe: self.has_probe,
            labels: self.labels.empty_like(),
            masks: None,
        }
    }

    /// Becomes a copy of another batch of the same sizes.
    pub fn copy_from(&mut self, other: &Self) {
        for (own, other) in self.bytes.iter_mut().zip(&other.bytes) {
            own.copy_(other);
        }
        self.labels.copy_(&other.labels);
    }
}

/// All views of a batch, those for a probe last.
fn blocks(batch: &Batch) -> impl Iterator<Item = &ViewBlock> {
    batch.blocks.iter().chain(&batch.probe)
}

fn bytes_of(batch: &Batch) -> Vec<&[u8]> {
    blocks(batch).map(|block| &block.bytes[..]).collect()
}

/// Has a GPU read the views where they are. Once for each batch of a loader, which has few.
fn lock_pages(batch: &mut Batch) -> Result<(), CudaError> {
    for block in batch.blocks.iter_mut().chain(&mut batch.probe) {
        if block.bytes.attached().is_none() && !block.bytes.is_empty() {
            let lock = PageLock::new(block.bytes.room())?;
            block.bytes.attach(Box::new(lock));
        }
    }
    Ok(())
}

/// Copies to a GPU from the memory of a loader's batches.
#[derive(Debug)]
struct Copies {
    stream: CopyStream,
    /// Oldest first.
    under_way: VecDeque<Transfer<Batch>>,
}

impl Copies {
    fn new(gpu: usize) -> Result<Self, Error> {
        Ok(Self { stream: CopyStream::new(gpu)?, under_way: VecDeque::new() })
    }

    /// Starts to copy the views of a batch, for the steps that are queued from now on, and gives
    /// batches that were copied back to `loader`.
    fn start(&mut self, batch: Batch, loader: &Loader) -> Result<Vec<Tensor>, Error> {
        let shapes: Vec<[i64; 5]> = blocks(&batch)
            .map(|block| [block.images, block.views, 3, block.height, block.width])
            .map(|shape| shape.map(|side| side as i64))
            .collect();
        let mut transfer = self.stream.start(batch, bytes_of)?;
        let tensors = transfer.receive()?;
        self.under_way.push_back(transfer);
        while self.under_way.len() > COPIES
            || self.under_way.front().is_some_and(|oldest| oldest.is_done() == Ok(true))
        {
            let Some(oldest) = self.under_way.pop_front() else { break };
            loader.recycle(oldest.into_source()?);
        }
        Ok(tensors.iter().zip(shapes).map(|(bytes, shape)| bytes.view(shape)).collect())
    }
}

#[cfg(test)]
mod tests {
    use dataset::SyntheticSpec;
    use loader::Shard;

    use super::*;

    #[test]
    fn looking_ahead_changes_no_batch() {
        let spec = SyntheticSpec { unlabeled: 12, train: 6, test: 0, size: 16, seed: 0 };
        let set = dataset::synthetic(&spec).unwrap();
        let recipe = augment::Recipe::seed_strong(12);
        let plan = LoaderConfig {
            seed: 0,
            unlabeled: set.unlabeled,
            labeled: set.train,
            batch_size: 6,
            drop_last: false,
            shard: Shard::WHOLE,
            views: vec![recipe.clone(), recipe.clone(), augment::Recipe::seed_weak(8)],
            mask: None,
            probe: Some(recipe),
            workers: 2,
            prefetch: 1,
        };
        let from = Position { epoch: 0, step: 1 };
        let mut input = Input::start(&plan, from, Device::Cpu).unwrap();
        let mut loader = Loader::start(plan, from).unwrap();
        let to_tensor = ToTensor::new(Device::Cpu);
        for step in 0..7 {
            let uploaded = input.next().unwrap();
            let found = input.batch(&uploaded);
            (0..step % 3).for_each(|_| input.look_ahead());
            let batch = loader.next().unwrap();
            let image = |block: &ViewBlock| {
                let (counts, side) = ([block.images, block.views], [block.height, block.width]);
                to_tensor.images(&block.bytes, counts, side)
            };
            let expected: Vec<Tensor> = batch.blocks.iter().map(image).collect();
            assert_eq!((found.images, found.labeled, &found.views), (6, 2, &expected));
            let (images, labels) = found.probe.unwrap();
            assert_eq!(images, image(batch.probe.as_ref().unwrap()));
            assert_eq!(Vec::<i64>::try_from(&labels).unwrap(), batch.labels);
        }
    }
}
