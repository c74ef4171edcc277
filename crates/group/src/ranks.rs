//! The group of processes, and its collectives.

use std::time::Duration;

use tch::{Device, Kind, Tensor};

#[cfg(feature = "c10d")]
use crate::c10d::Collectives;
use crate::{Error, Launch};

/// The processes of a training. Each makes the same calls in the same order.
///
/// A collective waits for all ranks. It fails if one ended or does not answer in time, and the
/// group can't be used after that.
#[derive(Debug)]
pub struct Group {
    rank: usize,
    size: usize,
    /// This process among those on this machine, and their number.
    local: (usize, usize),
    #[cfg(feature = "c10d")]
    collectives: Option<Collectives>,
}

/// What the statistics of [`Group::sync_batch_norm`] are.
#[derive(Debug)]
pub struct BatchStatistics {
    /// Means, `[channels]`.
    pub mean: Tensor,
    /// Variances divided by the number of values, `[channels]`.
    pub variance: Tensor,
    /// Values of a channel over all ranks, a scalar.
    pub count: Tensor,
}

impl Group {
    /// One process on its own.
    pub fn alone() -> Self {
        Self {
            rank: 0,
            size: 1,
            local: (0, 1),
            #[cfg(feature = "c10d")]
            collectives: None,
        }
    }

    /// Whether this program can be one of several processes: it was built with c10d.
    pub const HAS_C10D: bool = cfg!(feature = "c10d");

    /// Joins the other processes of `launch`, over TCP. Waits at most `timeout` for them, as every
    /// later collective does.
    ///
    /// # Errors
    /// [`Error::NoAnswer`], [`Error::Address`], [`Error::Collective`] where a process doesn't come,
    /// [`Error::NoC10d`].
    pub fn join(launch: &Launch, timeout: Duration) -> Result<Self, Error> {
        let Launch { rank, size, local_rank, local_size, .. } = *launch;
        if size == 1 {
            return Ok(Self::alone());
        }
        #[cfg(not(feature = "c10d"))]
        {
            let _ = (rank, local_rank, local_size, timeout);
            Err(Error::NoC10d { size })
        }
        #[cfg(feature = "c10d")]
        {
            let collectives = Some(Collectives::join(launch, timeout)?);
            Ok(Self { rank, size, local: (local_rank, local_size), collectives })
        }
    }

    /// Has NCCL carry the tensors that are on GPUs; each process has a GPU of its own.
    ///
    /// # Errors
    /// [`Error::Collective`] where libtorch has no NCCL, or there is no GPU.
    pub fn use_nccl(&self) -> Result<(), Error> {
        #[cfg(feature = "c10d")]
        if let Some(collectives) = &self.collectives {
            return collectives.use_nccl();
        }
        Ok(())
    }

    /// This process, from 0.
    pub fn rank(&self) -> usize {
        self.rank
    }

    /// Number of processes.
    pub fn size(&self) -> usize {
        self.size
    }

    /// This process among those on its machine, from 0.
    pub fn local_rank(&self) -> usize {
        self.local.0
    }

    /// Number of processes on this machine.
    pub fn local_size(&self) -> usize {
        self.local.1
    }

    /// Whether this is the process that writes files and speaks.
    pub fn is_first(&self) -> bool {
        self.rank == 0
    }

    /// Whether this is one process on its own.
    pub fn is_alone(&self) -> bool {
        self.size == 1
    }

    /// The sum over all ranks, in place, with the same bits on each.
    ///
    /// # Errors
    /// [`Error::Collective`].
    pub fn all_reduce(&self, tensor: &mut Tensor) -> Result<(), Error> {
        #[cfg(feature = "c10d")]
        if let Some(collectives) = &self.collectives {
            return collectives.all_reduce(tensor);
        }
        let _ = tensor;
        Ok(())
    }

    /// What rank 0 has, on all ranks, in place.
    ///
    /// # Errors
    /// [`Error::Collective`].
    pub fn broadcast(&self, tensor: &mut Tensor) -> Result<(), Error> {
        #[cfg(feature = "c10d")]
        if let Some(collectives) = &self.collectives {
            return collectives.broadcast(tensor);
        }
        let _ = tensor;
        Ok(())
    }

    /// The bytes that rank 0 has, on all ranks.
    ///
    /// # Errors
    /// [`Error::Collective`].
    pub fn broadcast_bytes(&self, bytes: &[u8]) -> Result<Vec<u8>, Error> {
        if self.is_alone() {
            return Ok(bytes.to_vec());
        }
        let mut length = Tensor::from(bytes.len() as i64);
        self.broadcast(&mut length)?;
        let length = length.int64_value(&[]);
        let mut all = match self.is_first() {
            true => Tensor::from_slice(bytes),
            false => Tensor::zeros([length], (Kind::Uint8, Device::Cpu)),
        };
        if length > 0 {
            self.broadcast(&mut all)?;
        }
        Ok(Vec::<u8>::try_from(&all).expect("a vector of bytes"))
    }

