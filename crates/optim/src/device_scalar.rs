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
        Self(Tensor::full([0i64; 0], value, options))
    }

    /// Changes the value; nothing waits for a GPU to have it.
    pub fn set(&mut self, value: f64) {
        no_grad(|| {
            let _ = self.0.fill_(value);
        });
    }

    /// The value, a scalar.
    pub fn tensor(&self) -> &Tensor {
        &self.0
    }
}
