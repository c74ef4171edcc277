//! Numbers on a device.

use tch::{Device, Kind, Tensor, no_grad};

/// A number that changes from step to step, kept on the device: a learning rate, a temperature.
/// What is computed with it is queued alike in every step, so that a GPU can repeat a step as a
/// whole.
#[derive(Debug)]
pub struct DeviceScalar(Tensor);

impl DeviceScalar {
    /// One with a value.
    pub fn new(value: f64, options: (Kind, Device)) -> Self {
        let mut scalar = Self(Tensor::zeros([0i64; 0], options));
        scalar.set(value);
        scalar
    }

    /// Changes the value, rounded to the dtype, infinite where that ends; nothing waits for a GPU
    /// to have it.
    pub fn set(&mut self, value: f64) {
        // libtorch refuses to fill a tensor with a number beyond its dtype.
        let value = match self.0.kind() {
            Kind::Float => f64::from(value as f32),
            _ => value,
        };
        no_grad(|| {
            let _ = self.0.fill_(value);
        });
    }

    /// The value, a scalar.
    pub fn tensor(&self) -> &Tensor {
        &self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_those_of_the_dtype() {
        for (kind, rounded) in [(Kind::Float, f64::INFINITY), (Kind::Double, 1e39)] {
            let mut scalar = DeviceScalar::new(0.1, (kind, Device::Cpu));
            assert!((scalar.tensor().double_value(&[]) - 0.1).abs() < 1e-8);
            scalar.set(1e39);
            assert_eq!(scalar.tensor().double_value(&[]), rounded);
            assert_eq!(scalar.tensor().kind(), kind);
        }
    }
}