    /// The bytes that each rank has, which may be of any length.
    ///
    /// # Errors
    /// [`Error::Collective`].
    pub fn gather_bytes(&self, bytes: &[u8]) -> Result<Vec<Vec<u8>>, Error> {
        if self.is_alone() {
            return Ok(vec![bytes.to_vec()]);
        }
        let lengths = self.all_gather(&Tensor::from(bytes.len() as i64))?;
        let lengths = Vec::<i64>::try_from(&lengths).expect("a vector of lengths");
        let most = lengths.iter().max().map_or(0, |&most| most as usize);
        if most == 0 {
            return Ok(vec![Vec::new(); self.size]);
        }
        let mut padded = bytes.to_vec();
        padded.resize(most, 0);
        let all = self.all_gather(&Tensor::from_slice(&padded))?.view(-1);
        let all = Vec::<u8>::try_from(&all).expect("a vector of bytes");
        let parts = all.chunks(most).zip(lengths);
        Ok(parts.map(|(part, length)| part[..length as usize].to_vec()).collect())
    }

    /// Of each of `flags` whether any rank has set it.
    ///
    /// # Errors
    /// [`Error::Collective`].
    pub fn any(&self, flags: &[bool]) -> Result<Vec<bool>, Error> {
        if self.is_alone() {
            return Ok(flags.to_vec());
        }
        let flags: Vec<f32> = flags.iter().map(|&flag| f32::from(flag)).collect();
        let mut sums = Tensor::from_slice(&flags);
        self.all_reduce(&mut sums)?;
        let sums = Vec::<f32>::try_from(&sums).expect("a vector of numbers");
        Ok(sums.iter().map(|&sum| sum > 0.0).collect())
    }

    /// What every rank has, rank after rank.
    ///
    /// # Shapes
    /// `part`, the same on all ranks -> `[ranks, ...]`.
    ///
    /// # Errors
    /// [`Error::Collective`].
    pub fn all_gather(&self, part: &Tensor) -> Result<Tensor, Error> {
        #[cfg(feature = "c10d")]
        if let Some(collectives) = &self.collectives {
            return collectives.all_gather(part, self.size);
        }
        Ok(part.unsqueeze(0))
    }

    /// The rows that the ranks have of a batch, in the order of one process: a view after the
    /// other, in each the rows of rank 0 first.
    ///
    /// # Shapes
    /// `own` `[views * counts[rank], ...]` -> `[views * all counts, ...]`; `counts` are the rows of
    /// a view on each rank
    ///
    /// # Errors
    /// [`Error::Collective`].
    pub fn gather_rows(&self, own: &Tensor, views: i64, counts: &[usize]) -> Result<Tensor, Error> {
        assert_eq!(counts.len(), self.size, "a number of rows for every rank");
        if self.is_alone() {
            return Ok(own.shallow_clone());
        }
        let (most, count) = (*counts.iter().max().expect("ranks"), counts[self.rank] as i64);
        let rows = own.size();
        let tail = &rows[1..];
        let shape = [&[views, count], tail].concat();
        let mut padded = [&[views, most as i64], tail].concat();
        let all = Tensor::zeros(&padded[..], (own.kind(), own.device()));
        if count > 0 {
            all.narrow(1, 0, count).copy_(&own.reshape(&shape[..]));
        }
        let gathered = self.all_gather(&all)?;
        let part = |(rank, &count): (i64, &usize)| gathered.get(rank).narrow(1, 0, count as i64);
        let parts: Vec<Tensor> = (0..).zip(counts).map(part).collect();
        padded[1] = counts.iter().sum::<usize>() as i64;
        let shape = [&[padded[0] * padded[1]], tail].concat();
        Ok(Tensor::cat(&parts, 1).reshape(&shape[..]))
    }

    /// Waits for all ranks, at most `timeout`.
    ///
    /// # Errors
    /// [`Error::Collective`], which on rank 0 says who did not come.
    pub fn barrier(&self, timeout: Duration) -> Result<(), Error> {
        #[cfg(feature = "c10d")]
        if let Some(collectives) = &self.collectives {
            return collectives.barrier(timeout);
        }
        let _ = timeout;
        Ok(())
    }

    /// Batch normalization over the images of all ranks, and its statistics; `None` for one
    /// process, which needs no other than libtorch's. A collective that failed is given by
    /// [`check`](Self::check).
    ///
    /// # Shapes
    /// `x` `[n, channels, ...]`, `weight` and `bias` `[channels]` -> like `x`, in its dtype;
    /// statistics are in that of `weight`.
    ///
    /// # Reference
    /// Statistics of the ranks are put together as by Chan, Golub and LeVeque 1979, *Updating
    /// formulae and a pairwise algorithm for computing sample variances*, equation 2.1.
    pub fn sync_batch_norm(
        &self,
        x: &Tensor,
        weight: &Tensor,
        bias: &Tensor,
        epsilon: f64,
    ) -> Option<(Tensor, BatchStatistics)> {
        #[cfg(feature = "c10d")]
        if let Some(collectives) = &self.collectives {
            let channels = weight.size()[0];
            let stats = Tensor::zeros([2 * channels + 1], (weight.kind(), weight.device()));
            let y = collectives.sync_batch_norm([x, weight, bias, &stats], epsilon);
            let statistics = BatchStatistics {
                mean: stats.narrow(0, 0, channels),
                variance: stats.narrow(0, channels, channels),
                count: stats.get(2 * channels),
            };
            return Some((y, statistics));
        }
        let _ = (x, weight, bias, epsilon);
        None
    }

    /// Whether the collectives inside of passes all succeeded.
    ///
    /// # Errors
    /// [`Error::Collective`].
    pub fn check(&self) -> Result<(), Error> {
        #[cfg(feature = "c10d")]
        if let Some(collectives) = &self.collectives {
            return collectives.check();
        }
        Ok(())
    }
}
