//! The trainable weights of a network in one flat buffer.

use std::collections::HashMap;

use tch::nn::VarStore;
use tch::{Tensor, no_grad};

/// The trainable weights of one variable store in one flat tensor.
///
/// The tensors of the layers become views of [`flat`](Self::flat), in the order in which they were
/// registered. Weights of convolutions are in channels-last order.
#[derive(Debug)]
pub struct FlatParameters {
    flat: Tensor,
    names: Vec<String>,
    tensors: Vec<Tensor>,
}

impl FlatParameters {
    /// Moves the trainable weights of `store` into one buffer.
    pub fn flatten(store: &VarStore) -> Self {
        let mut tensors = store.trainable_variables();
        let by_address: HashMap<_, _> = store
            .variables()
            .into_iter()
            .map(|(name, tensor)| (tensor.data_ptr() as usize, name))
            .collect();
        let names = tensors
            .iter()
            .map(|tensor| by_address[&(tensor.data_ptr() as usize)].clone())
            .collect();
        let shapes: Vec<_> = tensors.iter().map(Tensor::size).collect();
        let flat = no_grad(|| {
            let parts: Vec<_> = tensors.iter().map(in_memory_order).collect();
            let flat = if parts.is_empty() {
                Tensor::zeros([0], (store.kind(), store.device()))
            } else {
                Tensor::cat(&parts, 0)
            };
            for (tensor, view) in tensors.iter_mut().zip(split(&flat, &shapes)) {
                tensor.set_data(&view);
            }
            flat
        });
        Self { flat, names, tensors }
    }

    /// All weights, `[number of weights]`. Changing it in place changes the layers.
    pub fn flat(&self) -> &Tensor {
        &self.flat
    }

    /// Whether there is nothing to train.
    pub fn is_empty(&self) -> bool {
        self.tensors.is_empty()
    }

    /// The gradient of the scalar `loss` with respect to [`flat`](Self::flat), `[number of
    /// weights]`; 0 for weights that `loss` does not depend on. Frees the graph.
    pub fn gradient(&self, loss: &Tensor) -> Tensor {
        self.flat_gradient(&Tensor::run_backward(&[loss], &self.tensors, false, false))
    }

    /// As [`gradient`](Self::gradient), and the gradient with respect to each of `inputs`, in its
    /// shape. They require a gradient, and `loss` was computed from one of them at least.
    pub fn gradient_with(&self, loss: &Tensor, inputs: &[&Tensor]) -> (Tensor, Vec<Tensor>) {
        let all: Vec<&Tensor> = self.tensors.iter().chain(inputs.iter().copied()).collect();
        let mut gradients = Tensor::run_backward(&[loss], &all, false, false);
        let of_inputs = gradients.split_off(self.tensors.len());
        let of_inputs = of_inputs.iter().zip(inputs).map(|(found, input)| defined(found, input));
        (self.flat_gradient(&gradients), of_inputs.collect())
    }

    /// The leading weights whose names begin with `prefix`, as a view.
    ///
    /// # Panics
    /// If such weights follow others.
    pub fn first(&self, prefix: &str) -> Self {
        let fits = |name: &&String| name.starts_with(prefix);
        let count = self.names.iter().take_while(fits).count();
        let all = self.names.iter().filter(fits).count();
        assert_eq!(count, all, "weights of {prefix} that come first, and all");
        let tensors = &self.tensors[..count];
        let length = tensors.iter().map(|tensor| tensor.numel() as i64).sum();
        Self {
            flat: self.flat.narrow(0, 0, length),
            names: self.names[..count].to_vec(),
            tensors: tensors.iter().map(Tensor::shallow_clone).collect(),
        }
    }

    /// One gradient a weight, side by side.
    fn flat_gradient(&self, gradients: &[Tensor]) -> Tensor {
        let parts: Vec<Tensor> = gradients
            .iter()
            .zip(&self.tensors)
            .map(|(gradient, tensor)| in_memory_order(&defined(gradient, tensor)))
            .collect();
        Tensor::cat(&parts, 0)
    }

    /// The parts of `flat`, any tensor in the order of [`flat`](Self::flat), by parameter name.
    /// They are views, with the shapes of the parameters.
    pub fn named(&self, flat: &Tensor) -> Vec<(String, Tensor)> {
        let shapes: Vec<_> = self.tensors.iter().map(Tensor::size).collect();
        self.names.iter().cloned().zip(split(flat, &shapes)).collect()
    }
}

/// The tensors of `store` that are saved but not trained (queues, centers), sorted by name.
pub fn buffers(store: &VarStore) -> Vec<(String, Tensor)> {
    let mut named: Vec<_> =
        store.variables().into_iter().filter(|(_, tensor)| !tensor.requires_grad()).collect();
    named.sort_by(|a, b| a.0.cmp(&b.0));
    named
}

/// The gradient of `tensor`, zeros where the loss doesn't depend on it.
fn defined(gradient: &Tensor, tensor: &Tensor) -> Tensor {
    if gradient.defined() { gradient.shallow_clone() } else { tensor.zeros_like() }
}

/// One dimension, convolution weights as (output, row, column, input).
fn in_memory_order(tensor: &Tensor) -> Tensor {
    match tensor.dim() {
        4 => tensor.permute([0, 2, 3, 1]).reshape([-1]),
        _ => tensor.reshape([-1]),
    }
}

/// Views of consecutive parts of `flat` with the given shapes: the inverse of `in_memory_order`.
fn split(flat: &Tensor, shapes: &[Vec<i64>]) -> Vec<Tensor> {
    let mut start = 0;
    let mut part = |shape: &Vec<i64>| {
        let count = shape.iter().product();
        let part = flat.narrow(0, start, count);
        start += count;
        match shape[..] {
            [o, i, h, w] => part.view([o, h, w, i]).permute([0, 3, 1, 2]),
            _ => part.view(&shape[..]),
        }
    };
    shapes.iter().map(&mut part).collect()
}

#[cfg(test)]
mod tests;
