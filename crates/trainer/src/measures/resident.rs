//! Images that stay on the device between measurements.

use std::cell::RefCell;
use std::rc::Rc;

use dataset::Split;
use tch::{Device, Tensor};

/// The most bytes of images that stay on a GPU.
const MOST: usize = 1 << 30;

/// A split that is measured after every epoch. A GPU keeps its bytes, if they are not too many.
#[derive(Debug)]
pub(crate) struct ResidentSplit {
    pub split: Split,
    /// Whether it keeps them.
    pub stays: bool,
    /// Once it was read to its end.
    blocks: RefCell<Option<Rc<Vec<Tensor>>>>,
}

impl ResidentSplit {
    /// These splits, together if there are two.
    pub fn new<const N: usize>(
        splits: [Option<Split>; N],
        side: usize,
        device: Device,
    ) -> [Option<Self>; N] {
        let images: usize = splits.iter().flatten().map(Split::len).sum();
        let stays = device.is_cuda() && images * 3 * side * side <= MOST;
        splits.map(|split| split.map(|split| Self { split, stays, blocks: RefCell::new(None) }))
    }

    /// Its blocks on the device, if they were kept.
    pub fn kept(&self) -> Option<Rc<Vec<Tensor>>> {
        self.blocks.borrow().clone()
    }

    /// Keeps all of its blocks.
    pub fn keep(&self, blocks: Vec<Tensor>) {
        *self.blocks.borrow_mut() = Some(Rc::new(blocks));
    }
}
