//! A learner as one of several processes that make each step together.

use std::ops::Range;
use std::rc::Rc;

use group::Group;
use loader::Shard;
use tch::{Tensor, no_grad};

use super::Learner;
use crate::checkpoint;
use crate::learner::networks::ImageRange;

impl Learner {
    /// Trains together with the other processes of `group`, which begin with the same numbers. With
    /// `sync_norm` encoders normalize over the images of all. Else each normalizes over its own,
    /// and running statistics are those of the first.
    pub fn join(&mut self, group: Rc<Group>, sync_norm: bool) {
        if sync_norm && !group.is_alone() {
            self.student.encoder.synchronize(&group);
            if let Some(teacher) = &mut self.teacher {
                teacher.networks.encoder.synchronize(&group);
            }
        }
        self.local_norm =
            !sync_norm && !group.is_alone() && self.student.encoder.uses_batch_statistics();
        self.group = group;
    }

    /// Whether the encoder's graph is apart from that of heads and loss.
    pub(super) fn is_cut(&self) -> bool {
        self.split || !self.group.is_alone()
    }

    /// The images of this process among `images`, and how many each process has.
    pub(super) fn shares(&self, images: i64) -> (ImageRange, Vec<usize>) {
        let ranges = self.ranges(|shard| shard.range(images as usize));
        let own = &ranges[self.group.rank()];
        let range = ImageRange { images, first: own.start as i64, count: own.len() as i64 };
        (range, ranges.iter().map(Range::len).collect())
    }

    /// What `of` gives for every process.
    pub(super) fn ranges(&self, of: impl Fn(Shard) -> Range<usize>) -> Vec<Range<usize>> {
        let world_size = self.group.size();
        (0..world_size).map(|rank| of(Shard { rank, world_size })).collect()
    }

    /// Gives every process the running statistics of the first, where each has its own.
    pub(super) fn share_statistics(&self) -> Result<(), group::Error> {
        if !self.local_norm {
            return Ok(());
        }
        let stores = self.networks().into_iter().map(|networks| &networks.store);
        let buffers = stores.flat_map(models::buffers).map(|(_, buffer)| buffer);
        let buffers: Vec<Tensor> = buffers.filter(Tensor::is_floating_point).collect();
        let rows: Vec<Tensor> = buffers.iter().map(|buffer| buffer.reshape(-1)).collect();
        let mut flat = Tensor::cat(&rows, 0);
        self.group.broadcast(&mut flat)?;
        let mut first = 0;
        for mut buffer in buffers {
            let count = buffer.numel() as i64;
            buffer.copy_(&flat.narrow(0, first, count).view_as(&buffer));
            first += count;
        }
        Ok(())
    }

    /// Gives every process all that the first has learned, and `steps`, those of the optimizers of
    /// networks and probe.
    ///
    /// # Errors
    /// [`group::Error`].
    pub(crate) fn share_state(&mut self, steps: [u64; 2]) -> Result<(), group::Error> {
        if self.group.is_alone() {
            return Ok(());
        }
        no_grad(|| {
            for (_, mut tensor) in checkpoint::tensors(self) {
                if tensor.numel() > 0 {
                    // The tensor itself, where that is contiguous.
                    let mut shared = tensor.detach().contiguous();
                    self.group.broadcast(&mut shared)?;
                    tensor.copy_(&shared);
                }
            }
            Ok(())
        })?;
        self.optimizer.resume(steps[0]);
        if let Some(probe) = &mut self.probe {
            probe.optimizer.resume(steps[1]);
        }
        Ok(())
    }

    /// A SHA-256 over weights and running statistics of student and teacher.
    pub(crate) fn fingerprint(&self) -> String {
        let named = self.networks().into_iter().zip(["student", "teacher"]);
        let named = named.flat_map(|(networks, name)| {
            let tensors = networks.store.variables().into_iter();
            tensors.map(move |(of, tensor)| (format!("{name}.{of}"), tensor))
        });
        checkpoint::fingerprint(&named.collect::<Vec<_>>())
    }
}
