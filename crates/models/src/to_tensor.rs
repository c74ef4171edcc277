//! Image bytes to float tensors on a device.

use tch::kind::Element;
use tch::{Device, Kind, Tensor};

/// Converts planar `u8` images to float tensors in 0..=1 on a device, as torchvision's `ToTensor`.
#[derive(Debug)]
pub struct ToTensor {
    device: Device,
}

impl ToTensor {
    /// A converter to `device`.
    pub fn new(device: Device) -> Self {
        Self { device }
    }

    /// Where tensors are made.
    pub fn device(&self) -> Device {
        self.device
    }

    /// # Shapes
    /// `bytes` `[images, views, 3, height, width]`, row-major planes of `u8` ->
    /// `[views * images, 3, height, width]`, one view of all images after the other, `f32` in 0..=1
    /// (value / 255), channels last in memory.
    ///
    /// # Panics
    /// If the number of bytes isn't `images * views * 3 * height * width`.
    pub fn images(&self, bytes: &[u8], counts: [usize; 2], side: [usize; 2]) -> Tensor {
        self.convert(&self.upload(bytes, counts, side))
    }

    /// Bytes as they are, on the device; nothing waits for a GPU to have them.
    ///
    /// # Shapes
    /// `[images, views, 3, height, width]`, row-major planes of `u8`.
    ///
    /// # Panics
    /// If their number isn't `images * views * 3 * height * width`.
    pub fn upload(&self, bytes: &[u8], [images, views]: [usize; 2], side: [usize; 2]) -> Tensor {
        let [height, width] = side;
        let shape = [images, views, 3, height, width].map(|side| side as i64);
        assert_eq!(bytes.len() as i64, shape.iter().product::<i64>(), "bytes of {shape:?} images");
        self.copy(bytes).view(shape)
    }

    /// What [`upload`](Self::upload) gave as images: turned and cast in one pass, then divided.
    ///
    /// # Shapes
    /// `[images, views, 3, height, width]`, `u8` -> `[views * images, 3, height, width]`, as
    /// [`images`](Self::images).
    pub fn convert(&self, planes: &Tensor) -> Tensor {
        let channels_last = planes.permute([1, 0, 3, 4, 2]);
        let mut images = Tensor::empty(channels_last.size(), (Kind::Float, self.device));
        images.copy_(&channels_last);
        let images = images.divide_scalar_(255.0);
        images.flatten(0, 1).permute([0, 3, 1, 2])
    }

    /// The classes `labels` as an `i64` tensor `[n]` on the device.
    pub fn labels(&self, labels: &[i64]) -> Tensor {
        self.copy(labels)
    }

    /// Starts the copy of numbers to a GPU, by way of page-locked memory, and does not wait for it.
    /// libtorch keeps such memory, and uses a block again only when no copy out of it is under way.
    fn copy<T: Element>(&self, numbers: &[T]) -> Tensor {
        let (data, size) = (numbers.as_ptr().cast(), [numbers.len() as i64]);
        // SAFETY: it has the length, kind and layout of `numbers`, is only read, and is gone before
        // `numbers` are.
        let pageable = unsafe { Tensor::from_blob(data, &size, &[1], T::KIND, Device::Cpu) };
        match self.device {
            Device::Cuda(_) => pageable.internal_pin_memory(self.device).to_dtype_layout(
                (T::KIND, self.device),
                true,
                false,
            ),
            _ => pageable.copy(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn planes_become_normalized_channels_last_images() {
        let to_tensor = ToTensor::new(Device::Cpu);
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
        let to_tensor = ToTensor::new(Device::Cpu);
        // Three images of two views, each of one value: 10 * image + view.
        let values = [0u8, 1, 10, 11, 20, 21];
        let bytes: Vec<u8> = values.iter().flat_map(|&value| [value; 12]).collect();
        let images = to_tensor.images(&bytes, [3, 2], [2, 2]) * 255.0;
        let first = images.flatten(1, -1).select(1, 0).round();
        assert_eq!(Vec::<f32>::try_from(&first).unwrap(), [0.0, 10.0, 20.0, 1.0, 11.0, 21.0]);
    }
}
