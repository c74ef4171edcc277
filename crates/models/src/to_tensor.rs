//! Image bytes to float tensors on a device.

use tch::{Device, Kind, Tensor};

/// Converts planar `u8` images to float tensors in 0..=1 on a device, as torchvision's `ToTensor`.
#[derive(Debug)]
pub struct ToTensor {
    device: Device,
    kind: Kind,
}

impl ToTensor {
    /// A converter to `device`; images get dtype `kind`.
    pub fn new(device: Device, kind: Kind) -> Self {
        Self { device, kind }
    }

    /// # Shapes
    /// `bytes` `[images, views, 3, height, width]`, row-major planes of `u8` ->
    /// `[views * images, 3, height, width]`, one view of all images after the other, in 0..=1
    /// (value / 255), channels last in memory.
    ///
    /// # Panics
    /// If the number of bytes isn't `images * views * 3 * height * width`.
    pub fn images(&self, bytes: &[u8], [images, views]: [usize; 2], side: [usize; 2]) -> Tensor {
        let [height, width] = side;
        let shape = [images, views, 3, height, width].map(|side| side as i64);
        assert_eq!(bytes.len() as i64, shape.iter().product::<i64>(), "bytes of {shape:?} images");
        let planes = match self.device {
            Device::Cuda(_) => upload(bytes, self.device).view(shape),
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

/// Starts the copy of `bytes` to a GPU, by way of page-locked memory, and does not wait for it.
/// libtorch keeps such memory, and uses a block again only when no copy out of it is under way.
fn upload(bytes: &[u8], gpu: Device) -> Tensor {
    let size = bytes.len() as i64;
    // SAFETY: it has the length, kind and layout of `bytes`, is only read, and is gone before
    // `bytes` is.
    let pageable =
        unsafe { Tensor::from_blob(bytes.as_ptr(), &[size], &[1], Kind::Uint8, Device::Cpu) };
    let page_locked = pageable.internal_pin_memory(gpu);
    page_locked.to_dtype_layout((Kind::Uint8, gpu), true, false)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn planes_become_normalized_channels_last_images() {
        let to_tensor = ToTensor::new(Device::Cpu, Kind::Float);
        let bytes: Vec<u8> = (0..2 * 3 * 2 * 4).map(|value| value * 5).collect();
        let images = to_tensor.images(&bytes, [2, 1], [2, 4]);
        assert_eq!(images.size(), [2, 3, 2, 4]);
        assert_eq!(images.stride(), [24, 1, 12, 3]);
        for (index, &byte) in bytes.iter().enumerate() {
            let at = [index / 24, index / 8 % 3, index / 4 % 2, index % 4].map(|i| i as i64);
            let value = images.double_value(&at);
            assert!((value - f64::from(byte) / 255.0).abs() < 1e-7, "{at:?}: {value}");
        }
    }

    #[test]
    fn views_come_one_after_the_other() {
        let to_tensor = ToTensor::new(Device::Cpu, Kind::Float);
        // Three images of two views, each of one value: 10 * image + view.
        let values = [0u8, 1, 10, 11, 20, 21];
        let bytes: Vec<u8> = values.iter().flat_map(|&value| [value; 12]).collect();
        let images = to_tensor.images(&bytes, [3, 2], [2, 2]) * 255.0;
        let first = images.flatten(1, -1).select(1, 0).round();
        assert_eq!(Vec::<f32>::try_from(&first).unwrap(), [0.0, 10.0, 20.0, 1.0, 11.0, 21.0]);
    }
}
