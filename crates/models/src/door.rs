//! The one door from bytes to tensors.

use std::cell::RefCell;

use tch::{Cuda, Device, Kind, Tensor};

/// Batches in flight between host and GPU before the host waits for the GPU.
const RING: usize = 4;

/// Turns planar bytes into normalised images on a device.
#[derive(Debug)]
pub struct Door {
    device: Device,
    kind: Kind,
    staging: RefCell<Staging>,
}

/// Page-locked buffers, used in turn, from which a GPU can copy while the host goes on.
#[derive(Debug, Default)]
struct Staging {
    buffers: Vec<Tensor>,
    next: usize,
}

impl Door {
    /// A door to `device`; images come out in `kind`.
    pub fn new(device: Device, kind: Kind) -> Self {
        Self {
            device,
            kind,
            staging: RefCell::default(),
        }
    }

    /// # Shapes
    /// `bytes` `[images, views, 3, height, width]`, row-major planes of `u8` -> `[views * images, 3, height,
    /// width]`, one view of all images after the other, in 0..=1 (value / 255), channels last in memory.
    ///
    /// # Panics
    /// If the number of bytes isn't `images * views * 3 * height * width`.
    pub fn images(&self, bytes: &[u8], [images, views]: [usize; 2], side: [usize; 2]) -> Tensor {
        let [height, width] = side;
        let shape = [images, views, 3, height, width].map(|side| side as i64);
        assert_eq!(
            bytes.len() as i64,
            shape.iter().product::<i64>(),
            "bytes of {shape:?} images"
        );
        let planes = match self.device {
            Device::Cuda(gpu) => self.staging.borrow_mut().upload(bytes, gpu).view(shape),
            _ => Tensor::from_data_size(bytes, &shape, Kind::Uint8),
        };
        let interleaved = planes.permute([1, 0, 3, 4, 2]).contiguous();
        (interleaved.flatten(0, 1).to_kind(Kind::Float) / 255.0)
            .to_kind(self.kind)
            .permute([0, 3, 1, 2])
    }

    /// The classes `labels` as an `i64` tensor `[n]` on the device.
    pub fn labels(&self, labels: &[i64]) -> Tensor {
        Tensor::from_slice(labels).to_device(self.device)
    }
}

impl Staging {
    /// Copies `bytes` into the next page-locked buffer and starts the copy to the GPU.
    fn upload(&mut self, bytes: &[u8], gpu: usize) -> Tensor {
        if self.next == 0 {
            // After this no copy out of any buffer is under way, so all may be written again.
            Cuda::synchronize(gpu as i64);
        }
        let slot = self.next;
        self.next = (slot + 1) % RING;
        let size = bytes.len() as i64;
        if self
            .buffers
            .get(slot)
            .is_none_or(|buffer| buffer.numel() != bytes.len())
        {
            let buffer = Tensor::zeros([size], (Kind::Uint8, Device::Cpu));
            let pinned = buffer.pin_memory(Device::Cuda(gpu));
            if slot < self.buffers.len() {
                self.buffers[slot] = pinned;
            } else {
                self.buffers.push(pinned);
            }
        }
        let buffer = &self.buffers[slot];
        // SAFETY: the buffer is a contiguous u8 tensor of exactly `bytes.len()` elements in host
        // memory, owned here; no copy to the GPU reads it any more (synchronised above).
        let target =
            unsafe { std::slice::from_raw_parts_mut(buffer.data_ptr().cast::<u8>(), bytes.len()) };
        target.copy_from_slice(bytes);
        buffer.to_dtype_layout((Kind::Uint8, Device::Cuda(gpu)), true, false)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn planes_become_normalised_channels_last_images() {
        let door = Door::new(Device::Cpu, Kind::Float);
        let bytes: Vec<u8> = (0..2 * 3 * 2 * 4).map(|value| value * 5).collect();
        let images = door.images(&bytes, [2, 1], [2, 4]);
        assert_eq!(images.size(), [2, 3, 2, 4]);
        assert_eq!(images.stride(), [24, 1, 12, 3]);
        for (index, &byte) in bytes.iter().enumerate() {
            let at = [index / 24, index / 8 % 3, index / 4 % 2, index % 4].map(|i| i as i64);
            let value = images.double_value(&at);
            assert!(
                (value - f64::from(byte) / 255.0).abs() < 1e-7,
                "{at:?}: {value}"
            );
        }
    }

    #[test]
    fn views_come_one_after_the_other() {
        let door = Door::new(Device::Cpu, Kind::Float);
        // Three images of two views, each of one value: 10 * image + view.
        let values = [0u8, 1, 10, 11, 20, 21];
        let bytes: Vec<u8> = values.iter().flat_map(|&value| [value; 12]).collect();
        let images = door.images(&bytes, [3, 2], [2, 2]) * 255.0;
        let first = images.flatten(1, -1).select(1, 0).round();
        assert_eq!(
            Vec::<f32>::try_from(&first).unwrap(),
            [0.0, 10.0, 20.0, 1.0, 11.0, 21.0]
        );
    }
}
