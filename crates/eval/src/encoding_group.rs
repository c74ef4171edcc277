//! The processes that encode images together.
//!
//! Rank 0 leads: it opens runs, asks for the features of a split, and works with them. The other
//! ranks have the images, and encode what they are asked for. The blocks of a split are dealt out
//! in turn, each the one that a single process would encode, so that features have the same bits.

use std::cell::RefCell;
use std::rc::Rc;
use std::time::Duration;

use dataset::{Dataset, Split};
use group::Group;
use loader::{Shard, ViewBlock};
use serde::{Deserialize, Serialize};
use tch::{Device, Kind, Tensor, no_grad};
use trainer::RunRecord;

use crate::{Error, Result};

/// How long ranks wait for rank 0 to ask for something, which may fit a classifier or decode images
/// meanwhile. They are told at once where it ends.
const IDLE: Duration = Duration::from_secs(24 * 60 * 60);

/// See the module.
#[derive(Debug)]
pub struct EncodingGroup {
    group: Rc<Group>,
    timeout: Duration,
    /// Names the encoder that the other ranks have.
    sent: RefCell<String>,
}

/// What rank 0 tells the others.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) enum Message {
    /// Images are to be encoded.
    Encode(Request),
    /// Nothing is left to do; how rank 0 ended.
    End(String),
}

/// Asks for what an encoder makes of a split.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Request {
    /// Which of the sets.
    pub set: usize,
    /// The name of the split.
    pub split: String,
    pub output: Output,
    /// Numbers that are made of an image.
    pub features: usize,
    /// Images that are encoded at a time.
    pub batch: usize,
    /// Side of the images that the encoder takes.
    pub side: usize,
    /// The run of the encoder, where it is another one than before; its weights follow.
    pub run: Option<Box<RunRecord>>,
}

/// What an encoder makes of images.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub(crate) enum Output {
    /// Features of each image.
    Features,
    /// Features of each image's patches.
    Patches,
}

/// A set that all ranks have, and the number by which they know it.
#[derive(Clone, Debug)]
pub(crate) struct SharedSet {
    pub group: Rc<EncodingGroup>,
    pub number: usize,
    pub set: Dataset,
}

impl SharedSet {
    /// The name by which all ranks know the images of `split`, if they do.
    pub fn name_of(&self, split: &Split) -> Option<&'static str> {
        let mut splits = self.set.splits();
        splits.find(|(_, shared)| shared.same_images(split)).map(|(name, _)| name)
    }
}

impl EncodingGroup {
    /// The processes of `group`, whose collectives wait at most `timeout`.
    pub fn new(group: Rc<Group>, timeout: Duration) -> Self {
        Self { group, timeout, sent: RefCell::default() }
    }

    /// Tells the other ranks that rank 0 has ended, and how.
    ///
    /// # Errors
    /// [`Error::Group`].
    pub fn end(&self, said: &str) -> Result<()> {
        self.tell(&Message::End(said.to_owned()))
    }

    /// Asks the other ranks to encode images with the encoder that `name` names: they wait for
    /// [`encode`](Self::encode) then. They have its `weights`, or get them.
    pub(crate) fn ask(
        &self,
        mut request: Request,
        (name, run): (String, &RunRecord),
        weights: impl FnOnce() -> Vec<(String, Tensor)>,
    ) -> Result<Request> {
        let is_new = *self.sent.borrow() != name;
        request.run = is_new.then(|| Box::new(run.clone()));
        let message = Message::Encode(request);
        self.tell(&message)?;
        if is_new {
            self.share_weights(weights())?;
            *self.sent.borrow_mut() = name;
        }
        let Message::Encode(request) = message else { unreachable!("as it was made") };
        Ok(request)
    }

    fn tell(&self, message: &Message) -> Result<()> {
        self.group.barrier(self.timeout)?;
        self.group.broadcast_bytes(&serde_json::to_vec(message).expect("valid JSON"))?;
        Ok(())
    }

    /// What rank 0 tells next.
    pub(crate) fn next(&self) -> Result<Message> {
        self.group.barrier(IDLE)?;
        let message = self.group.broadcast_bytes(&[])?;
        Ok(serde_json::from_slice(&message).expect("rank 0 has the same program"))
    }

    /// Gives every rank the weights of rank 0, in place.
    pub(crate) fn share_weights(&self, weights: Vec<(String, Tensor)>) -> Result<()> {
        for (_, mut tensor) in weights {
            let mut host = tensor.to_device(Device::Cpu).contiguous();
            self.group.broadcast(&mut host)?;
            no_grad(|| tensor.copy_(&host));
        }
        Ok(())
    }

    /// Hands on what `encode` makes of the images of `split`, some at a time, in order: float32 on
    /// the host. Each rank encodes its turn; all end once `take` has failed on one of them.
    pub(crate) fn encode<E: From<Error>>(
        &self,
        split: &Split,
        request: &Request,
        encode: &dyn Fn(&ViewBlock) -> Tensor,
        take: &mut dyn FnMut(Tensor) -> std::result::Result<(), E>,
    ) -> std::result::Result<(), E> {
        let (rank, world_size) = (self.group.rank(), self.group.size());
        let (batch, shard) = (request.batch.max(1), Shard { rank, world_size });
        let mut blocks = loader::sequential_blocks(split, request.side, batch, shard);
        let mut failed = None;
        for first in (0..split.len()).step_by(batch * world_size) {
            if self.group.any(&[failed.is_some()]).map_err(Error::from)?[0] {
                break;
            }
            let images = |rank: usize| split.len().saturating_sub(first + rank * batch).min(batch);
            let counts: Vec<usize> = (0..world_size).map(images).collect();
            // Over the host, so that it takes no library between GPUs.
            let own = match blocks.next() {
                Some(block) => {
                    let block = block.map_err(Error::from)?;
                    no_grad(|| encode(&block).to_kind(Kind::Float).to_device(Device::Cpu))
                }
                None => Tensor::zeros([0, request.features as i64], (Kind::Float, Device::Cpu)),
            };
            let all = no_grad(|| self.group.gather_rows(&own, 1, &counts)).map_err(Error::from)?;
            for block in all.split(batch as i64, 0) {
                if failed.is_none() {
                    failed = take(block).err();
                }
            }
        }
        failed.map_or(Ok(()), Err)
    }
}
